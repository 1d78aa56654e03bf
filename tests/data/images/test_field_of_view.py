from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_unet.core.errors import InputError
from fundus_unet.data.images import field_of_view
from fundus_unet.data.images.field_of_view import estimate_field_of_view, field_of_view_diameter


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def disc(height: int, width: int, diameter: float, centre: tuple[float, float] = (0.5, 0.5)) -> np.ndarray:
    y, x = np.ogrid[:height, :width]
    return (y + 0.5 - centre[0] * height) ** 2 + (x + 0.5 - centre[1] * width) ** 2 <= diameter**2 / 4


def sample(
    field: np.ndarray, *, border: int = 0, rim: float = 0.6, brightness: float = 1.0, noise: float = 2.0
) -> np.ndarray:
    """A drawn fundus in a given field: a bright disc, a dark macula, vessels, lesions and light that fades outwards."""
    height, width = field.shape
    side = max(height, width)
    drawn = np.full((height, width, 3), (200.0, 95.0, 50.0))
    at = lambda x, y: (round(x * width), round(y * height))  # noqa: E731
    cv2.circle(drawn, at(0.7, 0.5), round(0.07 * side), (245, 220, 150), -1)
    cv2.circle(drawn, at(0.4, 0.5), round(0.06 * side), (70, 25, 15), -1)
    cv2.circle(drawn, at(0.5, 0.6), round(0.03 * side), (12, 4, 4), -1)
    for end in ((0.1, 0.1), (0.1, 0.9), (0.9, 0.05), (0.95, 0.95), (0.5, 0.0), (0.5, 1.0)):
        cv2.line(drawn, at(0.7, 0.5), at(*end), (120, 35, 25), max(1, side // 100))
    y, x = np.mgrid[:height, :width] + 0.5
    radius = np.hypot(y - height / 2, x - width / 2) / (0.5 * max(height, width))
    drawn *= brightness * np.clip(1 - (1 - rim) * radius**2, rim, 1)[..., None]
    drawn = np.where(field[..., None], drawn, border)
    drawn = cv2.GaussianBlur(drawn, (0, 0), max(0.4, side / 1500))
    return (drawn + np.random.default_rng(0).normal(0, noise, drawn.shape)).round().clip(0, 255).astype(np.uint8)


def recompressed(image: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def labelled(image: np.ndarray, colour: int) -> np.ndarray:
    image = image.copy()
    for at in ((2, 20), (2, 395), (300, 20)):
        cv2.putText(image, "OD 2019", at, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (colour,) * 3, 2)
    cv2.rectangle(image, (340, 370), (399, 399), (colour,) * 3, -1)
    return image


ROUND = disc(400, 440, 370)
NOTCHED = ROUND | (disc(400, 440, 24, (0.13, 0.78)) & ~ROUND)
DENTED = ROUND & ~disc(400, 440, 24, (0.17, 0.76))


@pytest.mark.parametrize("border", [0, 6, 128, 255])
@pytest.mark.parametrize("quality", [None, 30])
@pytest.mark.parametrize(
    "field",
    [
        pytest.param(ROUND, id="round"),
        pytest.param(disc(300, 440, 370), id="cut at top and bottom"),
        pytest.param(disc(440, 300, 370), id="cut left and right"),
        pytest.param(disc(400, 400, 450), id="cut on four sides"),
        pytest.param(disc(400, 400, 500), id="dark corners only"),
        pytest.param(disc(400, 400, 560, (0.5, 0.85)), id="cut on one side"),
        pytest.param(disc(400, 400, 700, (0.9, 0.9)), id="one corner"),
        pytest.param(disc(400, 700, 180), id="small in a wide frame"),
        pytest.param(ROUND & (np.abs(np.arange(400) - 200) < 150)[:, None], id="flat top and bottom in the border"),
        pytest.param(NOTCHED, id="bump"),
        pytest.param(DENTED, id="dent"),
    ],
)
def test_finds_the_field_on_any_border(field: np.ndarray, quality: int | None, border: int) -> None:
    image = sample(field, border=border)
    assert iou(estimate_field_of_view(image if quality is None else recompressed(image, quality)), field) >= 0.98


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda f: sample(f, brightness=0.1, noise=0.5), id="very dark"),
        pytest.param(lambda f: sample(f, brightness=3.0), id="overexposed"),
        pytest.param(lambda f: sample(f, rim=0.15), id="dark rim"),
        pytest.param(lambda f: sample(f, rim=0.15, border=255), id="dark rim on white"),
        pytest.param(lambda f: sample(f, noise=15), id="noisy"),
        pytest.param(lambda f: sample(f, border=20, noise=15), id="noisy border"),
        pytest.param(lambda f: labelled(sample(f), 255), id="white text"),
        pytest.param(lambda f: labelled(sample(f), 120), id="grey text"),
        pytest.param(lambda f: labelled(sample(f, border=255), 0), id="black text on white"),
        pytest.param(lambda f: sample(f).mean(axis=2, keepdims=True).repeat(3, 2).astype(np.uint8), id="grey"),
        pytest.param(lambda f: 255 - sample(f, border=255), id="negative"),
    ],
)
def test_finds_the_field_in_any_light(change: Callable[[np.ndarray], np.ndarray]) -> None:
    assert iou(estimate_field_of_view(change(ROUND)), ROUND) >= 0.98


@pytest.mark.parametrize("side", [24, 64, 150, 300, 1025, 1500])
def test_finds_the_field_at_any_size(side: int) -> None:
    field = disc(side, side, 0.9 * side)
    assert iou(estimate_field_of_view(sample(field)), field) >= 0.98


def test_a_huge_image_costs_a_reduced_one_and_keeps_a_precise_rim(monkeypatch: pytest.MonkeyPatch) -> None:
    small = sample(disc(1000, 1000, 920))
    image = cv2.resize(small, (8000, 8000), interpolation=cv2.INTER_LINEAR)
    sides, outline = [], field_of_view._outline

    def watched(distance: np.ndarray, threshold: int) -> np.ndarray:
        sides.append(max(distance.shape))
        return outline(distance, threshold)

    monkeypatch.setattr(field_of_view, "_outline", watched)
    found = estimate_field_of_view(image)
    assert sides
    assert max(sides) <= 1024
    assert iou(found, disc(8000, 8000, 7360)) >= 0.998


def test_a_page_around_the_image_is_border_too() -> None:
    page = cv2.copyMakeBorder(sample(ROUND), 50, 30, 70, 40, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    truth = np.pad(ROUND, ((50, 30), (70, 40)))
    assert iou(estimate_field_of_view(page), truth) >= 0.98


def test_the_field_is_one_region_without_holes() -> None:
    image = labelled(sample(ROUND), 255)
    cv2.circle(image, (220, 200), 40, (0, 0, 0), -1)
    found = estimate_field_of_view(image).astype(np.uint8)
    assert cv2.connectedComponents(found, connectivity=4)[0] == 2
    assert cv2.connectedComponents(1 - np.pad(found, 1), connectivity=8)[0] == 2


@pytest.mark.parametrize("rim", [1.0, 0.6])
@pytest.mark.parametrize("size", [(400, 400), (300, 500), (1200, 900)])
def test_a_full_frame_is_field_everywhere(size: tuple[int, int], rim: float) -> None:
    assert estimate_field_of_view(sample(np.ones(size, bool), rim=rim)).all()


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_a_constant_image_is_field_everywhere(value: int) -> None:
    assert estimate_field_of_view(np.full((50, 60, 3), value, np.uint8)).all()


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99), levels=st.sampled_from([2, 40, 256])
)
def test_any_image_gives_a_mask_that_is_never_empty(height: int, width: int, seed: int, levels: int) -> None:
    image = np.random.default_rng(seed).integers(levels, size=(height, width, 3)).astype(np.uint8)
    image[: height // 3] = 0
    for view in (image, image[::-1, ::-1]):
        found = estimate_field_of_view(view)
        assert found.shape == (height, width)
        assert found.dtype == bool
        assert found.any()
        assert np.isfinite(field_of_view_diameter(found))


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 2), (3, 1500)])
def test_degenerate_sizes(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(256, size=(*size, 3)).astype(np.uint8)
    found = estimate_field_of_view(image)
    assert found.shape == size
    assert found.any()


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4)), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), None]
)
def test_other_arrays_are_refused(image: np.ndarray | None) -> None:
    with pytest.raises(InputError, match="expected"):
        estimate_field_of_view(image)


@pytest.mark.parametrize("diameter", [30, 370, 600])
@pytest.mark.parametrize("size", [(1.1, 1.1), (0.7, 1.1), (1.1, 0.7), (0.9, 0.9), (0.8, 0.85)])
@pytest.mark.parametrize("centre", [(0.5, 0.5), (0.55, 0.5)])
def test_the_diameter_is_that_of_the_whole_circle(
    diameter: int, size: tuple[float, float], centre: tuple[float, float]
) -> None:
    field = disc(round(size[0] * diameter), round(size[1] * diameter), diameter, centre)
    assert field_of_view_diameter(field) == pytest.approx(diameter, rel=0.01, abs=1.5)


@pytest.mark.parametrize("half", [130, 110])
def test_a_field_flattened_inside_the_border_keeps_the_diameter_of_its_arcs(half: int) -> None:
    assert field_of_view_diameter(ROUND & (np.abs(np.arange(400) - 200) < half)[:, None]) == pytest.approx(
        370, rel=0.01
    )


def test_notches_do_not_change_the_diameter() -> None:
    assert field_of_view_diameter(NOTCHED) == pytest.approx(370, rel=0.005)
    assert field_of_view_diameter(DENTED) == pytest.approx(370, rel=0.005)


def test_half_of_a_circle_still_tells_its_diameter() -> None:
    assert field_of_view_diameter(disc(400, 440, 370)[:200, :]) == pytest.approx(370, rel=0.01)


def test_without_a_rim_the_diameter_is_the_smallest_circle_around_the_field() -> None:
    assert field_of_view_diameter(np.ones((300, 400), bool)) == pytest.approx(500, abs=0.1)
    assert field_of_view_diameter(np.ones((1, 1), bool)) == pytest.approx(2**0.5, abs=0.01)
    assert field_of_view_diameter(np.pad(np.ones((300, 400), bool), 50)) == pytest.approx(500, abs=0.1)


@pytest.mark.parametrize("mask", [np.zeros((3, 3), bool), np.ones((3, 3)), np.ones((3, 3, 1), bool)])
def test_an_empty_field_has_no_diameter(mask: np.ndarray) -> None:
    with pytest.raises(InputError, match="expected"):
        field_of_view_diameter(mask)


def read(path: Path) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])


@pytest.mark.real
@pytest.mark.parametrize("name", [f"{i:02d}_h" for i in range(1, 6)])
def test_agrees_with_the_official_masks_of_hrf(real_data: Path, name: str) -> None:
    official = cv2.imread(str(real_data / "HRF" / "mask" / f"{name}_mask.tif"), cv2.IMREAD_GRAYSCALE) > 127
    found = estimate_field_of_view(read(real_data / "HRF" / "images" / f"{name}.jpg"))
    assert iou(found, official) >= 0.999
    assert field_of_view_diameter(found) == pytest.approx(3262, rel=0.002)


@pytest.mark.real
def test_covers_of_chase_db1_what_is_known_of_it(real_data: Path) -> None:
    for path in sorted((real_data / "CHASE_DB1").glob("Image_*.jpg"))[::2]:
        found = estimate_field_of_view(read(path))
        assert 0.645 < found.mean() < 0.70, path.name
        # its fields are whole circles
        assert found.mean() * 960 * 999 == pytest.approx(np.pi / 4 * field_of_view_diameter(found) ** 2, rel=0.01)


@pytest.mark.real
@pytest.mark.parametrize("border", [0, 255])
@pytest.mark.parametrize("width", [300, 999])
def test_a_change_of_border_size_or_quality_moves_the_rim_little(real_data: Path, width: int, border: int) -> None:
    for name in ("Image_01L", "Image_09L", "Image_13R"):
        image = read(real_data / "CHASE_DB1" / f"{name}.jpg")
        field = estimate_field_of_view(image)
        changed = np.where(field[..., None], image, np.uint8(border))
        size = (width, round(960 * width / 999))
        changed = recompressed(cv2.resize(changed, size, interpolation=cv2.INTER_AREA), 30)
        truth = cv2.resize(field.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 127
        assert iou(estimate_field_of_view(changed), truth) >= 0.985
        assert estimate_field_of_view(image[260:700, 280:720]).all()


@pytest.mark.real
@pytest.mark.parametrize(("name", "diameter"), [("IDRiD_01", 3409), ("IDRiD_118", 3409), ("skimage_retina", 1391)])
def test_other_cameras(real_data: Path, name: str, diameter: float) -> None:
    found = estimate_field_of_view(read(real_data / "new_images" / f"{name}.jpg"))
    assert field_of_view_diameter(found) == pytest.approx(diameter, rel=0.005)
    truth = disc(*found.shape, diameter)
    # notches and centring: the field is that circle, moved, within the frame
    columns = np.nonzero(found)[1]
    assert columns.max() - columns.min() == pytest.approx(diameter, rel=0.02)
    assert found.sum() == pytest.approx(truth.sum(), rel=0.02)
