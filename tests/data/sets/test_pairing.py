"""Names of images and labels: what they share is found, and what can be read in two ways is not guessed."""

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.data.sets.pairing import read_names

CASES = [
    (["1", "11", "2"], ["1", "11", "2"], {"1": "1", "11": "11", "2": "2"}),
    (["1", "11"], ["1_m", "11_m"], {"1": "1_m", "11": "11_m"}),
    (["10", "20"], ["10_manual1", "20_manual1"], {"10": "10_manual1", "20": "20_manual1"}),
    (["a", "b"], ["label_a", "label_b"], {"a": "label_a", "b": "label_b"}),
    (["a", "b"], ["x_a_y", "x_b_y"], {"a": "x_a_y", "b": "x_b_y"}),
    (
        ["21_training", "22_training"],
        ["21_manual1", "22_manual1"],
        {"21_training": "21_manual1", "22_training": "22_manual1"},
    ),
    (["img_7", "img_8"], ["mask_7", "mask_8"], {"img_7": "mask_7", "img_8": "mask_8"}),
    (["a", "b", "c"], ["a", "b", "c_x"], {"a": "a", "b": "b"}),
    (["a", "aa"], ["aa", "aaa"], {"a": "aa", "aa": "aaa"}),
    (["a"], ["z"], {}),
    ([], ["z"], {}),
    (["a"], [], {}),
]


@pytest.mark.parametrize(("images", "labels", "pairs"), CASES)
def test_pairs(images, labels, pairs) -> None:
    assert read_names(images, labels, "label").pairs == pairs
    assert read_names(images[::-1], labels[::-1], "label").pairs == pairs


def test_two_readings_are_both_told() -> None:
    with pytest.raises(InputError) as raised:
        read_names(["1", "2"], ["1_2", "2_1"], "label")
    for words in ["two ways", "NAME with NAME_2", "NAME with 1_NAME", "data.labels="]:
        assert words in str(raised.value)


def test_many_names_are_read_at_once() -> None:
    images = [f"{number}_{letter}" for letter in "ADGN" for number in range(1, 151)]
    pairs = read_names(images, [f"{name}_vessels" for name in images], "label").pairs
    assert pairs == {name: f"{name}_vessels" for name in images}
