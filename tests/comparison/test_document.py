"""Tables as Markdown hold what the grid holds."""

from fundus_unet.comparison.document import Grid, to_markdown

GRID = Grid(["variant", "Dice"], [["`k4`", "0.8 ± 0.1"], ["a|b", "0.7\n0.6"]])


def test_markdown() -> None:
    text = to_markdown(["# A & B", "a paragraph", GRID])
    assert text == (
        "# A & B\n\na paragraph\n\n| variant | Dice |\n| --- | ---: |\n| `k4` | 0.8 ± 0.1 |\n| a\\|b | 0.7 0.6 |\n"
    )
