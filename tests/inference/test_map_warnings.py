"""What is unusual in a map."""

import numpy as np

from fundus_unet.inference.map_warnings import map_warnings, undecided_share

FIELD = np.hypot(*np.mgrid[-50:50, -50:50]) < 48


def warnings_of(probability: np.ndarray) -> list[str]:
    probability = probability.astype(np.float32) * FIELD
    return map_warnings(probability, (probability >= 0.5) & FIELD, FIELD)


def test_a_tenth_is_usual():
    probability = np.full(FIELD.shape, 0.05)
    probability[:, ::10] = 0.95
    assert warnings_of(probability) == []


def test_none_and_too_many():
    for value in (0.01, 0.99):
        (told,) = warnings_of(np.full(FIELD.shape, value))
        assert f"vessels cover {float(value > 0.5):.1%}" in told


def test_undecided_on_areas():
    probability = np.full(FIELD.shape, 0.05)
    probability[:, ::10] = 0.95
    probability[:, 1::10] = probability[:, 2::10] = 0.4
    (told,) = warnings_of(probability)
    assert "undecided on 20%" in told
    assert "far from what it has seen" in told


def test_the_share_is_of_the_field_of_view_at_every_size():
    for side in (100, 2000):
        rows, columns = np.mgrid[:side, :side] / side
        field = columns < 0.5
        probability = np.where(rows < 0.25, 0.5, 0.0).astype(np.float32)
        assert abs(undecided_share(probability, field) - 0.25) < 0.01
