"""Settings and rows: what cannot be, and what is told in one line."""

import pytest

from comparison.speed.cases import setting
from fundus_unet.comparison.speed.row import LONGEST_REASON, Row, one_line
from fundus_unet.core.errors import InputError


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"level": "layers"}, "did you mean 'layer'"),
        ({"mode": "train"}, "did you mean 'training'"),
        ({"device": "gpu"}, "cpu"),
        ({"dtype": "bfloat"}, "did you mean 'bfloat16'"),
        ({"memory_format": "channels-last"}, "did you mean 'channels_last'"),
        ({"compiled": "yes"}, "compile=yes"),
        ({"batch_size": 0}, "batch_sizes=0"),
        ({"batch_size": True}, "batch_sizes=True"),
        ({"image_size": (4, 0)}, "image_size=0"),
    ],
)
def test_an_impossible_setting(changes, expected):
    with pytest.raises(InputError, match=expected):
        setting(**changes)


def test_a_setting_is_described_completely():
    told = setting(level="network", dtype="bfloat16", compiled=True, batch_size=3).describe()
    assert told == "network inference, cpu bfloat16 contiguous compiled, 3 x 20 x 12"


def test_a_reason_is_one_short_line():
    assert one_line(RuntimeError("first\n  second")) == "RuntimeError: first second"
    assert one_line(InputError("problem", expected="much\nmore")) == "problem"
    assert len(one_line(ValueError("word " * 1000))) == LONGEST_REASON


def test_a_row_says_under_which_setting():
    row = Row.empty("bilinear_conv", setting(batch_size=5)).as_dict()
    assert row["batch_size"] == 5
    assert row["image_size"] == [20, 12]
    assert row["stage"] is None
