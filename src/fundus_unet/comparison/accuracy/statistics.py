"""Is a difference between two variants more than the noise of seeds and images?

Every variant was trained with the same seeds and scored on the same images, so differences are paired: one number per
seed and image. Both are samples: another seed trains another network, another image is another eye. The
interval therefore resamples both (Owen, "The pigeonhole bootstrap", arXiv 0712.1111), and is widened for their small
numbers. The test is Wilcoxon's over images. Corrections are for the number of variants compared with the control.

In a cross-validation the images of a fold share the networks that they were scored with, so whole folds are resampled
in place of images; each fold was trained apart, so that there is an interval for one seed too. It does not cover the
starting weights, which the folds of a seed share.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from fundus_unet.core.errors import InputError

SIGNIFICANCE = 0.05
RESAMPLES = 10_000


@dataclass(frozen=True)
class Difference:
    """A variant minus the control, in one metric.

    `interval` covers with 95 %; `corrected_interval` with 95 % for all variants together (Bonferroni); `corrected_p` is
    Holm's; `smallest_p` is what Wilcoxon's test gives at best for so many images; `seed_spread` is the standard
    deviation over seeds of the mean difference. None where one seed or one image gives no answer. `folds` is their
    number in a cross-validation.
    """

    mean: float
    seeds: int
    images: int
    interval: tuple[float, float] | None = None
    corrected_interval: tuple[float, float] | None = None
    seed_spread: float | None = None
    p: float | None = None
    corrected_p: float | None = None
    smallest_p: float | None = None
    folds: int | None = None

    @property
    def verdict(self) -> str:
        """`higher` or `lower` than the control; `none`; or `unknown` where there is no interval.

        A difference counts only if the corrected interval excludes 0, the corrected test rejects, and it is larger
        than its own spread over seeds, where there are several.
        """
        if self.corrected_interval is None or self.corrected_p is None:
            return "unknown"
        low, high = self.corrected_interval
        if low <= 0 <= high or self.corrected_p >= SIGNIFICANCE or abs(self.mean) <= (self.seed_spread or 0):
            return "none"
        return "higher" if self.mean > 0 else "lower"


def paired_differences(
    pairs: Mapping[str, np.ndarray], folds: Sequence[int] | None = None, draws: int = RESAMPLES, seed: int = 0
) -> dict[str, Difference]:
    """One `Difference` per variant; the corrections are for their number.

    Shapes:
        (seeds, images) per variant: its scores less the control's at the same seed and image. An image where the
        metric is undefined (nan) in any seed is left out. `folds` (images): the fold that tests each image of a
        cross-validation.

    Raises:
        InputError: Where an array has another shape, or no image is left.
    """
    found = {}
    for name, differences in pairs.items():
        if differences.ndim != 2 or not differences.size:
            raise InputError(
                f"the scores of {name} cannot be paired with the control's",
                expected="an array of shape (seeds, images)",
                got=differences.shape,
            )
        is_defined = ~np.isnan(differences).any(axis=0)
        defined = differences[:, is_defined]
        if not defined.size:
            raise InputError(f"the metric is undefined on every image, for {name} or the control")
        of_images = None if folds is None else np.asarray(folds)[is_defined]
        found[name] = _difference(defined, of_images, len(pairs), draws, seed)
    corrected = holm({name: difference.p for name, difference in found.items() if difference.p is not None})
    return {name: replace(difference, corrected_p=corrected.get(name)) for name, difference in found.items()}


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down correction: the smallest p times the number of tests, the next times one less, never falling."""
    corrected, largest = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min(1.0, p_values[name] * (len(p_values) - rank)))
        corrected[name] = largest
    return corrected


def bootstrap_interval(
    differences: np.ndarray,
    level: float = SIGNIFICANCE,
    draws: int = RESAMPLES,
    seed: int = 0,
    folds: np.ndarray | None = None,
) -> tuple[float, float]:
    """Interval of the mean over random seeds and random images, or random folds.

    The percentiles of means over resampled seeds and images are stretched about the mean: to the unbiased
    variance (n - 1), and from the normal to Student's distribution with Satterthwaite's degrees of freedom. Without
    this an interval from three seeds would cover far less often than it says.

    Shapes:
        (seeds, images), at least 2 x 2; with `folds` (images), at least two folds, and one seed is enough.
    """
    random = np.random.default_rng(seed)
    values, sizes = _of_folds(differences, folds) if folds is not None else (differences, np.ones(differences.shape[1]))
    seeds, units = values.shape
    picked_seeds = random.multinomial(seeds, np.full(seeds, 1 / seeds), draws) / seeds
    picked_units = random.multinomial(units, np.full(units, 1 / units), draws) * sizes
    picked_units /= picked_units.sum(axis=1, keepdims=True)
    means = np.einsum("ds,si,di->d", picked_seeds, values, picked_units)
    centre, spread = differences.mean(), means.std()
    weights = sizes / sizes.mean()
    by_seed = differences.mean(axis=1).var(ddof=1) / seeds if seeds > 1 else 0.0
    by_unit = (weights * (values.mean(axis=0) - centre)).var(ddof=1) / units
    variance = by_seed + by_unit
    if spread == 0 or variance == 0:
        return float(centre), float(centre)
    freedom = variance**2 / (by_seed**2 / max(1, seeds - 1) + by_unit**2 / (units - 1))
    tail = 1 - level / 2
    stretch = max(1.0, math.sqrt(variance) / spread) * stats.t.ppf(tail, freedom) / stats.norm.ppf(tail)
    low, high = np.quantile(means, [level / 2, tail])
    return float(centre + (low - centre) * stretch), float(centre + (high - centre) * stretch)


def _of_folds(differences: np.ndarray, folds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over the images of each fold (seeds, folds), and how many these are (folds)."""
    names, place, sizes = np.unique(folds, return_inverse=True, return_counts=True)
    return np.stack([differences[:, place == one].mean(axis=1) for one in range(len(names))], axis=1), sizes.astype(
        float
    )


def _difference(
    differences: np.ndarray, folds: np.ndarray | None, comparisons: int, draws: int, seed: int
) -> Difference:
    seeds, images = differences.shape
    mean = float(differences.mean())
    count = None if folds is None else len(np.unique(folds))
    if images < 2 or (seeds < 2 if count is None else count < 2):
        return Difference(mean, seeds, images, folds=count)
    over_seeds = differences.mean(axis=0)
    # scipy divides 0 by 0 where nothing differs
    p = float(stats.wilcoxon(over_seeds).pvalue) if np.any(over_seeds) else 1.0
    return Difference(
        mean,
        seeds,
        images,
        interval=bootstrap_interval(differences, SIGNIFICANCE, draws, seed, folds),
        corrected_interval=bootstrap_interval(differences, SIGNIFICANCE / comparisons, draws, seed, folds),
        seed_spread=float(differences.mean(axis=1).std(ddof=1)) if seeds > 1 else None,
        p=p,
        smallest_p=2.0 ** (1 - images),
        folds=count,
    )
