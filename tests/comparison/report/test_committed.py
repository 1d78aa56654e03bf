"""The report in results/ is what its records say, and can be made again from a clone."""

import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from fundus_unet.comparison.report.compose import write_report
from fundus_unet.comparison.report.predictions import PredictionSettings
from running import ROOT

COMMITTED = ROOT / "results/chasedb1"
OF_THE_OCCASION = ("created", "command")


def test_the_report_is_made_again_from_a_clone(tmp_path: Path) -> None:
    shutil.copytree(COMMITTED, tmp_path / "chasedb1", ignore=shutil.ignore_patterns("report.*"))
    title = json.loads((COMMITTED / "report.json").read_text())["title"]
    write_report(tmp_path / "chasedb1", title, PredictionSettings(None, True, "cpu", None), Console(quiet=True))
    made, committed = (
        json.loads((folder / "report.json").read_text()) for folder in (tmp_path / "chasedb1", COMMITTED)
    )
    assert {key: value for key, value in made.items() if key not in OF_THE_OCCASION} == {
        key: value for key, value in committed.items() if key not in OF_THE_OCCASION
    }
    page = (COMMITTED / "report.html").read_text()
    assert all(sentence in page for sentence in committed["answer"].values())


def test_it_shows_no_image_of_the_set() -> None:
    page = (COMMITTED / "report.html").read_text()
    assert "label of Image" not in page
    assert "image of Image" not in page


@pytest.mark.parametrize("kind", ["accuracy", "speed", "checkerboard"])
def test_tables_are_those_of_the_records(kind: str) -> None:
    result = json.loads((COMMITTED / f"{kind}.json").read_text())
    variants = result["variants"] if kind != "speed" else result["upsamplers"]
    text = (COMMITTED / f"{kind}.md").read_text()
    assert all(f"`{variant}`" in text for variant in variants)
