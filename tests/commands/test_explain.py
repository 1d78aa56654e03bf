"""`scripts/explain_upsampling.py`: what it prints and draws for every upsampler, and what it refuses."""

from pathlib import Path

import pytest
from PIL import Image

from running import ROOT, Scripts, refused, succeeded

OPTIONS = sorted(path.stem for path in (ROOT / "configs" / "upsampler").glob("*.yaml"))


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scripts:
    return Scripts(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_upsampler_is_explained(scripts: Scripts, option: str) -> None:
    finished = succeeded(scripts("explain_upsampling", f"upsampler={option}", "size=4"))
    assert f"{option}: 4 x 4 -> 8 x 8" in finished.out
    assert "response to a constant" in finished.out
    with Image.open(scripts.folder / f"explain_{option}.png") as figure:
        assert figure.width >= 1200
        assert len(figure.convert("RGB").getcolors(1 << 24)) > 20


def test_the_arithmetic_is_filled_in(scripts: Scripts) -> None:
    finished = succeeded(
        scripts("explain_upsampling", "upsampler=transposed_k3s2p1", "size=6", "output_size=11", "figure=a.pdf")
    )
    words = " ".join(finished.out.split())
    for fact in (
        "6 x 6 -> 11 x 11",
        "6 -> 11, 12",
        "(6 - 1) * 2 - 2 * 1 + 1 * (3 - 1) + 0 + 1 = 11, so output_padding 0",
        "dilation * (kernel_size - 1) - padding = 1 * (3 - 1) - 1 = 1",
        "[[1, 2], [2, 4]]",
        "10 (1 -> 1 channels)",
        "5.36 (convolutions",
        "9 outputs",
    ):
        assert fact in words
    assert (scripts.folder / "a.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("overrides", "sizes"),
    [
        (["size=1"], "1 x 1 -> 2 x 2"),
        (["size=[1,7]"], "1 x 7 -> 2 x 14"),
        (["size=[3,2]", "output_size=[6,3]"], "3 x 2 -> 6 x 3"),
        (["size=15"], "15 x 15 -> 30 x 30"),
        (["size=6", "in_channels=3", "out_channels=5"], "6 x 6 -> 12 x 12"),
    ],
    ids=str,
)
@pytest.mark.parametrize("option", ["transposed_k3s2p1", "bilinear_conv"])
def test_other_sizes(scripts: Scripts, option: str, overrides: list[str], sizes: str) -> None:
    finished = succeeded(scripts("explain_upsampling", f"upsampler={option}", "figure=a.svg", *overrides))
    assert f"{option}: {sizes}" in finished.out
    assert (scripts.folder / "a.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["size=0"], "size=0"),
        (["size=-3"], "size=-3"),
        (["size=33"], "from 1 to 32"),
        (["size=six"], "size=six"),
        (["size=2.5"], "size=2.5"),
        (["size=[6,0]"], "got: 0 in size=[6, 0]"),
        (["size=[6,6,6]"], "a list of 2 such as size=[A,B]"),
        (["size=null"], "size=None"),
        (["output_size=14"], "one of [12, 13]"),
        (["output_size=0"], "output_size=0"),
        (["upsampler=transposed_k4s2p"], "did you mean 'transposed_k4s2p1'"),
        (["sise=6"], "did you mean 'size'"),
        (["model.upsampler.padding=4"], "padding=4"),
        (["in_channels=0"], "in_channels=0"),
        (["seed=-1"], "seed=-1"),
        (["figure=nowhere/a.png"], "nowhere/a.png"),
        (["figure=a.jpgg"], ".png"),
        (["figure=folder.png"], "folder.png"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_refuses(scripts: Scripts, overrides: list[str], expected: str) -> None:
    (scripts.folder / "folder.png").mkdir()
    refused(scripts("explain_upsampling", *overrides), expected)
    assert [path.name for path in scripts.folder.iterdir()] == ["folder.png"]
