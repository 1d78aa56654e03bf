"""The histogram of vessel probability from which every segmentation score is derived.

A histogram is small, adds up over patches, images and processes, and loses only what lies within one bin of 1 / 65536:
scores of a whole test set never need its probabilities in memory at once.
"""

import torch
from torch import Tensor

from fundus_unet.core.errors import InputError

# A power of two: scaling a probability by it is exact in floating point, and 0.5 is exactly an edge.
BINS = 65536


def probability_histogram(probability: Tensor, label: Tensor, region: Tensor | None = None) -> Tensor:
    """Count the background and the vessel pixels in each of `BINS` equal bins of vessel probability over [0, 1].

    A probability p falls in bin floor(p * BINS), and p = 1 in the last. Values outside the region are not looked at.
    An empty region gives an empty histogram, so that patches without field of view can be accumulated; the scores of an
    empty histogram are an error.

    Shapes:
        probability, label and region alike, any shape; result (2, BINS) int64, row 0 background, row 1 vessel.

    Units:
        probability in [0, 1]; label in {0, 1}; region true where pixels count (None: everywhere).

    Raises:
        InputError: Where shapes differ, a probability is NaN or outside [0, 1], or a label is not 0 or 1.
    """
    probability, label = _inside_region(probability, label, region)
    if probability.numel() == 0:
        return torch.zeros(2, BINS, dtype=torch.int64, device=probability.device)
    _check_probability(probability)
    # float16 would overflow at 1 * BINS.
    scaled = probability.to(torch.promote_types(probability.dtype, torch.float32)) * BINS
    index = scaled.to(torch.int64).clamp_(max=BINS - 1)
    return torch.bincount(index.add_(label, alpha=BINS), minlength=2 * BINS).view(2, BINS)


def _inside_region(values: Tensor, label: Tensor, region: Tensor | None) -> tuple[Tensor, Tensor]:
    """The values and the labels of the pixels inside the region, flattened, without gradient.

    Shapes:
        values, label and region alike, any shape; results (N,), the label int64 on the device of the values.

    Units:
        label in {0, 1}; region true where pixels count (None: everywhere).

    Raises:
        InputError: Where shapes differ or a label inside the region is not 0 or 1.
    """
    values, label = values.detach(), label.detach().to(values.device)
    if label.shape != values.shape or (region is not None and region.shape != values.shape):
        raise InputError(
            "prediction, label and region differ in shape",
            expected=tuple(values.shape),
            got=f"label {tuple(label.shape)}, region {None if region is None else tuple(region.shape)}",
        )
    values, label = values.flatten(), label.flatten()
    if region is not None:
        # Indexing both with the mask itself takes several times as long.
        inside = region.to(values.device).flatten().nonzero()[:, 0]
        values, label = values.index_select(0, inside), label.index_select(0, inside)
    _check_binary(label)
    return values, label.to(torch.int64)


def _check_binary(mask: Tensor) -> None:
    if mask.dtype == torch.bool:
        return
    if not bool(((mask == 0) | (mask == 1)).all()):
        # In float64 because some dtypes (bfloat16, unsigned) print or compare badly.
        low, high = (float(bound) for bound in mask.to("cpu", torch.float64).aminmax())
        raise InputError(
            "the label is not binary",
            expected="0 (background) and 1 (vessel) only",
            got=f"values from {low:g} to {high:g}",
            fix="a mask stored as 0 and 255 has to be thresholded first",
        )


def _check_probability(probability: Tensor) -> None:
    low, high = (float(bound) for bound in probability.aminmax())
    # Written so that NaN, which aminmax hands on, fails too.
    if not (low >= 0.0 and high <= 1.0):
        raise InputError(
            "the vessel probability is not a probability",
            expected="values in [0, 1]",
            got="NaN" if low != low else f"values from {low:g} to {high:g}",
            fix="apply the sigmoid to logits; NaN means that the network diverged",
        )
