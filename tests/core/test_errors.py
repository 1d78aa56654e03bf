import pytest

from fundus_unet.core.errors import InputError, did_you_mean


def test_the_message_has_one_line_per_part():
    error = InputError("the size is wrong", expected=[2, 3], got=0, fix="ask for 2")
    assert str(error) == "the size is wrong\n  expected: [2, 3]\n  got: 0\n  what to do: ask for 2"
    assert error.problem == "the size is wrong"
    assert isinstance(error, ValueError)


def test_parts_not_given_leave_no_line():
    assert str(InputError("no")) == "no"
    assert str(InputError("no", got="")) == "no\n  got: "


@pytest.mark.parametrize(
    ("name", "options", "answer"),
    [
        ("bilinaer", ("nearest", "bilinear"), "did you mean 'bilinear'?"),
        ("CHASE_DB1", ("hrf", "chasedb1"), "did you mean 'chasedb1'?"),
        ("HRF", ("hrf", "chasedb1"), "did you mean 'hrf'?"),
        ("xyz", ("nearest", "bilinear"), "choose one of: bilinear, nearest"),
        ("xyz", iter(["b", "a"]), "choose one of: a, b"),
        ("xyz", (), "there is nothing to choose from here"),
    ],
)
def test_suggestions(name, options, answer):
    assert did_you_mean(name, options) == answer
