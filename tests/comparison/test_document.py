"""Tables as Markdown and on the terminal hold what the grid holds."""

from rich.console import Console

from fundus_unet.comparison.document import Grid, terminal_table, to_markdown

GRID = Grid(["variant", "Dice"], [["`k4`", "0.8 ± 0.1"], ["a|b", "0.7\n0.6"]])


def test_markdown() -> None:
    text = to_markdown(["# A & B", "a paragraph", GRID])
    assert text == (
        "# A & B\n\na paragraph\n\n| variant | Dice |\n| --- | ---: |\n| `k4` | 0.8 ± 0.1 |\n| a\\|b | 0.7 0.6 |\n"
    )


def test_terminal() -> None:
    console = Console(width=40, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(terminal_table("scores", GRID, ["variant"]))
    shown = console.export_text()
    assert "k4" in shown
    assert "`" not in shown
    assert "Dice" not in shown
