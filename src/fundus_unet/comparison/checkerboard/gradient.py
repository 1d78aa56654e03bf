"""The gradient of the answer with respect to the image, whose grid is the encoder's."""

import torch
from torch import Tensor, nn


def input_gradient(network: nn.Module, image: Tensor, region: Tensor | None) -> Tensor:
    """d(sum of the logits in the region) / d(input).

    Shapes:
        image (1, C, H, W), region bool (H, W) or None for everywhere -> (C, H, W).

    Source:
        Odena, Dumoulin, Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016, on strided layers.
    """
    with torch.enable_grad():
        image = image.detach().clone().requires_grad_()
        logits = network(image).float()
        chosen = logits if region is None else logits[..., region.to(logits.device)]
        (gradient,) = torch.autograd.grad(chosen.sum(), image)
    return gradient[0].float()
