"""Augmentation: repeatable, the same for image, label and field, and off where it is turned off."""

import numpy as np
import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.data.patches.augmentation import Augmentation

OFF = {"flips": False, "affine": 0, "elastic": 0, "colour": 0, "blur": 0, "noise": 0}
COLOURS = OFF | {"colour": 1, "blur": 1, "noise": 1}
PATCH = 64


def augmented(augmentation: Augmentation, seed: int, arrays: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    return augmentation(*arrays, patch_size=PATCH, seed=seed)


def cross(augmentation: Augmentation) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A lopsided cross as label, a half plane as field, and an image with both of them in its channels."""
    size = augmentation.source_size(PATCH)
    label, field = np.zeros((size, size), np.uint8), np.zeros((size, size), np.uint8)
    label[size // 2 - 10 : size // 2 - 2] = 255
    label[:, size // 2 + 4 : size // 2 + 16] = 255
    field[:, : size // 2 + 20] = 255
    return np.dstack([label, field, label]), label, field


def centre(array: np.ndarray) -> np.ndarray:
    cut = (len(array) - PATCH) // 2
    return array[cut : cut + PATCH, cut : cut + PATCH]


def noise_image(size: int = PATCH) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (size, size, 3)).astype(np.uint8)
    label, field = random.integers(0, 256, (2, size, size)).astype(np.uint8)
    return image, label, field


def same(one: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_repeatable_whatever_came_before():
    augmentation, fresh = (Augmentation(affine=1, elastic=1, colour=1, blur=1, noise=1) for _ in range(2))
    arrays = noise_image(augmentation.source_size(PATCH))
    first = [augmented(augmentation, seed, arrays) for seed in range(5)]
    np.random.seed(1)  # global state must not enter
    for seed in (3, 0, 4):
        assert same(augmented(augmentation, seed, arrays), first[seed])
    assert same(augmented(fresh, 2, arrays), first[2])
    assert not any(same(first[a], first[b]) for a in range(5) for b in range(a))


@pytest.mark.parametrize(
    "knobs",
    [{"flips": True}, {"affine": 1}, {"elastic": 1}, {"flips": True, "affine": 1, "elastic": 1}],
    ids=lambda knobs: "+".join(knobs),
)
def test_image_label_and_field_move_together(knobs):
    augmentation = Augmentation(**(OFF | knobs))
    arrays = cross(augmentation)
    moved = 0
    for seed in range(12):
        image, label, field = augmented(augmentation, seed, arrays)
        assert image.shape == (PATCH, PATCH, 3)
        assert np.mean((image[..., 0] > 127) == (label > 127)) > 0.995
        assert np.mean((image[..., 1] > 127) == (field > 127)) > 0.995
        moved += not np.array_equal(label, centre(arrays[1]))
    assert moved > 6


def test_flips_reach_all_eight_positions():
    augmentation = Augmentation(**(OFF | {"flips": True}))
    arrays = cross(augmentation)
    assert len({augmented(augmentation, seed, arrays)[2].tobytes() for seed in range(40)}) == 4
    arrays = noise_image()
    assert len({augmented(augmentation, seed, arrays)[1].tobytes() for seed in range(80)}) == 8


def test_off_is_the_identity():
    augmentation = Augmentation(**OFF)
    assert augmentation.source_size(PATCH) == PATCH
    arrays = noise_image()
    assert all(same(augmented(augmentation, seed, arrays), arrays) for seed in range(5))


def test_colours_leave_label_and_field_alone():
    augmentation, arrays = Augmentation(**COLOURS), noise_image()
    for seed in range(5):
        image, label, field = augmented(augmentation, seed, arrays)
        assert same((label, field), arrays[1:])
        assert not np.array_equal(image, arrays[0])


def test_strength_zero_leaves_colours():
    augmentation = Augmentation(**COLOURS, strength=0)
    smooth = np.indices((PATCH, PATCH))
    image = np.dstack([120 + smooth[0], 60 + smooth[1], 20 + smooth[0] // 2]).astype(np.uint8)
    arrays = image, *noise_image()[1:]
    for seed in range(10):
        change = augmented(augmentation, seed, arrays)[0].astype(int) - image
        assert np.abs(change).max() <= 4  # hue and saturation have 8 bits too
        assert np.abs(change.mean()) < 0.6


def test_strength_scales_the_change():
    arrays = noise_image()
    changes = [
        np.mean(
            [
                np.abs(augmented(Augmentation(**COLOURS, strength=s), seed, arrays)[0] - arrays[0].astype(float)).mean()
                for seed in range(10)
            ]
        )
        for s in (0.25, 1.0, 2.0)
    ]
    assert changes[0] < 0.7 * changes[1] < 0.6 * changes[2]


def test_label_values_keep_their_range():
    augmentation = Augmentation(affine=1, elastic=1)
    image, label, field = cross(augmentation)
    for seed in range(12):
        _, soft, _ = augmented(augmentation, seed, (image, label // 255 * np.uint8(200) + np.uint8(20), field))
        assert soft.dtype == np.uint8
        assert 20 <= soft.min() < soft.max() <= 220


def test_each_change_is_decided_on_its_own():
    augmentation = Augmentation(**(OFF | {"colour": 0.5, "noise": 0.5}))
    flat = np.full((PATCH, PATCH, 3), 120, np.uint8)
    mask = np.zeros((PATCH, PATCH), np.uint8)
    counts = np.zeros((2, 2), int)
    for seed in range(200):
        image = augmented(augmentation, seed, (flat, mask, mask))[0]
        coloured = np.abs(np.median(image, axis=(0, 1)) - 120).max() > 0
        counts[int(coloured), int(image.std(axis=(0, 1)).max() > 0)] += 1
    assert counts.min() > 25, "colour and noise come together, alone and not at all"


@pytest.mark.parametrize(
    "knobs",
    [
        *({name: value} for name in ("affine", "elastic", "colour", "blur", "noise") for value in (-0.1, 1.1)),
        {"scaling": (0, 1)},
        {"scaling": (1.2, 0.8)},
        {"strength": -1},
        {"rotation": -1},
        {"rotation": 181},
    ],
    ids=str,
)
def test_out_of_range(knobs):
    with pytest.raises(InputError, match="augment"):
        Augmentation(**knobs)


@pytest.mark.parametrize("patch_size", [1, 31, 64, 97])
def test_the_crop_has_the_patch_in_its_middle(patch_size):
    size = Augmentation().source_size(patch_size)
    assert size >= 1.5 * patch_size
    assert (size - patch_size) % 2 == 0
