"""Rules for one setting: each value that fits, and values near it that do not."""

from pathlib import Path
from typing import Any

import pytest

from fundus_unet.commands.settings_rules import (
    Rule,
    above,
    choice,
    either,
    file_to_write,
    flag,
    folder_to_write,
    integer,
    list_of,
    number,
    optional,
    path,
    text,
)
from fundus_unet.core.errors import InputError

CASES: list[tuple[Rule, list[Any], list[Any]]] = [
    (integer(0, 9), [0, 9], [-1, 10, 1.0, True, "1", None, [1], 10**30, float("nan")]),
    (number(0), [0, 0.5, -0.0], [-1e-9, float("nan"), float("inf"), True, "1", None, 10**30]),
    (number(0, 1), [0, 1], [1.1]),
    (above(0), [1e-9, 3], [0, -0.0, float("nan"), float("inf"), False]),
    (flag(), [True, False], [1, 0, "true", None]),
    (text(), ["", "a"], [1, None, ["a"], "x" * 5000]),
    (choice(("best", "last")), ["best"], ["bset", None, ["best"], True]),
    (choice((8, 16)), [8], [8.0, "8", True]),
    (optional(integer(1)), [None, 1], [0, ""]),
    (either(choice(("auto",)), above(0)), ["auto", 2], ["x", 0, None]),
    (list_of(integer(1), "[1]"), [[], [1, 1]], [1, [0], [None], {"a": 1}]),
    (list_of(integer(1), "[1]", least=1, distinct=True), [[1, 2]], [[], [1, 1]]),
    (list_of(integer(1), "[1,2]", least=2, most=2), [[1, 2]], [[1], [1, 2, 3]]),
    (path(), ["a", "nowhere/at/all", "."], ["", " ", 1, True, ["a"], None, "a\0b", "x" * 5000, "\ud800"]),
]


@pytest.mark.parametrize(("rule", "good", "bad"), CASES, ids=lambda value: getattr(value, "expected", None))
def test_a_rule_takes_what_fits_and_refuses_the_rest(rule: Rule, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        rule.check(value, "some.key")
    for value in bad:
        with pytest.raises(InputError, match=r"some\.key cannot be used"):
            rule.check(value, "some.key")


def test_paths_below_a_file_are_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for rule in (path(), folder_to_write(), file_to_write()):
        with pytest.raises(InputError, match="file"):
            rule.check(str(tmp_path / "file" / "below"), "out_dir")
    for rule in (path(), file_to_write()):
        rule.check(str(tmp_path / "file"), "path")
    with pytest.raises(InputError, match="is no folder"):
        folder_to_write().check(str(tmp_path / "file"), "out_dir")


def test_links_that_lead_round_are_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="cannot be read"):
        path().check(str(tmp_path / "loop"), "images")


def test_messages_say_what_to_do() -> None:
    for rule, value, words in (
        (choice(("best", "last")), "bset", ["best or last", "got: key=bset", "did you mean 'best'"]),
        (list_of(integer(1), "[1,2]", least=1), 1, ["key=[...], such as [1,2]", "got: key=1"]),
        (list_of(integer(1), "[1,2]", least=1), [1, 0], ["key=0 in key=[1, 0]"]),
        (path(), 2024, ["two pairs of quotes"]),
        (flag(), "maybe", ["key=true or key=false"]),
        (integer(1), "x" * 5000, ["5000 characters"]),
    ):
        with pytest.raises(InputError) as caught:
            rule.check(value, "key")
        for word in words:
            assert word in str(caught.value)
