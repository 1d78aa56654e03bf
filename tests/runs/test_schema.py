"""Types of settings: each value that fits, and values near it that do not; and what the messages say."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import torch
from annotated_types import Ge, Le, Len

from fundus_unet.core.errors import InputError
from fundus_unet.runs.schema import (
    Node,
    NotNegative,
    Positive,
    Seed,
    Settings,
    Side,
    Text,
    argument_type,
    check,
    one_of,
)

Digit = Annotated[int, Ge(0), Le(9)]
Share = Annotated[float, Ge(0), Le(1)]
Checkpoint = Annotated[str, one_of("best", "last")]
Pair = Annotated[list[Side], Len(2, 2)]
Sides = Annotated[list[Side], Len(1)]


class Inner(Settings):
    size: Side | Pair
    flag: bool = True


class Outer(Settings):
    inner: Inner
    checkpoint: Checkpoint
    parts: dict[str, Node | None]
    seed: Seed


GOOD: dict[str, Any] = {"inner": {"size": 3}, "checkpoint": "best", "parts": {"a": None}, "seed": 0}

CASES: list[tuple[Any, list[Any], list[Any]]] = [
    (Digit, [0, 9], [-1, 10, 1.0, True, "1", None, [1], 10**30, float("nan")]),
    (NotNegative, [0, 0.5, -0.0], [-1e-9, float("nan"), float("inf"), True, "1", None, 10**30]),
    (Share, [0, 1], [1.1]),
    (Positive, [1e-9, 3], [0, -0.0, float("nan"), float("inf"), False]),
    (bool, [True, False], [1, 0, "true", None]),
    (Text, ["", "a"], [1, None, ["a"], "x" * 5000, "a\nb"]),
    (Checkpoint, ["best"], ["bset", None, ["best"], True]),
    (Annotated[int, one_of(8, 16)], [8], [8.0, "8", True]),
    (Digit | None, [None, 1], [10, ""]),
    (Annotated[str, one_of("auto")] | Positive, ["auto", 2], ["x", 0, None]),
    (Sides, [[1], [1, 1]], [[], 1, [0], [None], {"a": 1}, "1"]),
    (Pair, [[1, 2]], [[1], [1, 2, 3]]),
    (Node, [{"_target_": "x"}], [{}, {"_target_": 1}, "x", None]),
]
ARGUMENTS: list[tuple[Any, list[Any], list[Any]]] = [
    (int, [1, -1], [1.0, True, "1", None, 10**30]),
    (float, [1, 0.5], [float("nan"), True, "1", [1]]),
    (float | None, [None, 1], ["x"]),
    (Literal["a", "b"], ["a"], ["c", 1]),
    (tuple[float, float], [[1, 2]], [[1], [1, 2, 3], [1, "x"], 1]),
    (tuple[int, ...], [[], [1, 2, 3]], [[1] * 101, "1", {}]),
    (Any, [None, True, 1.5, "x", ["x", 1]], [[[1]], float("nan"), "x" * 5000]),
    (str, ["x"], [1, {"_target_": "x"}]),
    (Path, ["x"], [1, "x\0y"]),
    (float | torch.Tensor, [1.0], [True, "x", {}]),
]


@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [*CASES, *((argument_type(hint), good, bad) for hint, good, bad in ARGUMENTS)],
    ids=map(str, range(len(CASES) + len(ARGUMENTS))),
)
def test_a_type_takes_what_fits_and_refuses_the_rest(hint: Any, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert check(hint, value, "some.key") == value
    for value in bad:
        with pytest.raises(InputError, match=r"some\.key cannot be used"):
            check(hint, value, "some.key")


def test_objects_are_taken_where_a_class_is_no_plain_value() -> None:
    node = {"_target_": "torch.zeros", "size": 1}
    for hint in (torch.Tensor, float | torch.Tensor, Any, dict[str, int]):
        assert check(argument_type(hint, objects=True), node, "key") == node
        with pytest.raises(InputError):
            check(argument_type(hint), node, "key")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"checkpoint": "bset"}, ["best or last", "got: checkpoint=bset", "did you mean 'best'"]),
        (
            {"inner": {"size": [1, 0]}},
            ["got: 0 in inner.size=[1, 0]", "a list of 2 such as inner.size=[A,B], each an integer from 1 to"],
        ),
        ({"inner": {"size": 1, "flag": 1}}, ["expected: true or false", "got: inner.flag=1"]),
        ({"inner": {"size": 1, "flga": True}}, ["there is no setting inner.flga", "did you mean 'inner.flag'"]),
        ({"inner": {}}, ["inner.size is missing", "inner.size=..."]),
        ({"inner": 5}, ["inner cannot be used", "a group of settings"]),
        ({"parts": {"b": {"x": 1}}}, ["parts.b cannot be used", "with a _target_, or null"]),
        ({"parts": {1: None}}, ["1"]),
        ({"seed": "1"}, ["seed='1'", "from 0 to 4294967295"]),
        ({"seed": "x" * 5000}, ["5000 characters"]),
        ({"seed": -1, "checkpoint": None, "more": 1}, ["seed=-1", "checkpoint=None", "there is no setting more"]),
        ({str(number): 1 for number in range(7)}, ["and 2 more settings"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_messages_say_where_what_and_what_to_do(changed: dict[str, Any], expected: list[str]) -> None:
    check(Outer, GOOD)
    with pytest.raises(InputError) as caught:
        check(Outer, GOOD | changed)
    for words in expected:
        assert words in str(caught.value)


def test_a_text_that_looks_like_a_number_needs_quotes() -> None:
    with pytest.raises(InputError, match="two pairs of quotes: '\"2024\"'"):
        check(Text, 2024, "title")
