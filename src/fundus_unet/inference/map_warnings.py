"""Why a vessel map may be worth little, seen in the map itself."""

import numpy as np

PLAUSIBLE_FRACTION = (0.01, 0.3)
"""Of the field of view that vessels cover: labels of the public sets cover 0.06 to 0.13."""
UNDECIDED = (0.2, 0.8)
MOST_UNDECIDED = 0.15
"""Of the field of view: the bundled weights leave 0.03 to 0.06 of images of five cameras undecided."""


def map_warnings(probability: np.ndarray, mask: np.ndarray, field_of_view: np.ndarray) -> list[str]:
    """What is unusual in a map, and what that means.

    Shapes:
        probability float32 (H, W), mask and field of view bool (H, W).
    """
    warnings = []
    fraction = float(mask.sum() / field_of_view.sum())
    if not PLAUSIBLE_FRACTION[0] <= fraction <= PLAUSIBLE_FRACTION[1]:
        warnings.append(f"vessels cover {fraction:.1%} of the field of view, which is unusual: look at the overlay")
    undecided = undecided_share(probability, field_of_view)
    if undecided > MOST_UNDECIDED:
        warnings.append(
            f"the network is undecided on {undecided:.0%} of the field of view: far from what it has seen in training"
        )
    return warnings


def undecided_share(probability: np.ndarray, field_of_view: np.ndarray) -> float:
    """The share of the field of view where the probability of vessel is from 0.2 to 0.8.

    A network is undecided along the edges of vessels, which are little of an image; where it is undecided on areas, it
    has not learned what they are. Of large maps every second row and column is enough.
    """
    step = 2 if probability.size > 1_000_000 else 1
    seen = probability[::step, ::step][field_of_view[::step, ::step]]
    return float(((seen >= UNDECIDED[0]) & (seen <= UNDECIDED[1])).mean()) if seen.size else 0.0
