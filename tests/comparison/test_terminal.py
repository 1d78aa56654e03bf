"""Tables on the terminal hold whole names and numbers at 80 columns, whatever the names are."""

import io

import pytest
from rich.console import Console

from fundus_unet.comparison.document import Grid
from fundus_unet.comparison.terminal import print_table

HEADER = ["variant", "ms", "GPU MB", "verdict"]
SHORT = Grid(HEADER, [["`k4`", "1.25", "", "higher"], ["`[b]x[/b]`", "12", "", "cannot be told"]])
LONG_NAME = "transposed_k4s2p1_bilinear_init_width1.52"


def printed(grid: Grid, keep: list[str] | None = None, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    print_table(console, "title", grid, keep)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_numbers_are_right_words_left_and_empty_columns_gone() -> None:
    assert printed(SHORT) == [
        "",
        "title",
        "variant     ms  verdict",
        "──────────────────────────────",
        "k4        1.25  higher",
        "[b]x[/b]    12  cannot be told",
    ]


def test_the_columns_to_keep_are_shown_in_their_order() -> None:
    assert printed(SHORT, ["variant", "verdict", "ms"])[4] == "k4        higher          1.25"


def test_names_that_do_not_fit_stand_on_lines_of_their_own() -> None:
    numbers = [f"0.81{number:02} ± 0.0012" for number in range(3)]
    grid = Grid(["variant", "Dice", "clDice", "AP"], [[f"`{LONG_NAME}`", *numbers], ["`k4`", *numbers]])
    lines = printed(grid)
    assert max(map(len, lines)) <= 80
    assert lines[-4:] == [LONG_NAME, "  " + "  ".join(numbers), "k4", "  " + "  ".join(numbers)]


def test_an_empty_name_is_the_one_before() -> None:
    rows = [["k4", "initial", "1"], ["", "trained", "2"], ["k3", "initial", "3"], ["", "trained", "4"]]
    lines = printed(Grid(["variant", "state", "gain"], rows))[4:]
    assert [line.split() for line in lines] == [["k4", *rows[0][1:]], rows[1][1:], ["k3", *rows[2][1:]], rows[3][1:]]


@pytest.mark.parametrize("width", [80, 20])
def test_rows_of_one_name_follow_each_other_below_it(width: int) -> None:
    rows = [["a", "Dice", "0.1"], ["b", "Dice", "0.2"], ["a", "average precision", "0.3"]]
    words = " ".join(printed(Grid(["variant", "metric", "difference"], rows), width=width)[2:])
    assert [word for word in words.split() if word in ("a", "b", "0.1", "0.2", "0.3")] == [
        "a",
        "0.1",
        "0.3",
        "b",
        "0.2",
    ]
