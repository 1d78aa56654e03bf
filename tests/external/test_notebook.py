"""docs/quickstart.ipynb, executed as a person does it: every cell but the installation, with a tiny network."""

import os
import re
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

from running import ROOT, TINY

NOTEBOOK = ROOT / "docs" / "quickstart.ipynb"
IMAGES = ("data.source.train=2", "data.source.val=1", "data.source.test=1", "data.source.size=96")
PARAMETERS = {"BUDGET": "null", "SETTINGS": " ".join([*TINY, *IMAGES])}
"""A length in steps, since the shortest budget depends on what else the machine does."""


def notebook() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def tagged(cells: list[nbformat.NotebookNode], tag: str) -> nbformat.NotebookNode:
    (found,) = [cell for cell in cells if tag in cell.metadata.get("tags", [])]
    return found


def test_it_is_kept_without_outputs() -> None:
    nbformat.validate(notebook())
    for cell in notebook().cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None), cell.id


def test_it_installs_this_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    installation = tagged(notebook().cells, "install").source
    name, extra, address = re.fullmatch(r'%pip install --quiet "(.+)\[(\w+)\] @ git\+(.+)"', installation).groups()
    assert (name, address) == (project["name"], project["urls"]["Homepage"])
    assert extra in project["optional-dependencies"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="its commands need a POSIX shell")
def test_it_trains_twice_and_predicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    shown = notebook()
    shown.cells.remove(tagged(shown.cells, "install"))
    parameters = tagged(shown.cells, "parameters")
    for name, value in PARAMETERS.items():
        parameters.source, found = re.subn(rf'^{name} = ".*"', f'{name} = "{value}"', parameters.source, flags=re.M)
        assert found == 1

    NotebookClient(shown, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()

    outputs = {cell.id: cell.outputs for cell in shown.cells if cell.cell_type == "code"}
    said = "".join(output.get("text", "") for one in outputs.values() for output in one)
    assert "error:" not in said, said
    assert "2 of 2 runs are finished" in said, said
    runs = sorted(path.parent.name for path in tmp_path.glob("runs/*/validation.csv"))
    assert ["transposed_k4s2p1" in runs[0], "bilinear_conv" in runs[1], len(runs)] == [True, True, 2]
    for name in ("curves", "figures", "maps", "arrays"):
        kinds = [kind for output in outputs[name] for kind in output.get("data", {})]
        assert {"image/png", "image/jpeg"} & set(kinds), name
    (probability,) = tmp_path.glob("maps/probability/**/*.png")
    with Image.open(probability) as file:
        assert file.size == (96, 96)
        assert file.getextrema()[1] > 0
