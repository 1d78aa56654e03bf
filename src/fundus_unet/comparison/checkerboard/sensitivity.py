"""Sensitivity to sub-grid shifts: does the answer depend on where the image lies on the network's grid?"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fundus_unet.comparison.checkerboard.measured_values import MeasuredValue
from fundus_unet.comparison.checkerboard.planting import CONTROL_SIZE, plant_grid
from fundus_unet.core.errors import InputError

Shift = tuple[int, int]
THRESHOLD = 0.5


def subgrid_shift_sensitivity(
    logits_of: Callable[[Tensor], Tensor],
    image: Tensor,
    region: Tensor | None,
    block: int,
    shifts: Sequence[Shift],
    margin: int,
) -> dict[str, MeasuredValue]:
    """Standard deviation over shifts of each pixel's probability, averaged over pixels, and mean Dice between shifts.

    A shift is a crop that begins `(dy, dx)` lower and further right: nothing wraps around, and all crops have one size.
    Answers are compared pixel by pixel on what all crops see, less `margin`, where a crop's border is felt. Dice is of
    the pixels above probability 0.5, averaged over all pairs of shifts.

    The null compares two crops a whole block apart, to which every network of `block = 2 ** depth` answers alike: what
    remains is the border and rounding. The control takes the unshifted answer, which knows no position, and plants a
    grid of period 2 of 5 % of the logits' standard deviation that stays with the crop.

    Shapes:
        image (1, C, H, W), `logits_of` of it (1, K, H, W); region bool (H, W) or None for everywhere.

    Convention:
        logistic probabilities; standard deviations over the shifts taken (n, not n - 1).
    """
    height, width = (side - block for side in image.shape[-2:])
    inside = _interior(image.shape[-2:], region, block, margin)
    if not inside.any():
        reason = f"no pixel of the region is {margin + block} pixels or more away from the border"
        return {"probability": MeasuredValue(reason=reason), "dice": MeasuredValue(reason=reason)}
    where = inside.flatten().nonzero()[:, 0]

    def answer(shift: Shift) -> Tensor:
        dy, dx = shift
        return logits_of(image[..., dy : dy + height, dx : dx + width])[0].float().cpu()

    def seen(crop: Tensor, shift: Shift) -> Tensor:
        return _placed(crop, shift, inside.shape).flatten(1)[:, where]

    unshifted, moved = answer((0, 0)), (block, block)
    values = torch.stack([seen(answer(shift) if shift != (0, 0) else unshifted, shift) for shift in shifts])
    whole = torch.stack([seen(unshifted, (0, 0)), seen(answer(moved), moved)])
    blind, size = _placed(unshifted, (0, 0), inside.shape), CONTROL_SIZE * unshifted.std((-2, -1))
    control = torch.stack([plant_grid(blind, 2, size, shift).flatten(1)[:, where] for shift in shifts])
    spread, dice = _spread_and_dice(values)
    null_spread, null_dice = _spread_and_dice(whole)
    control_spread, control_dice = _spread_and_dice(control)
    return {
        "probability": MeasuredValue(spread, null_spread, None, spread - null_spread, control_spread),
        "dice": MeasuredValue(dice, null_dice, None, dice - null_dice, control_dice - 1),
    }


def choose_shifts(block: int, most: int) -> list[Shift]:
    """All `(dy, dx) < block`, or `most` of them that share all phases of every period as evenly as can be.

    The lowest bits come first, because a grid of period 2 has phases of the lowest bits alone: any 4 shifts in a row
    have all phases modulo 2, 16 all modulo 4. The bits above are random, the same for every network.

    Raises:
        InputError: For fewer than two shifts or a block that is not a power of two.
    """
    if block < 1 or block & (block - 1) or most < 2:
        raise InputError(
            "these shifts make no comparison",
            expected="max_shifts >= 2, and a grid whose period is a power of two",
            got=f"max_shifts={most}, period {block}",
        )
    bits = block.bit_length() - 1
    count = min(most, block**2)
    used = min(bits, -(-(count - 1).bit_length() // 2))
    generator = torch.Generator().manual_seed(0)
    chosen: list[Shift] = []
    for number in range(count):
        low = [sum((number >> (2 * bit + axis) & 1) << bit for bit in range(used)) for axis in (1, 0)]
        high = torch.randint(2 ** (bits - used), (2,), generator=generator).tolist()
        chosen.append((low[0] + (high[0] << used), low[1] + (high[1] << used)))
    return chosen


def _placed(crop: Tensor, shift: Shift, shape: torch.Size) -> Tensor:
    """A crop's answer on the image's pixels."""
    placed = crop.new_zeros(len(crop), *shape)
    dy, dx = shift
    placed[:, dy : dy + crop.shape[-2], dx : dx + crop.shape[-1]] = crop
    return placed


def _interior(shape: torch.Size, region: Tensor | None, block: int, margin: int) -> Tensor:
    inside = torch.zeros(tuple(shape), dtype=torch.bool)
    rim = block + margin
    inside[rim : shape[0] - rim, rim : shape[1] - rim] = True
    return inside if region is None else inside & region.cpu()


def _spread_and_dice(logits: Tensor) -> tuple[float, float]:
    """Shapes: (shifts, K, pixels)."""
    probability = torch.sigmoid(logits)
    spread = float(probability.double().std(0, correction=0).mean())
    masks = (probability >= THRESHOLD).flatten(1).float()
    common, counts = masks @ masks.T, masks.sum(1)
    both = counts[:, None] + counts
    dice = torch.where(both > 0, 2 * common / both.clamp(min=1), 1.0)
    upper = torch.ones_like(dice, dtype=torch.bool).triu(1)
    return spread, float(dice[upper].mean())
