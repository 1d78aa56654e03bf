"""Drawn vessels beside what is published of eyes and, where there are any, beside the labels of real images.

`pytest -s` shows the table.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest

from data.synthetic.vessel_statistics import NAMES, box_dimension, vessel_statistics
from fundus_unet.data.images.field_of_view import estimate_field_of_view, field_of_view_diameter
from fundus_unet.data.images.preprocessing import resize_array
from fundus_unet.data.synthetic.generate import generate_fundus

ACROSS = 512
Rows = list[dict[str, float]]


def of_file(image: Path, label: Path) -> dict[str, float]:
    """Of a real image, at the size of the drawn ones."""
    pixels = cv2.imread(str(image), cv2.IMREAD_COLOR)[..., ::-1]
    vessels = (cv2.imread(str(label), cv2.IMREAD_GRAYSCALE) > 127).astype(np.uint8)
    field = estimate_field_of_view(np.ascontiguousarray(pixels))
    scale = ACROSS / field_of_view_diameter(field)
    size = round(pixels.shape[0] * scale), round(pixels.shape[1] * scale)
    inside = resize_array(field.astype(np.float32), size) >= 0.5
    return vessel_statistics(
        resize_array(pixels, size), resize_array(vessels * np.uint8(255), size) > 127, inside, ACROSS
    )


def show(name: str, rows: Rows) -> None:
    spread = {key: np.percentile([row[key] for row in rows], [10, 50, 90]) for key in NAMES}
    print(f"{name:8}", " ".join(f"{key} {low:.3g} {mid:.3g} {high:.3g}  " for key, (low, mid, high) in spread.items()))


@pytest.fixture(scope="module")
def wide() -> Rows:
    eyes = [generate_fundus(seed, ACROSS, "wide") for seed in range(1000, 1032)]
    rows = [
        vessel_statistics(eye.image, eye.label, eye.field_of_view, field_of_view_diameter(eye.field_of_view))
        for eye in eyes
    ]
    show("wide", rows)
    return rows


def test_the_dimension_of_a_line_and_of_a_plane_are_1_and_2() -> None:
    line = np.zeros((256, 256), bool)
    line[128] = True
    assert box_dimension(line) == pytest.approx(1, abs=0.01)
    assert box_dimension(np.ones((256, 256), bool)) == pytest.approx(2, abs=0.01)


def test_calibre_and_density_of_a_known_stripe() -> None:
    image, label = np.full((200, 200, 3), 100, np.uint8), np.zeros((200, 200), np.uint8)
    label[100:107, 20:180] = 1
    image[label > 0] = 80
    found = vessel_statistics(image, label, np.ones((200, 200), bool), 200)
    assert found["density"] == pytest.approx(7 * 160 / 200**2)
    assert found["median_calibre"] == pytest.approx(1000 * 7 / 200, rel=0.05)
    assert found["contrast"] == pytest.approx(0.2, abs=0.01)


def test_drawn_vessels_are_as_published_of_eyes(wide: Rows) -> None:
    median = {key: np.median([row[key] for row in wide]) for key in NAMES}
    # vessels cover 9 to 12.5 % of the field in the labels of CHASE_DB1, HRF, DRIVE and STARE
    assert 0.075 < median["density"] < 0.125
    # 95 % of the centre lines are finer than a main vein: 0.16 mm beside a field of 13 mm (45 degrees)
    assert 6 < median["wide_calibre"] < 14
    assert 0.10 < median["contrast"] < 0.22
    # box counting at these sides gives 1.2 to 1.5 for real labels, fewer than the 1.7 of the whole retina
    assert 1.2 < median["dimension"] < 1.5


@pytest.mark.parametrize("name", ["CHASE_DB1", "HRF"])
def test_real_labels_lie_within_what_is_drawn(real_data: Path, wide: Rows, name: str) -> None:
    if name == "CHASE_DB1":
        images = sorted((real_data / name).glob("Image_*[LR].jpg"))[::3]
        labels = [path.with_name(f"{path.stem}_1stHO.png") for path in images]
    else:
        images = sorted((real_data / name / "images").glob("0[12]_*"))
        labels = [real_data / name / "manual1" / f"{path.stem}.tif" for path in images]
    if not images:
        pytest.skip(f"no images of {name} in {real_data}")
    rows = [of_file(*pair) for pair in zip(images, labels, strict=True)]
    show(name, rows)
    for key in NAMES:
        low, high = np.percentile([row[key] for row in wide], [3, 97]) * [0.93, 1.07]  # calibres are whole pixels
        assert low <= np.median([row[key] for row in rows]) <= high, key
