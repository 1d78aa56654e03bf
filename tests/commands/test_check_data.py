"""The command `data check`: what it prints and writes, and its exit codes."""

import json
import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.layouts import save, write_drive, write_fives, write_folder, write_hrf
from fundus_unet.commands.check_data import FIGURE, REPORT, TEXT
from running import contents, refused, succeeded

DATA = ("paths.data_dir=sets",)


def mirror(path: Path) -> None:
    save(path, np.fliplr(np.asarray(Image.open(path))))


def test_a_sound_set(scripts) -> None:
    before = contents(scripts.folder / "sets")
    finished = succeeded(scripts("check_data", "chasedb1", *DATA))
    assert "nothing wrong was found\n" in finished.out
    assert "96 x 90 (28)" in finished.out
    assert "masks     none: the fields of view are estimated" in finished.out
    assert "2nd label 28 of 28 images" in finished.out
    assert "label fits image: correlation of the label" in finished.out
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
        (["chasedb1", "hrf"], ("one set at a time", "chasedb1 hrf")),
        (["data=folder", "data.source.subject=x"], ("did you mean 'data.source.subjects'?",)),
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


def test_the_options_are_listed_once(scripts) -> None:
    finished = scripts("check_data", "nope")
    refused(finished, "choose one of")
    assert finished.err.count("chasedb1") == 1


def test_missing_files_are_findings_and_the_rest_is_checked(scripts) -> None:
    folder = scripts.folder / "sets/CHASE_DB1"
    mirror(folder / "Image_02L_1stHO.png")
    (folder / "Image_05R_2ndHO.png").unlink()
    label = folder / "Image_03L_1stHO.png"
    Image.open(label).convert("L").save(label.with_suffix(".jpg"))
    label.unlink()
    finished = scripts("check_data", "chasedb1", *DATA)
    assert finished.code == 1, finished.err
    assert "chasedb1: 26 images" in finished.out
    assert "ERROR  missing file (2)" in finished.out
    assert "Image_05R_2ndHO.png is not in" in finished.out
    words = " ".join(finished.out.split())
    assert "Image_03L_1stHO.jpg is there, but JPEG changes the values of pixels" in words
    assert "export it as PNG where it was made, as Image_03L_1stHO.png" in words
    assert "Image_02L is mirrored" in words
    assert "3 errors, 0 warnings" in finished.out
    saved = json.loads((scripts.folder / "runs/data_check/chasedb1" / REPORT).read_text())
    assert {"Image_03L", "Image_05R"} == {
        name for one in saved["findings"] if one["kind"] == "missing file" for name in one["cases"]
    }


def test_missing_files_of_one_set_of_a_mixture(scripts) -> None:
    write_hrf(scripts.folder / "sets/HRF")
    (scripts.folder / "sets/CHASE_DB1/Image_03L_1stHO.png").unlink()
    finished = scripts("check_data", "mix", *DATA, "data.source.sets.synthetic=null")
    assert "mix: 72 images" in finished.out, finished.err
    assert "ERROR  missing file (1)" in finished.out


def test_each_folder_and_fold_has_a_report_of_its_own(scripts) -> None:
    for place in ("one/A", "two/A", "one/B c"):
        write_folder(scripts.folder / place, count=8)
    named = {place: f"data.source.root={scripts.folder / place}" for place in ("one/A", "two/A", "one/B c")}
    first = scripts("check_data", "folder", named["one/A"])
    assert f"folder {scripts.folder}/one/A: 8 images\n" in first.out, first.err
    assert "masks     8 of 8 images\n" in first.out
    scripts("check_data", "folder", named["one/B c"])
    before = contents(scripts.folder)
    refused(scripts("check_data", "folder", named["two/A"]), "the report of another folder", f"{scripts.folder}/one/A")
    assert contents(scripts.folder) == before
    finished = scripts("check_data", "chasedb1", *DATA, "data.folds=7", "data.fold=2")
    assert "chasedb1, fold 2 of 7: 28 images" in finished.out
    places = {path.name for path in (scripts.folder / "runs/data_check").iterdir()}
    assert places == {"folder_A", "folder_B_c", "chasedb1_fold2of7"}
    assert scripts("check_data", "folder", named["one/A"]).code == first.code, "its own report is replaced"


def test_absent_test_images_are_no_part_of_what_was_found_right(scripts) -> None:
    write_hrf(scripts.folder / "sets/HRF", test=False)
    finished = succeeded(scripts("check_data", "hrf", *DATA))
    assert "nothing wrong was found in what is there; the test images are missing" in finished.out


def test_the_command_for_a_part_of_a_set_runs_as_it_is_given(scripts) -> None:
    root = write_fives(scripts.folder / "sets/FIVES")
    for part in ("train", "test"):
        for path in sorted((root / part).rglob("*.png")):
            if int(path.stem.partition("_")[0]) % 40:
                path.unlink()
    refused_one = scripts("check_data", "fives", *DATA)
    refused(refused_one, "is not as it was published")
    given = shlex.split(refused_one.err.partition("or other files: ")[2].partition(";")[0])
    arguments = given[given.index("data=folder") :]
    assert arguments == ["data=folder", f"data.source.root={root}", "data.images=Original", "data.labels=Ground truth"]
    assert f"folder {root}: 20 images" in scripts("check_data", *arguments).out


def test_names_of_two_lines_and_of_bytes_that_are_no_text(scripts) -> None:
    root = write_folder(scripts.folder / "eyes", count=8)
    for number, name in ((1, b"two\nlines.png"), (3, b"\xff\xfe.png")):
        for part in ("images", "labels"):
            source = os.fsencode(root / part)
            os.rename(source + b"/eye%d.png" % number, source + b"/" + name)
    shutil.rmtree(root / "masks")
    shutil.rmtree(root / "labels2")
    found = succeeded(scripts("check_data", "data=folder", "data.source.root=eyes", "data.folds=2"))
    assert ": 8 images" in found.out


def test_a_pattern_of_nobodys_home(scripts) -> None:
    refused(scripts("check_data", "data=folder", "data.images='~nobody_x/*.png'"), "~nobody_x", "what to do")
