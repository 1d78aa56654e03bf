"""Conditions and rows: what is told in one line."""

from comparison.speed.cases import conditions
from fundus_unet.comparison.speed.row import LONGEST_REASON, Row, one_line
from fundus_unet.core.errors import InputError


def test_conditions_are_described_completely():
    told = conditions(level="network", dtype="bfloat16", compiled=True, batch_size=3).describe()
    assert told == "network inference, cpu bfloat16 contiguous compiled, 3 x 20 x 12"


def test_a_reason_is_one_short_line():
    assert one_line(RuntimeError("first\n  second")) == "RuntimeError: first second"
    assert one_line(InputError("problem", expected="much\nmore")) == "problem"
    assert len(one_line(ValueError("word " * 1000))) == LONGEST_REASON


def test_a_row_says_under_which_conditions():
    row = Row.empty("bilinear_conv", conditions(batch_size=5)).as_dict()
    assert row["batch_size"] == 5
    assert row["image_size"] == [20, 12]
    assert row["stage"] is None
