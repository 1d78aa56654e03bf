"""Mean and standard deviation of maps that come one after another, without keeping them."""

import torch
from torch import Tensor


class RunningSpread:
    """Keeps two maps, however many are added.

    Units:
        `mean` that of what was added; `deviation` the standard deviation over what was added (divided by its number,
        not by one less), in the same unit. Of probabilities it is at most 0.5.

    Source:
        Welford, Note on a method for calculating corrected sums of squares and products, Technometrics 4(3), 1962. A
        sum of squares less a squared sum would leave rounding errors where all maps are near 1.
    """

    def __init__(self) -> None:
        self.count = 0
        self._mean = self._squares = torch.empty(0)

    def add(self, values: Tensor) -> None:
        """Add a float map of the shape of the others; the first one's memory is used on."""
        self.count += 1
        if self.count == 1:
            self._mean, self._squares = values, torch.zeros_like(values)
            return
        from_mean = values - self._mean
        self._mean += from_mean / self.count
        self._squares += from_mean.mul_(values - self._mean)

    @property
    def mean(self) -> Tensor:
        return self._mean

    def variance(self) -> Tensor:
        return (self._squares / max(self.count, 1)).clamp_(min=0)

    def deviation(self) -> Tensor:
        return self.variance().sqrt_()
