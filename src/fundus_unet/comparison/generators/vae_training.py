"""Brief training of a variational autoencoder on patches of images."""

import copy
import math
from collections.abc import Iterable
from typing import Protocol

import torch
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR

from fundus_unet.comparison.generators.elbo import NegativeELBO
from fundus_unet.comparison.generators.vae import VAE
from fundus_unet.core.errors import InputError


class Batches(Iterable[dict[str, Tensor]], Protocol):
    """A data loader of patches, or a list of batches."""

    def __len__(self) -> int: ...


def train_vae(
    vae: VAE, patches: Batches, loss: NegativeELBO, *, learning_rate: float, seed: int
) -> tuple[VAE, list[dict[str, float]]]:
    """A trained copy of the autoencoder in evaluation mode, and the parts of the loss at every step.

    One pass over `patches`, one step of AdamW per batch, the rate falling to zero along a cosine. The one that was
    given stays as it is, to be compared with. The result depends on its weights, the patches and `seed` alone.

    Args:
        A batch has `image` (B, C, H, W), normalised, and `field_of_view` (B, 1, H, W), as of `PatchDataset`; `seed`
        is of the samples of the posterior.

    Raises:
        InputError: Where there is no batch, the rate is not above 0, or training diverges.
    """
    if not len(patches):
        raise InputError("there is nothing to train the autoencoder on", expected="at least one batch", got=0)
    if not 0 < learning_rate < math.inf:
        raise InputError("the learning rate cannot be used", expected="a number above 0", got=learning_rate)
    vae = copy.deepcopy(vae).train()
    device = next(vae.parameters()).device
    random = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(vae.parameters(), lr=learning_rate)
    schedule = CosineAnnealingLR(optimizer, T_max=len(patches))
    history: list[dict[str, float]] = []
    for batch in patches:
        image, region = batch["image"].to(device), batch["field_of_view"].to(device)
        reconstruction, mean, logvar = vae(image, random)
        parts = loss(reconstruction, image, mean, logvar, region)
        if not torch.isfinite(parts["loss"]):
            raise InputError(
                f"training of the autoencoder diverged in step {len(history) + 1}: the loss is not finite",
                expected="a finite loss",
                got=float(parts["loss"].detach()),
                fix="lower the learning rate",
            )
        optimizer.zero_grad()
        parts["loss"].backward()
        optimizer.step()
        schedule.step()
        history.append({name: float(value.detach()) for name, value in parts.items()})
    return vae.eval(), history
