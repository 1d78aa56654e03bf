"""One synthetic picture with what is known of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SyntheticFundus:
    """One figure.

    Shapes:
        image (H, W, 3) uint8 in RGB; label (H, W) uint8 in {0, 1}; field_of_view (H, W) bool.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.uint8]
    field_of_view: NDArray[np.bool_]
