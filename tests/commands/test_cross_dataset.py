"""Networks across data sets from the command line: which images are scored, at which size, and what is kept."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from data.layouts import write_chasedb1, write_folder, write_hrf
from fundus_unet.comparison.datasets import cells
from fundus_unet.data.sets import chasedb1
from running import TINY, Finished, Scripts, contents, refused, succeeded

OUT = Path("runs/across_sets")
AT_40 = ("data.scale=null", "data.fov_diameter=40")
OTHER_SIZE = (100, 104)
"""Of HRF: generated images of equal size and seed are the same files whatever the set."""
TEST_IMAGES = list(chasedb1.SPLITS["first20"].test)


def cross(scripts: Scripts, *overrides: str) -> Finished:
    return scripts("cross_dataset", "paths.data_dir=sets", *overrides)


def result(scripts: Scripts) -> dict:
    return json.loads((scripts.folder / OUT / "datasets.json").read_text())


def dice(cell: dict) -> float:
    return cell["scores"]["field_of_view"]["network at 0.5"]["pooled"]["dice"]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every image that is predicted, with its rows at working resolution."""
    found: list[tuple[str, int]] = []
    counts_of = cells.counts_of

    def watched(sample, probability, masks):
        found.append((sample.case.name, sample.working.image.shape[0]))
        return counts_of(sample, probability, masks)

    monkeypatch.setattr(cells, "counts_of", watched)
    return found


@pytest.fixture
def on_folder(scripts: Scripts, shared: Path) -> Path:
    """`runs/eyes`: a run on a folder of 8 images, `sets/folder`."""
    write_folder(scripts.folder / "sets" / "folder")
    kept = shared / "runs" / "eyes"
    if not kept.exists():
        overrides = ("data=folder", "paths.data_dir=sets", *TINY, "trainer.max_epochs=1", f"paths.run_dir={kept}")
        succeeded(scripts("train", *overrides))
    return Path(shutil.copytree(kept, scripts.folder / "runs/eyes"))


def test_the_matrix_of_two_runs(scripts: Scripts, on_folder: Path) -> None:
    run = scripts.tiny_run()
    finished = succeeded(cross(scripts, f"run_dirs=[{run},{on_folder}]", "sets=[chasedb1,folder]"))
    found = result(scripts)
    assert found["sets"]["chasedb1"]["images"] == TEST_IMAGES
    assert len(found["sets"]["chasedb1"]["left_out"]) == 20
    assert set(found["sets"]["chasedb1"]["left_out"]["Image_01L"]) == {"tiny"}
    assert {name: cell["own_set"] for name, cell in found["cells"]["tiny"].items()} == {
        "chasedb1": True,
        "folder": False,
    }
    assert found["networks"]["eyes"]["data"] == "folder"
    left = found["sets"]["folder"]
    assert found["networks"]["eyes"]["learned_images"] == len(left["left_out"]) == 8 - len(left["images"])
    with (scripts.folder / OUT / "datasets_per_image.csv").open() as file:
        rows = list(csv.DictReader(file))
    for name in ("chasedb1", "folder"):
        images = {
            network: [row["name"] for row in rows if (row["network"], row["set"]) == (network, name)]
            for network in ("tiny", "eyes")
        }
        assert images["tiny"] == images["eyes"]
        assert set(images["tiny"]) == set(found["sets"][name]["images"])
    observed = [float(row["dice"]) for row in rows if row["network"] == "second observer" and row["set"] == "chasedb1"]
    assert len(observed) == 2 * len(TEST_IMAGES)  # two regions
    assert 0.3 < found["second_observer"]["chasedb1"]["pooled"]["dice"] < 1
    assert f"*{dice(found['cells']['tiny']['chasedb1']):.4f}" in finished.out
    assert f"{found['second_observer']['folder']['pooled']['dice']:.4f}" in finished.out
    assert "chasedb1: 8 of 28 labelled images; 20 left out, since tiny learned from them." in finished.out
    text = (scripts.folder / OUT / "datasets.md").read_text()
    assert "| `eyes` | folder | 0 |" in text
    assert (scripts.folder / OUT / "heatmap.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_has_the_scores_that_its_evaluation_gave(scripts: Scripts) -> None:
    run = scripts.tiny_run(*AT_40)
    before = contents(run)
    succeeded(cross(scripts, f"run_dirs=[{run}]", "sets=[chasedb1]"))
    evaluated = json.loads((run / "evaluation/test/metrics.json").read_text())
    cell = result(scripts)["cells"]["tiny"]["chasedb1"]
    assert cell["fov_diameters"] == [40]
    for region in ("field_of_view", "whole_image"):
        for rater, scores in cell["scores"][region].items():
            assert scores == evaluated[region][rater]
    assert result(scripts)["second_observer"]["chasedb1"] == evaluated["field_of_view"]["second observer"]
    assert contents(run) == before


class TestLearnedImages:
    @pytest.fixture
    def mine(self, scripts: Scripts) -> str:
        """Settings of a set of 8 new images, two of them copies of training images under other names."""
        root = write_folder(scripts.folder / "mine", first=100)
        source = scripts.folder / "sets" / "CHASE_DB1"
        for old, new in (("Image_01L", "eye101"), ("Image_09R", "eye104")):
            for path in [*root.glob(f"*/{new}.*")]:
                path.unlink()
            shutil.copy(source / f"{old}.jpg", root / "images" / f"{new}.jpg")
            shutil.copy(source / f"{old}_1stHO.png", root / "labels" / f"{new}.png")
        return f"+set_settings.mine={{data:folder,source:{{root:{root}}}}}"

    def test_are_left_out_by_content(self, scripts: Scripts, mine: str) -> None:
        run = scripts.tiny_run()
        succeeded(cross(scripts, f"run_dirs=[{run}]", "sets=[mine]", mine))
        found = result(scripts)["sets"]["mine"]
        assert found["left_out"] == {"eye101": ["tiny"], "eye104": ["tiny"]}
        assert len(found["images"]) == 6
        assert found["settings"]["data"].endswith("Folder")
        assert "root" not in found["settings"]

    def test_in_a_test_split_leave_the_cell_without_a_score(self, scripts: Scripts, on_folder: Path, mine: str) -> None:
        run = scripts.tiny_run()
        options = ("images=test", mine, "+set_settings.mine.source.test_fraction=0.7")
        finished = succeeded(cross(scripts, f"run_dirs=[{run},{on_folder}]", "sets=[mine]", *options))
        found = result(scripts)
        spoilt = [name for name in found["sets"]["mine"]["images"] if name in ("eye101", "eye104")]
        assert spoilt
        assert found["cells"]["tiny"]["mine"]["scores"] is None
        assert dice(found["cells"]["eyes"]["mine"]) >= 0
        assert f"tiny on mine: it learned from {len(spoilt)} of the" in finished.out
        with (scripts.folder / OUT / "datasets_per_image.csv").open() as file:
            assert "tiny" not in {row["network"] for row in csv.DictReader(file)}

    def test_may_leave_nothing_to_score(self, scripts: Scripts, mine: str) -> None:
        run = scripts.tiny_run()
        options = ("images=test", mine, "+set_settings.mine.source.test_fraction=0.7")
        refused(cross(scripts, f"run_dirs=[{run}]", "sets=[mine]", *options), "tiny on mine: it learned from")

    def test_of_the_same_person_are_left_out(self, scripts: Scripts) -> None:
        run = scripts.tiny_run()
        record = json.loads((run / "data.json").read_text())
        del record["val"]["Image_09L"]  # its other eye, Image_09R, is still there
        (run / "data.json").write_text(json.dumps(record))
        succeeded(cross(scripts, f"run_dirs=[{run}]", "sets=[chasedb1]"))
        assert "Image_09L" in result(scripts)["sets"]["chasedb1"]["left_out"]

    def test_of_a_run_without_a_record_are_those_of_its_configuration(self, scripts: Scripts) -> None:
        run = scripts.tiny_run()
        (run / "data.json").unlink()
        succeeded(cross(scripts, f"run_dirs=[{run}]", "sets=[chasedb1]"))
        assert result(scripts)["sets"]["chasedb1"]["images"] == TEST_IMAGES
        assert "has no record of its images" in result(scripts)["networks"]["tiny"]["notes"][0]
        shutil.rmtree(scripts.folder / "sets/CHASE_DB1")
        write_hrf(scripts.folder / "sets/HRF", OTHER_SIZE)
        refused(cross(scripts, f"run_dirs=[{run}]", "sets=[hrf]"), "not known which images the run")

    def test_with_a_damaged_record_are_not_guessed(self, scripts: Scripts) -> None:
        run = scripts.tiny_run()
        (run / "data.json").write_text('{"train": {"a": {"image": 3}}, "val": {}}')
        refused(cross(scripts, f"run_dirs=[{run}]", "sets=[chasedb1]"), "data.json is damaged")

    def test_may_be_all_that_there_are(self, scripts: Scripts) -> None:
        run = scripts.tiny_run()
        root = scripts.folder / "sets" / "CHASE_DB1"
        write_hrf(scripts.folder / "sets/HRF", OTHER_SIZE, test=False)
        for split in ("train", "val"):
            for name in getattr(chasedb1.SPLITS["first20"], split)[:2]:
                for folder, ending in (("images", ".jpg"), ("labels", "_1stHO.png")):
                    target = scripts.folder / "mine" / folder / f"{name}.{ending[-3:]}"
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(root / f"{name}{ending}", target)
        mine = "+set_settings.mine={data:folder,source:{root:mine}}"
        finished = cross(scripts, f"run_dirs=[{run}]", "sets=[mine,hrf]", mine)
        assert finished.code == 1
        assert "not compared: mine: no image of mine is left to score" in finished.out
        assert list(result(scripts)["cells"]["tiny"]) == ["hrf"]
        refused(cross(scripts, f"run_dirs=[{run}]", "sets=[mine]", mine), "tiny learned from all 4 images")


class TestFieldOfView:
    def test_a_run_at_a_scale_sees_larger_images_at_the_diameter_of_its_own(
        self, scripts: Scripts, seen: list[tuple[str, int]]
    ) -> None:
        run = scripts.tiny_run()  # data.scale=1, images of 90 rows
        large = write_chasedb1(scripts.folder / "large", size=(180, 192))
        (scripts.folder / "runs/tiny").rename(scripts.folder / "runs/small")
        options = (f"+set_settings.chasedb1.source.root={large}", "images=test")
        finished = scripts("cross_dataset", f"run_dirs=[{run.parent / 'small'}]", "sets=[chasedb1]", *options)
        succeeded(finished)
        assert {name for name, _ in seen} == set(TEST_IMAGES)
        assert [rows for _, rows in seen] == pytest.approx([90] * len(seen), abs=1)
        found = result(scripts)
        assert found["networks"]["small"]["fov_diameter"] == pytest.approx(82, abs=1)
        assert found["networks"]["small"]["scale"] == 1

    def test_at_equal_pixels_to_a_degree_a_narrower_view_is_smaller(
        self, scripts: Scripts, seen: list[tuple[str, int]]
    ) -> None:
        run = scripts.tiny_run(*AT_40)
        write_hrf(scripts.folder / "sets/HRF", OTHER_SIZE, test=False)
        write_folder(scripts.folder / "sets/folder", count=4, first=200)
        succeeded(cross(scripts, f"run_dirs=[{run}]", "sets=[chasedb1,hrf,folder]", "match=angle"))
        found = result(scripts)
        diameters = {name: cell["fov_diameters"] for name, cell in found["cells"]["tiny"].items()}
        assert diameters == {"chasedb1": [40], "hrf": [60], "folder": [40]}  # 30 and 45 degrees, and not known
        assert dict(seen)["01_dr"] == pytest.approx(100 * 60 / 92, rel=0.06)
        assert found["protocol"]["angles"]["hrf"] == 45
        assert "as many pixels to a degree" in (scripts.folder / OUT / "datasets.md").read_text()
        succeeded(cross(scripts, f"run_dirs=[{run}]", "sets=[hrf]", "match=angle", "angles.hrf=60"))
        assert result(scripts)["cells"]["tiny"]["hrf"]["fov_diameters"] == [80]

    @pytest.mark.slow
    def test_a_mixture_sees_images_of_its_sets_as_in_training_and_others_at_its_diameter(
        self, scripts: Scripts, seen: list[tuple[str, int]]
    ) -> None:
        write_hrf(scripts.folder / "sets" / "HRF", OTHER_SIZE)
        write_folder(scripts.folder / "sets" / "folder", first=200)
        mix = (
            "data=mix",
            "~data.source.sets.synthetic",
            "data.source.sets.chasedb1.fov_diameter=40",
            "data.source.sets.hrf.fov_diameter=123",
            "data.scale=null",
            "data.fov_diameter=60",
            "trainer.max_epochs=1",
        )
        run = succeeded(scripts.train(*mix)).run_directory
        seen.clear()
        succeeded(cross(scripts, f"run_dirs=[{run}]", "sets=[chasedb1,hrf,folder]"))
        found = next(iter(result(scripts)["cells"].values()))
        assert {name: cell["fov_diameters"] for name, cell in found.items()} == {
            "chasedb1": [40],
            "hrf": [123],
            "folder": [60],
        }
        rows = dict(seen)
        assert rows["Image_11L"] == pytest.approx(90 * 40 / 83, rel=0.06)
        assert rows["06_dr"] == pytest.approx(100 * 123 / 92, rel=0.06)
        assert rows["eye200"] == pytest.approx(90 * 60 / 83, rel=0.06)


def test_what_was_scored_is_kept_and_what_changed_is_scored_again(
    scripts: Scripts, seen: list[tuple[str, int]]
) -> None:
    run = scripts.tiny_run()
    command = (f"run_dirs=[{run}]", "sets=[chasedb1]")
    succeeded(cross(scripts, *command))
    first, table = result(scripts), (scripts.folder / OUT / "datasets.md").read_bytes()
    assert len(seen) == len(TEST_IMAGES)
    seen.clear()
    again = succeeded(cross(scripts, *command))
    assert not seen
    assert "1 of 1" not in again.out  # nothing was to do
    assert result(scripts)["cells"] == first["cells"]
    assert (scripts.folder / OUT / "datasets.md").read_bytes() == table

    kept = sorted((scripts.folder / OUT / "scored_images").iterdir())
    assert len(kept) == len(TEST_IMAGES)
    kept[0].write_bytes(kept[0].read_bytes()[:1000])
    kept[1].write_bytes(b"")
    succeeded(cross(scripts, *command))
    assert len(seen) == 2
    assert result(scripts)["cells"] == first["cells"]

    seen.clear()
    label = scripts.folder / "sets/CHASE_DB1/Image_12L_1stHO.png"
    shutil.copy(scripts.folder / "sets/CHASE_DB1/Image_12R_1stHO.png", label)
    succeeded(cross(scripts, *command))
    assert [name for name, _ in seen] == ["Image_12L"]

    seen.clear()
    succeeded(cross(scripts, *command, "tta=flips"))
    assert len(seen) == len(TEST_IMAGES)


class TestWeights:
    def exported(self, scripts: Scripts, *overrides: str) -> str:
        run = scripts.tiny_run(*overrides)
        succeeded(scripts("export", f"run_dir={run}", "path=mine.safetensors"))
        return str(scripts.folder / "mine.safetensors")

    def test_are_a_row_whose_training_images_are_left_out_by_content(self, scripts: Scripts) -> None:
        weights = self.exported(scripts, *AT_40)
        other_split = "+set_settings.chasedb1.source.split=fraz8"
        finished = succeeded(cross(scripts, f"weights=[{weights}]", "sets=[chasedb1]", other_split))
        found = result(scripts)
        assert found["sets"]["chasedb1"]["images"] == TEST_IMAGES
        assert found["networks"]["mine.safetensors"]["learned_images"] == 20
        assert found["networks"]["mine.safetensors"]["notes"] == []
        cell = found["cells"]["mine.safetensors"]["chasedb1"]
        assert cell["own_set"]
        assert not cell["may_have_learned"]
        assert f"*{dice(cell):.4f}" in finished.out
        assert "not recorded" not in finished.out

    def test_without_a_record_are_believed_the_usual_split_and_doubted(self, scripts: Scripts) -> None:
        run = scripts.tiny_run(*AT_40)
        (run / "data.json").unlink()
        succeeded(scripts("export", f"run_dir={run}", "path=mine.safetensors"))
        weights = str(scripts.folder / "mine.safetensors")
        write_hrf(scripts.folder / "sets/HRF", OTHER_SIZE)
        finished = succeeded(cross(scripts, f"weights=[{weights}]", "sets=[chasedb1,hrf]"))
        found = result(scripts)
        assert found["sets"]["chasedb1"]["images"] == TEST_IMAGES
        assert len(found["sets"]["hrf"]["images"]) == 45
        row = found["cells"]["mine.safetensors"]
        assert row["chasedb1"]["may_have_learned"]
        assert not row["hrf"]["may_have_learned"]
        evaluated = json.loads((scripts.folder / "runs/tiny/evaluation/test/metrics.json").read_text())
        assert row["chasedb1"]["scores"]["field_of_view"] == {
            rater: scores for rater, scores in evaluated["field_of_view"].items() if rater != "second observer"
        }
        assert f"?{dice(row['chasedb1']):.4f}" in finished.out
        assert "? It is not recorded which images the network learned from" in finished.out
        assert "it does not record which images it learned from" in " ".join(finished.out.split())
        assert "does not record which images it learned from" in (scripts.folder / OUT / "datasets.md").read_text()

    def test_that_do_not_tell_their_diameter_are_reported(self, scripts: Scripts) -> None:
        refused(cross(scripts, f"weights=[{self.exported(scripts)}]", "sets=[chasedb1]"), "do not say at which")

    @pytest.mark.real
    @pytest.mark.slow
    def test_of_the_project_score_as_their_page_says(self, scripts: Scripts, real_data: Path) -> None:
        finished = scripts("cross_dataset", "weights=[vessels]", "sets=[chasedb1]", f"paths.data_dir={real_data}")
        succeeded(finished)
        found = result(scripts)
        assert found["sets"]["chasedb1"]["images"] == TEST_IMAGES
        assert not found["cells"]["vessels"]["chasedb1"]["may_have_learned"]
        assert "not recorded" not in finished.out
        (note,) = found["networks"]["vessels"]["notes"]
        assert "set when it was exported" in note
        assert len(found["sets"]["chasedb1"]["left_out"]) == 20
        assert found["networks"]["vessels"]["learned_images"] > 35  # and those of the training before
        assert dice(found["cells"]["vessels"]["chasedb1"]) == pytest.approx(0.8171, abs=0.001)
        assert found["second_observer"]["chasedb1"]["pooled"]["dice"] == pytest.approx(0.7972, abs=0.0001)


def test_one_bad_run_or_set_does_not_stop_the_others(scripts: Scripts) -> None:
    run = scripts.tiny_run()
    unfinished = Path(shutil.copytree(run, scripts.folder / "runs/unfinished"))
    (unfinished / "threshold.json").unlink()
    (scripts.folder / "sets/CHASE_DB1/Image_11L.jpg").write_bytes(b"no image")
    write_hrf(scripts.folder / "sets/HRF", OTHER_SIZE)
    finished = cross(scripts, f"run_dirs=[{run},{unfinished},nowhere]", "sets=[stare,hrf,chasedb1]")
    assert finished.code == 1
    found = result(scripts)
    assert list(found["networks"]) == ["tiny"]
    assert dice(found["cells"]["tiny"]["hrf"]) >= 0
    reasons = {failure["about"]: failure["reason"] for failure in found["failures"]}
    assert reasons.keys() == {str(unfinished), "nowhere", "stare", "tiny on chasedb1"}
    assert "is not finished" in reasons[str(unfinished)]
    assert "there is no directory" in reasons["nowhere"]
    assert "Image_11L" in reasons["tiny on chasedb1"]
    assert all(f"not compared: {about}" in finished.out for about in reasons)
    assert finished.out.index("wrote ") < finished.out.index("not compared: ")
    assert f"the others were compared: {OUT}/datasets.md" in finished.out
    assert "## Not compared" in (scripts.folder / OUT / "datasets.md").read_text()


def test_two_runs_of_one_name_stay_apart(scripts: Scripts) -> None:
    run = scripts.tiny_run()
    other = Path(shutil.copytree(run, scripts.folder / "other/tiny"))
    succeeded(cross(scripts, f"run_dirs=[{run},{other},{run}]", "sets=[chasedb1]"))
    assert list(result(scripts)["cells"]) == ["runs/tiny", "other/tiny"]


def test_the_last_run_and_the_place_of_its_data_need_not_be_typed(scripts: Scripts) -> None:
    run = succeeded(scripts.train("trainer.max_epochs=1")).run_directory
    finished = succeeded(scripts("cross_dataset", "run_dirs=[last]", "sets=[chasedb1]"))
    assert "run_dirs=last is" in finished.out
    assert list(result(scripts)["cells"]) == [run.name]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["sets=[chasedb]"], ["data has no option 'chasedb'", "did you mean 'chasedb1'?"]),
        (["sets=[]"], ["which sets?", "chasedb1"]),
        (["sets=[chasedb1]", "run_dirs=[]"], ["which networks?"]),
        (["sets=chasedb1"], ["sets cannot be used"]),
        (["sets=[chasedb1]", "images=all"], ["images cannot be used", "unseen or test"]),
        (["sets=[chasedb1]", "+set_settings.hrf.source.root=x"], ["set_settings.hrf is of no set that is scored"]),
        (["sets=[chasedb1]", "+set_settings.chasedb1.source.rot=x"], ["set_settings.chasedb1.source", "rot"]),
        (
            ["sets=[chasedb1]", "+set_settings.chasedb1.sorce.root=x"],
            ["there is no setting set_settings.chasedb1.sorce"],
        ),
        (["sets=[chasedb1]", "+set_settings.chasedb1.source.split=last"], ["CHASE_DB1 has no split 'last'"]),
        (["sets=[chasedb1]", "match=degrees"], ["match cannot be used", "diameter or angle"]),
        (["sets=[chasedb1]", "+angles.mine=0"], ["angles.mine cannot be used"]),
        (["sets=[hrf]"], ["no network can be scored on any set", "hrf:"]),
        (["sets=[chasedb1]", "weights=[vesels]", "run_dirs=[]"], ["did you mean 'vessels'"]),
    ],
    ids=lambda value: " ".join(value) if len(value) < 3 else None,
)
def test_bad_settings_are_told(scripts: Scripts, overrides: list[str], words: list[str]) -> None:
    run = scripts.tiny_run()
    refused(cross(scripts, f"run_dirs=[{run}]", *overrides), *words)
    assert not (scripts.folder / OUT).exists()
