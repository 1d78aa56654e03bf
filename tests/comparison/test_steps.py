"""A line per unit of work, with the time left, in a pipe and on a terminal alike."""

import io
import re

import pytest
from rich.console import Console

from fundus_unet.comparison.steps import LONGEST_SILENCE, Steps
from fundus_unet.core.duration import duration


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def pipe() -> Console:
    return Console(file=io.StringIO(), force_terminal=False)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (99, "99 s"), (100, "2 min"), (7199, "2 h 00 min"), (3600 * 30 + 300, "30 h 05 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_pipe_gets_a_plain_line_per_unit_with_the_time_left() -> None:
    console, clock = pipe(), Clock()
    with Steps(console, 3, clock) as steps:
        for name in ("a", "b", "c"):
            steps.begin(name)
            clock.now += 10
            steps.end()
    assert text(console).splitlines() == [
        "1 of 3: a; 10 s, about 20 s left",
        "2 of 3: b; 10 s, about 10 s left",
        "3 of 3: c; 10 s",
    ]


def test_a_long_unit_is_not_silent_in_a_pipe() -> None:
    console, clock = pipe(), Clock()
    with Steps(console, 2, clock) as steps:
        steps.begin("a")
        steps.doing("timing")
        clock.now += LONGEST_SILENCE + 1
        steps.doing("memory")
        steps.doing("more memory")
    assert text(console) == "1 of 2: a\n  memory\n"


def test_no_line_is_wider_than_80_columns_and_names_stay_whole() -> None:
    console, clock = Console(file=io.StringIO(), width=80, force_terminal=True), Clock()
    name = "network training, cpu float32 channels_last eager, 8 x 96 x 96"
    with Steps(console, 12, clock) as steps:
        steps.begin(name)
        clock.now += 200
        steps.end()
    lines = re.sub(r"\x1b\[\d*\w", "", text(console)).splitlines()
    assert max(map(len, lines)) <= 80
    assert f"1 of 12: {name}" in lines
    assert "  3 min, about 37 min left" in lines


def test_names_are_no_markup() -> None:
    console = pipe()
    with Steps(console, 1) as steps:
        steps.begin("[red]a[/] [4, 8]")
        steps.end()
    assert text(console).startswith("1 of 1: [red]a[/] [4, 8]; ")
