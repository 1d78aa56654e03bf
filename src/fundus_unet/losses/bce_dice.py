"""Binary cross entropy and soft Dice inside the field of view."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fundus_unet.core.errors import InputError


class BCEDiceLoss(nn.Module):
    """bce_weight * BCE + dice_weight * (1 - soft Dice), both over the pixels of the region only.

    BCE is the mean over the region's pixels. Soft Dice is (2 sum(p y) + smooth) / (sum(p) + sum(y) + smooth), its sums
    pooled over the batch: a patch without vessels then cannot swing the loss on its own.

    Raises:
        InputError: Where a weight is negative or not finite, both are 0, or smooth is not above 0 (which keeps Dice
            defined where neither prediction nor label has a vessel).

    Source:
        Milletari, Navab and Ahmadi, V-Net, arXiv 1606.04797, with unsquared sums in the denominator.
    """

    def __init__(self, bce_weight: float = 1.0, dice_weight: float = 0.5, smooth: float = 1.0) -> None:
        super().__init__()
        weights = (bce_weight, dice_weight)
        if not all(math.isfinite(weight) and weight >= 0.0 for weight in weights) or sum(weights) == 0.0:
            raise InputError(
                "these weights make no loss",
                expected="bce_weight >= 0 and dice_weight >= 0, at least one of them above 0",
                got=f"bce_weight={bce_weight}, dice_weight={dice_weight}",
            )
        if not (math.isfinite(smooth) and smooth > 0.0):
            raise InputError("smooth cannot keep Dice defined", expected="a number above 0", got=smooth)
        self.bce_weight = bce_weight
        self.dice_weight = dice_weight
        self.smooth = smooth

    def forward(self, logits: Tensor, label: Tensor, region: Tensor) -> dict[str, Tensor]:
        """The loss and its two parts, unweighted, as scalars of at least float32; all 0 where the region is empty.

        Labels are taken as they are: looking at them would make every training step wait for the accelerator.

        Shapes:
            logits, label and region (B, 1, H, W).

        Units:
            logits before the sigmoid; label in {0, 1}; region true (or not 0) where pixels count.

        Raises:
            InputError: Where shapes differ.
        """
        _check_shapes(logits, label, region)
        # Half precision has too few digits for sums over a batch; float64 stays, for gradient checks.
        dtype = torch.promote_types(logits.dtype, torch.float32)
        outside = ~region.bool()
        # Filled rather than multiplied by 0, so that infinities outside give neither NaN nor gradient.
        logits = logits.to(dtype).masked_fill(outside, 0.0)
        label = label.to(dtype).masked_fill(outside, 0.0)
        inside = (~outside).to(dtype)
        bce = _bce(logits, label, inside)
        dice = _soft_dice_loss(torch.sigmoid(logits) * inside, label, self.smooth)
        return {"loss": self.bce_weight * bce + self.dice_weight * dice, "bce": bce, "dice": dice}

    def extra_repr(self) -> str:
        return f"bce_weight={self.bce_weight}, dice_weight={self.dice_weight}, smooth={self.smooth}"


def _bce(logits: Tensor, label: Tensor, inside: Tensor) -> Tensor:
    per_pixel = F.binary_cross_entropy_with_logits(logits, label, reduction="none")
    return (per_pixel * inside).sum() / inside.sum().clamp(min=1.0)


def _soft_dice_loss(probability: Tensor, label: Tensor, smooth: float) -> Tensor:
    overlap = (probability * label).sum()
    return 1.0 - (2.0 * overlap + smooth) / (probability.sum() + label.sum() + smooth)


def _check_shapes(logits: Tensor, label: Tensor, region: Tensor) -> None:
    if not logits.shape == label.shape == region.shape:
        raise InputError(
            "logits, label and region differ in shape",
            expected=f"{tuple(logits.shape)}, as the logits",
            got=f"label {tuple(label.shape)}, region {tuple(region.shape)}",
        )
