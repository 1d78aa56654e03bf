"""No image is learned from and tested."""

from pathlib import Path

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, SplitNames, Splits


def case(name: str) -> Case:
    return Case(name, Path(name))


@pytest.mark.parametrize(
    ("train", "val", "test"), [("ab", "c", "a"), ("ab", "a", "c"), ("a", "b", "b"), ("aa", "b", "c")]
)
def test_a_name_twice_is_an_error(train, val, test):
    with pytest.raises(InputError, match="two places"):
        Splits(*(tuple(map(case, names)) for names in (train, val, test)))


def test_names_become_cases_in_order():
    splits = SplitNames(("b", "a"), ("c",), ()).map(case)
    assert [[found.name for found in cases] for cases in (splits.train, splits.val, splits.test)] == [
        ["b", "a"],
        ["c"],
        [],
    ]
