"""What a variational autoencoder minimises, inside the field of view."""

import math

import torch
from torch import Tensor, nn

from fundus_unet.core.errors import InputError


class NegativeELBO(nn.Module):
    """Gaussian reconstruction of variance 1 and beta * KL to the standard normal, per value of the image.

    `loss` is (sum of squared errors / 2 + beta * sum of KL) / number of values, over the batch. With beta 1 it is the
    negative evidence lower bound per value, less the Gaussian's constant log(2 pi) / 2.

    Raises:
        InputError: Where beta is negative or not finite.

    Source:
        Kingma & Welling, arXiv 1312.6114; beta as of Higgins et al., ICLR 2017.
    """

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        if not (math.isfinite(beta) and beta >= 0.0):
            raise InputError("beta cannot weigh the KL divergence", expected="a number of at least 0", got=beta)
        self.beta = beta

    def forward(
        self, reconstruction: Tensor, image: Tensor, mean: Tensor, logvar: Tensor, region: Tensor
    ) -> dict[str, Tensor]:
        """The loss and its two parts, unweighted: `squared_error` per value, `kl` per image.

        Shapes:
            reconstruction and image (B, C, H, W), mean and logvar (B, ...), region (B, 1, H, W) -> scalars.

        Units:
            `kl` in nats; region true (or not 0) where pixels count.

        Raises:
            InputError: Where shapes do not fit.
        """
        if reconstruction.shape != image.shape or region.shape != image[:, :1].shape or mean.shape != logvar.shape:
            raise InputError(
                "reconstruction, image, region and latent do not fit each other",
                expected="reconstruction as the image, region with one channel, mean as logvar",
                got=", ".join(str(tuple(each.shape)) for each in (reconstruction, image, region, mean, logvar)),
            )
        outside = ~region.bool()
        # Filled rather than multiplied by 0, so that infinities outside give neither NaN nor gradient.
        error = (reconstruction - image).masked_fill(outside, 0.0)
        values = ((~outside).sum() * image.shape[1]).clamp(min=1)
        squared_error = error.square().sum() / values
        kl = kl_to_standard_normal(mean, logvar)
        loss = squared_error / 2 + self.beta * kl.sum() / values
        return {"loss": loss, "squared_error": squared_error, "kl": kl.mean()}


def kl_to_standard_normal(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, 1)), summed over independent components: twice (B, ...) -> (B,), in nats."""
    return 0.5 * (mean.square() + torch.expm1(logvar) - logvar).flatten(1).sum(1)
