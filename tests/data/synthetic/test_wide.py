"""The wide variety: reproducible, labelled as the plain one, and wide."""

import cv2
import numpy as np
import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.field_of_view import field_of_view_diameter
from fundus_unet.data.synthetic import generate
from fundus_unet.data.synthetic.figure import SyntheticFundus
from fundus_unet.data.synthetic.generate import generate_fundus, is_synthetic_set, write_synthetic_set
from fundus_unet.data.synthetic.layout import Frame
from fundus_unet.data.synthetic.wide.burnt_in import burn_in
from fundus_unet.data.synthetic.wide.courses import draw_courses
from fundus_unet.data.synthetic.wide.drawing import draw
from fundus_unet.data.synthetic.wide.eye import draw_eye
from fundus_unet.data.synthetic.wide.family import FAMILIES
from fundus_unet.data.synthetic.wide.growth import grow


def paint(seed: int, size: int = 128) -> SyntheticFundus:
    return generate_fundus(seed, size, "wide")


@pytest.fixture(scope="module")
def eyes() -> list[SyntheticFundus]:
    return [paint(seed, 256) for seed in range(40)]


def same(one: SyntheticFundus, other: SyntheticFundus) -> bool:
    return all(np.array_equal(getattr(one, part), getattr(other, part)) for part in vars(one))


def test_same_seed_paints_the_same_bytes_whatever_was_painted_before() -> None:
    first = paint(3)
    paint(4, 97)
    assert same(first, paint(3))
    assert not np.array_equal(first.image, paint(4).image)


def test_thread_count_does_not_enter() -> None:
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        single = paint(5, 256)
        cv2.setNumThreads(4)
        assert same(single, paint(5, 256))
    finally:
        cv2.setNumThreads(before)


@pytest.mark.parametrize("size", [64, 97, 512, 1150])
def test_shapes_and_types(size: int) -> None:
    eye = paint(0, size)
    assert (eye.image.shape, eye.image.dtype) == ((size, size, 3), np.uint8)
    assert (eye.label.shape, eye.label.dtype) == ((size, size), np.uint8)
    assert (eye.field_of_view.shape, eye.field_of_view.dtype) == ((size, size), np.bool_)


def test_a_seed_is_the_same_eye_in_every_size() -> None:
    for seed in range(4):
        small, large = paint(seed, 256), paint(seed, 512)
        reduced = cv2.resize(large.label.astype(np.float32), (256, 256), interpolation=cv2.INTER_AREA)
        here = cv2.dilate((reduced > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        assert (small.label > 0)[~here].sum() <= 0.06 * small.label.sum()


def test_labels_are_binary_inside_the_field_and_neither_empty_nor_everything(eyes: list[SyntheticFundus]) -> None:
    for eye in eyes:
        assert set(np.unique(eye.label)) == {0, 1}
        assert not eye.label[~eye.field_of_view].any()
        assert 0.02 < eye.label[eye.field_of_view].mean() < 0.25


def test_vessels_are_darker_than_what_lies_beside_them(eyes: list[SyntheticFundus]) -> None:
    kernel = np.ones((7, 7), np.uint8)
    darker = []
    for eye in eyes:
        inner = cv2.erode(eye.field_of_view.astype(np.uint8), kernel, borderValue=0) > 0
        vessel = (eye.label > 0) & inner
        beside = (cv2.dilate(eye.label, kernel) > 0) & (eye.label == 0) & inner
        green = eye.image[..., 1].astype(np.float32)
        flat = green / np.maximum(cv2.GaussianBlur(green, (0, 0), 6), 1)
        darker.append(flat[vessel].mean() / flat[beside].mean())
    assert np.mean(darker) < 0.95
    assert np.percentile(darker, 90) < 0.99


def test_what_observers_leave_out_is_painted_nevertheless() -> None:
    left_out = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        eye = draw_eye(rng)
        vessels = draw(eye, Frame(256, (127.5, 127.5), 250.0), grow(rng, eye, draw_courses(rng, eye)))
        seen = np.maximum(vessels.artery, vessels.vein) > 0
        left_out.append((seen & ~vessels.label).sum() / seen.sum())
    assert min(left_out) > 0.02
    assert max(left_out) > 0.15


def test_vessels_grow_thinner_towards_their_tips_and_arteries_are_finer_than_veins() -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        eye = draw_eye(rng)
        nodes = grow(rng, eye, draw_courses(rng, eye))
        same_vessel = np.diff(nodes.vessel) == 0
        assert (np.diff(nodes.diameter)[same_vessel] <= 1e-9).all()
        assert nodes.diameter[~nodes.vein].max() < nodes.diameter[nodes.vein].max()
        steps = np.hypot(np.diff(nodes.x), np.diff(nodes.y))[same_vessel]
        assert steps.max() < 0.02, "a vessel has no gaps"


def test_letters_are_no_vessels() -> None:
    image = np.full((256, 256, 3), 90, np.uint8)
    rng = np.random.default_rng(1)
    written = np.zeros((256, 256), bool)
    for _ in range(10):
        written |= burn_in(rng, image, over_field=True)
    changed = (image != 90).any(axis=2)
    assert changed.sum() > 300
    assert not (np.abs(image.astype(int) - 90).max(axis=2) > 70)[~written].any()


def test_the_variety_is_wide(eyes: list[SyntheticFundus]) -> None:
    frames = [eye.field_of_view.mean() for eye in eyes]
    assert min(frames) < 0.62
    assert max(frames) > 0.76
    colours = np.array([eye.image[eye.field_of_view].mean(axis=0) for eye in eyes])
    for channel, least in ((0, 1.7), (1, 2.2), (2, 3.0)):
        low, high = np.percentile(colours[:, channel], [5, 95])
        assert high > least * low, f"channel {channel}"
    widest = [float(cv2.distanceTransform(eye.label, cv2.DIST_L2, 3).max()) for eye in eyes]
    assert max(widest) > 1.7 * min(widest)
    diameters = [field_of_view_diameter(eye.field_of_view) for eye in eyes]
    assert min(diameters) < 230
    assert len({family.field for family in FAMILIES}) == 4


def test_an_unknown_variety_is_refused_with_the_name_that_is_meant(tmp_path) -> None:
    with pytest.raises(InputError, match=r"(?s)plain or wide.*wyde.*set variety=wide"):
        generate_fundus(0, 64, "wyde")
    with pytest.raises(InputError, match="no such variety"):
        write_synthetic_set(tmp_path / "set", count=1, seed=0, size=64, variety="narrow")
    assert list(tmp_path.iterdir()) == []


def test_a_wide_set_is_not_taken_for_a_plain_one(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {"count": 1, "seed": 5, "size": 64}
    write_synthetic_set(tmp_path / "set", **numbers, variety="wide")
    assert is_synthetic_set(tmp_path / "set", **numbers, variety="wide")
    assert not is_synthetic_set(tmp_path / "set", **numbers)
    with pytest.raises(InputError, match="not this synthetic set"):
        write_synthetic_set(tmp_path / "set", **numbers)
    monkeypatch.setitem(generate.VARIETIES, "wide", generate.VARIETIES["wide"] + 1)
    assert not is_synthetic_set(tmp_path / "set", **numbers, variety="wide")
