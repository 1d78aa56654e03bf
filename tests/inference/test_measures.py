"""`measures.csv`: what a row says, and that it is kept as the rows of predictions are."""

import csv
from pathlib import Path, PurePath

import cv2
import numpy as np
import pytest

from data.layouts import draw
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.inference.measures import MEASURES, Measures, MeasuresTable, check_measures_stay_true, measured
from fundus_unet.inference.new_image import NewImage, prepare_new_image
from fundus_unet.inference.sources import Source, SourceList


def sample(scale: float, size: tuple[int, int] = (400, 500)) -> NewImage:
    return prepare_new_image(Source(Path("a.png"), PurePath("a")), draw(0, size)[0], Preprocessor(scale=scale))


def bars(size: tuple[int, int] = (400, 500)) -> np.ndarray:
    """Two bars, 8 and 12 pixels wide, of equal length, and a branch of the first."""
    mask = np.zeros(size, np.uint8)
    mask[120:128, 120:380] = 1
    mask[300:312, 120:380] = 1
    mask[128:250, 200:208] = 1
    return mask.astype(bool)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_row_at_every_working_resolution(scale):
    image, mask = sample(scale), bars()
    row = measured(image, mask)
    assert row.image == "a.png"
    assert row.fov_diameter_px == pytest.approx(image.fov_diameter, abs=0.05)
    assert row.vessel_density == pytest.approx(mask.sum() / image.field_of_view.sum(), abs=1e-5)
    assert row.vessel_length_per_fov_diameter == pytest.approx((260 + 260 + 122) / image.fov_diameter, rel=0.05)
    assert row.calibre_median_px == pytest.approx(8, abs=0.5)
    assert row.calibre_mean_px == pytest.approx((8 * 382 + 12 * 260) / 642, abs=0.5)
    assert row.branch_points == 1
    assert row.tortuosity_arc_per_chord == pytest.approx(1, abs=0.01)
    assert 0.9 < row.fractal_dimension < 1.4


def test_no_vessel_gives_empty_cells():
    row = measured(sample(1.0), np.zeros((400, 500), bool))
    assert (row.vessel_density, row.vessel_length_per_fov_diameter, row.branch_points) == (0, 0, 0)
    assert row.calibre_mean_px is row.calibre_median_px is row.fractal_dimension is row.tortuosity_arc_per_chord is None


def table(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "measures.csv").open(newline="") as file:
        return {row["image"]: row for row in csv.DictReader(file)}


def sources(*names: str) -> SourceList:
    return SourceList(Source(Path(name), PurePath(name).with_suffix("")) for name in names)


def test_rows_of_two_processes_and_of_earlier_batches(tmp_path):
    first, second = MeasuresTable(tmp_path, 0), MeasuresTable(tmp_path, 1)
    first.add(Measures("b.png", branch_points=2))
    second.add(Measures("a.png", branch_points=1, calibre_mean_px=3.5))
    assert first.has("a.png")
    first.write(sources("a.png", "b.png"))
    assert [path.name for path in tmp_path.iterdir()] == ["measures.csv"]
    assert list(table(tmp_path)) == ["a.png", "b.png"]
    second.add(Measures("c.png", branch_points=9))
    second.add(Measures("a.png", branch_points=7))
    later = MeasuresTable(tmp_path, 0)
    later.write(sources("c.png", "a.png"))
    assert {name: row["branch_points"] for name, row in table(tmp_path).items()} == {
        "b.png": "2",
        "c.png": "9",
        "a.png": "7",
    }
    assert table(tmp_path)["a.png"]["calibre_mean_px"] == ""
    assert list(table(tmp_path)["a.png"]) == list(MEASURES.columns)


def test_a_row_that_was_cut_off_is_not_there(tmp_path):
    ours = MeasuresTable(tmp_path, 0)
    ours.add(Measures("a.png"))
    with (tmp_path / ".measures_0.csv").open("a") as file:
        file.write("b.png,1,2")
    assert ours.has("a.png")
    assert not ours.has("b.png")
    ours.add(Measures("b.png"))
    assert not ours.has("b.png")
    ours.read_again()
    assert ours.has("b.png")


@pytest.mark.parametrize("name", ["measures.csv", ".measures_0.csv"])
def test_a_file_of_the_users_is_not_replaced(tmp_path, name):
    (tmp_path / name).write_text("eye,width\nleft,3\n")
    with pytest.raises(InputError, match="was not changed"):
        MeasuresTable(tmp_path, 0).write(sources("a.png"))
    assert (tmp_path / name).read_text() == "eye,width\nleft,3\n"
    check_measures_stay_true(tmp_path, overwrite=True)  # they are no measures of maps


def test_measures_do_not_outlive_their_maps(tmp_path):
    check_measures_stay_true(tmp_path, overwrite=True)
    ours = MeasuresTable(tmp_path, 0)
    ours.add(Measures("a.png"))
    ours.write(sources("a.png"))
    check_measures_stay_true(tmp_path, overwrite=False)
    with pytest.raises(InputError, match="measures=true"):
        check_measures_stay_true(tmp_path, overwrite=True)


def test_drawn_lengths_agree_with_the_table_of_predictions(tmp_path):
    """The same centrelines, whatever else is measured on them."""
    from fundus_unet.inference.batch_prediction import _vessel_length

    image, mask = sample(0.7), cv2.dilate(draw(0, (400, 500))[1].astype(np.uint8), np.ones((3, 3))) > 0
    length = _vessel_length(mask, image.scale) / image.fov_diameter
    assert measured(image, mask).vessel_length_per_fov_diameter == pytest.approx(length, abs=0.001)
