"""Binary cross entropy, soft Dice and soft clDice inside the field of view: also the tree's connections count."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.losses.bce_dice import BCEDiceLoss


class BCEDiceClDiceLoss(nn.Module):
    """The loss of `BCEDiceLoss` + cldice_weight * (1 - soft clDice), over the pixels of the region only.

    Soft clDice is the harmonic mean of (sum(S(p) y) + smooth) / (sum(S(p)) + smooth) and (sum(S(y) p) + smooth) /
    (sum(S(y)) + smooth), S being the soft skeleton, and its sums pooled over the batch as those of Dice. A vessel
    counts in it by its length, and not by its width.

    Args:
        iterations: Erosions of the soft skeleton, at least half the width of the widest vessel in pixels.

    Raises:
        InputError: As `BCEDiceLoss`; where cldice_weight is not above 0, or iterations are below 1.

    Source:
        Shit et al., clDice, arXiv 2003.07311.
    """

    def __init__(
        self,
        bce_weight: float = 1.0,
        dice_weight: float = 0.5,
        cldice_weight: float = 0.5,
        iterations: int = 5,
        smooth: float = 1.0,
    ) -> None:
        super().__init__()
        if not (math.isfinite(cldice_weight) and cldice_weight > 0):
            raise InputError(
                "this weight makes no loss of clDice",
                expected="cldice_weight above 0",
                got=cldice_weight,
                fix="loss=bce_dice is the loss without it",
            )
        if iterations < 1:
            raise InputError("a soft skeleton needs erosions", expected="iterations >= 1", got=iterations)
        self.overlap = BCEDiceLoss(bce_weight, dice_weight, smooth)
        self.cldice_weight = cldice_weight
        self.iterations = iterations
        self.smooth = smooth

    def forward(self, logits: Tensor, label: Tensor, region: Tensor) -> dict[str, Tensor]:
        """The loss and its three parts, unweighted, as `BCEDiceLoss.forward`.

        Shapes:
            logits, label and region (B, 1, H, W).

        Units:
            logits before the sigmoid; label in {0, 1}; region true (or not 0) where pixels count.

        Raises:
            InputError: Where shapes differ.
        """
        parts = self.overlap(logits, label, region)
        dtype = torch.promote_types(logits.dtype, torch.float32)
        outside = ~region.bool()
        probability = logits.to(dtype).masked_fill(outside, -math.inf).sigmoid()
        cldice = 1 - self._soft_cldice(probability, label.to(dtype).masked_fill(outside, 0.0))
        return parts | {"loss": parts["loss"] + self.cldice_weight * cldice, "cldice": cldice}

    def _soft_cldice(self, probability: Tensor, label: Tensor) -> Tensor:
        predicted = soft_skeleton(probability, self.iterations)
        with torch.no_grad():
            labelled = soft_skeleton(label, self.iterations)
        precision = ((predicted * label).sum() + self.smooth) / (predicted.sum() + self.smooth)
        sensitivity = ((labelled * probability).sum() + self.smooth) / (labelled.sum() + self.smooth)
        return 2 * precision * sensitivity / (precision + sensitivity)

    def extra_repr(self) -> str:
        return f"cldice_weight={self.cldice_weight}, iterations={self.iterations}"


def soft_skeleton(values: Tensor, iterations: int) -> Tensor:
    """What repeated erosion leaves of ridges: of a binary mask about its centrelines, of a probability their degree.

    Where a line is eroded away, an opening cannot bring it back, so it differs from the image there. The image's
    border erodes nothing: a vessel that it cuts goes on beyond.

    Shapes:
        (B, 1, H, W) alike. Units: 0 to 1.
    """
    skeleton = F.relu(values - _dilated(_eroded(values)))
    for _ in range(iterations):
        values = _eroded(values)
        ridge = F.relu(values - _dilated(_eroded(values)))
        skeleton = skeleton + F.relu(ridge - skeleton * ridge)
    return skeleton


def _eroded(values: Tensor) -> Tensor:
    """The least value of a pixel and its four neighbours."""
    down = -F.max_pool2d(-values, (3, 1), stride=1, padding=(1, 0))
    across = -F.max_pool2d(-values, (1, 3), stride=1, padding=(0, 1))
    return torch.minimum(down, across)


def _dilated(values: Tensor) -> Tensor:
    """The greatest value of a pixel and its eight neighbours."""
    return F.max_pool2d(values, 3, stride=1, padding=1)
