"""Is a difference between two variants more than the noise of seeds and images?

Every variant was trained with the same seeds and scored on the same images, so differences are paired: one number per
seed and image. Both are samples: another seed trains another network, another image is another eye. The
interval therefore resamples both (Owen, "The pigeonhole bootstrap", arXiv 0712.1111), and is widened for their small
numbers. The test is Wilcoxon's over images. Corrections are for the number of variants compared with the control.
"""

import math
from collections.abc import Mapping
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
    deviation over seeds of the mean difference. None where one seed or one image gives no answer.
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

    @property
    def verdict(self) -> str:
        """`higher` or `lower` than the control; `none`; or `unknown` where there is no interval.

        A difference counts only if the corrected interval excludes 0, the corrected test rejects, and it is larger
        than its own spread over seeds.
        """
        if self.corrected_interval is None or self.corrected_p is None or self.seed_spread is None:
            return "unknown"
        low, high = self.corrected_interval
        if low <= 0 <= high or self.corrected_p >= SIGNIFICANCE or abs(self.mean) <= self.seed_spread:
            return "none"
        return "higher" if self.mean > 0 else "lower"


def paired_differences(pairs: Mapping[str, np.ndarray], draws: int = RESAMPLES, seed: int = 0) -> dict[str, Difference]:
    """One `Difference` per variant; the corrections are for their number.

    Shapes:
        (seeds, images) per variant: its scores less the control's at the same seed and image. An image where the
        metric is undefined (nan) in any seed is left out.

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
        defined = differences[:, ~np.isnan(differences).any(axis=0)]
        if not defined.size:
            raise InputError(f"the metric is undefined on every image, for {name} or the control")
        found[name] = _difference(defined, len(pairs), draws, seed)
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
    differences: np.ndarray, level: float = SIGNIFICANCE, draws: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """Interval of the mean over random seeds and random images.

    The percentiles of means over resampled seeds and images are stretched about the mean: to the unbiased
    variance (n - 1), and from the normal to Student's distribution with Satterthwaite's degrees of freedom. Without
    this an interval from three seeds would cover far less often than it says.

    Shapes:
        (seeds, images), at least 2 x 2.
    """
    random = np.random.default_rng(seed)
    seeds, images = differences.shape
    picked_seeds = random.multinomial(seeds, np.full(seeds, 1 / seeds), draws) / seeds
    picked_images = random.multinomial(images, np.full(images, 1 / images), draws) / images
    means = np.einsum("ds,si,di->d", picked_seeds, differences, picked_images)
    centre, spread = differences.mean(), means.std()
    by_seed = differences.mean(axis=1).var(ddof=1) / seeds
    by_image = differences.mean(axis=0).var(ddof=1) / images
    variance = by_seed + by_image
    if spread == 0 or variance == 0:
        return float(centre), float(centre)
    freedom = variance**2 / (by_seed**2 / (seeds - 1) + by_image**2 / (images - 1))
    tail = 1 - level / 2
    stretch = max(1.0, math.sqrt(variance) / spread) * stats.t.ppf(tail, freedom) / stats.norm.ppf(tail)
    low, high = np.quantile(means, [level / 2, tail])
    return float(centre + (low - centre) * stretch), float(centre + (high - centre) * stretch)


def _difference(differences: np.ndarray, comparisons: int, draws: int, seed: int) -> Difference:
    seeds, images = differences.shape
    mean = float(differences.mean())
    if seeds < 2 or images < 2:
        return Difference(mean, seeds, images)
    over_seeds = differences.mean(axis=0)
    # scipy divides 0 by 0 where nothing differs
    p = float(stats.wilcoxon(over_seeds).pvalue) if np.any(over_seeds) else 1.0
    return Difference(
        mean,
        seeds,
        images,
        interval=bootstrap_interval(differences, SIGNIFICANCE, draws, seed),
        corrected_interval=bootstrap_interval(differences, SIGNIFICANCE / comparisons, draws, seed),
        seed_spread=float(differences.mean(axis=1).std(ddof=1)),
        p=p,
        smallest_p=2.0 ** (1 - images),
    )
