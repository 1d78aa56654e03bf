"""The command `data check`: what it prints and writes, and its exit codes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.layouts import save, write_drive
from fundus_unet.commands.check_data import FIGURE, REPORT, TEXT
from running import contents, refused, succeeded

DATA = ("paths.data_dir=sets",)


def mirror(path: Path) -> None:
    save(path, np.fliplr(np.asarray(Image.open(path))))


def test_a_sound_set(scripts) -> None:
    before = contents(scripts.folder / "sets")
    finished = succeeded(scripts("check_data", "chasedb1", *DATA))
    assert "nothing wrong was found" in finished.out
    assert "96 x 90 (28)" in finished.out
    assert max(map(len, finished.out.splitlines())) <= 80
    folder = scripts.folder / "runs/data_check/chasedb1"
    assert {path.name for path in folder.iterdir()} == {REPORT, TEXT, FIGURE}
    report = json.loads((folder / REPORT).read_text())
    assert (report["errors"], report["warnings"], len(report["images"])) == (0, 0, 28)
    assert report["counts"] == {"train": {"": 16}, "val": {"": 4}, "test": {"": 8}}
    with Image.open(folder / FIGURE) as figure:
        assert figure.width > 1000
    assert contents(scripts.folder / "sets") == before


def test_faults_are_told_drawn_and_end_with_1(scripts) -> None:
    mirror(scripts.folder / "sets/CHASE_DB1/Image_02L_1stHO.png")
    (scripts.folder / "sets/CHASE_DB1/Image_11R.jpg").write_bytes(b"\xff\xd8 no more")
    for _ in range(2):  # the second replaces its own report
        finished = scripts("check_data", "chasedb1", *DATA)
        assert finished.code == 1, finished.err
        assert "ERROR  label placement (1)" in finished.out
        assert "ERROR  unusable file (1)" in finished.out
        assert "what to do: mirror it back" in finished.out
        assert "2 errors, 0 warnings: training would be wrong" in finished.out
    text = (scripts.folder / "runs/data_check/chasedb1" / TEXT).read_text()
    assert "Image_02L" in text
    assert "Image_11R" in text


def test_warnings_alone_end_with_0(scripts) -> None:
    folder = scripts.folder / "sets/CHASE_DB1"
    for kind in (".jpg", "_1stHO.png", "_2ndHO.png"):
        (folder / f"Image_02L{kind}").write_bytes((folder / f"Image_01L{kind}").read_bytes())
    finished = succeeded(scripts("check_data", "chasedb1", *DATA))
    assert "WARNING  duplicate image (1)" in finished.out
    assert "0 errors, 1 warning: look at them, then train" in finished.out


def test_test_images_without_labels_are_no_fault(scripts) -> None:
    write_drive(scripts.folder / "sets/DRIVE", test_labels=False)
    finished = succeeded(scripts("check_data", "data=drive", *DATA))
    row = next(line for line in finished.out.splitlines() if line.startswith("test "))
    assert row.split()[1:3] == ["20", "0"]
    assert "nothing wrong was found" in finished.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ("which data set?", "chasedb1", "folder")),
        (["data=chasdb1"], ("did you mean",)),
        (["hrf", "paths.data_dir=sets"], ("HRF",)),
        (["chasedb1", "paths.data_dir=sets", "out_dir=taken.txt"], ("out_dir",)),
        (["chasedb1", "paths.data_dir=sets", "speed=3"], ("speed",)),
    ],
    ids=str,
)
def test_bad_settings_end_with_2(scripts, arguments, words) -> None:
    (scripts.folder / "taken.txt").write_text("mine")
    refused(scripts("check_data", *arguments), *words)
    assert not (scripts.folder / "runs").exists()


def test_files_of_others_are_not_replaced(scripts) -> None:
    folder = scripts.folder / "out/chasedb1"
    folder.mkdir(parents=True)
    (folder / FIGURE).write_text("mine")
    refused(scripts("check_data", "chasedb1", *DATA, "out_dir=out"), FIGURE, "did not make")
    assert contents(folder) == {FIGURE: b"mine"}


def test_many_findings_are_cut_on_the_terminal_and_whole_in_the_report(scripts) -> None:
    for number in range(1, 9):
        mirror(scripts.folder / f"sets/CHASE_DB1/Image_0{number}L_1stHO.png")
    finished = scripts("check_data", "chasedb1", *DATA)
    assert finished.code == 1
    assert "- and 3 more, in the report" in finished.out
    assert "Image_08L" not in finished.out
    assert "Image_08L" in (scripts.folder / "runs/data_check/chasedb1" / TEXT).read_text()
