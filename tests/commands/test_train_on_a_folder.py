"""The user's own files, typed as they lie on the disk, from training to evaluation."""

from data.layouts import write_folder
from running import TINY, refused, succeeded

PLACES = ("data.images=Original", "data.labels=Ground truth", "data.masks=masks/*.tif", "data.source.subjects=eye*")


def test_a_run_knows_its_files_wherever_it_is_used(scripts, tmp_path) -> None:
    for part, first in (("train", 1), ("test", 11)):
        folder = write_folder(tmp_path / "my set" / part, count=4, first=first)
        (folder / "images").rename(folder / "Original")
        (folder / "labels").rename(folder / "Ground truth")
    place = "data.source.root=my set" if scripts.folder == tmp_path else f"data.source.root={tmp_path}/my set"
    run = succeeded(scripts("train", "data=folder", place, *PLACES, *TINY, "paths.run_dir=run")).run_directory
    test = (run / "evaluation/test/per_image.csv").read_text()
    assert all(f"eye{number}" in test for number in range(11, 15))
    (scripts.folder / "elsewhere").mkdir()
    scripts.folder = scripts.folder / "elsewhere"
    evaluated = succeeded(scripts("evaluate", f"run_dir={run}", "split=val", "device=cpu"))
    assert "val, 1 image" in evaluated.out


def test_a_pattern_that_fits_nothing_ends_before_the_training(scripts, tmp_path) -> None:
    write_folder(tmp_path, count=4)
    finished = scripts("train", "data=folder", f"data.source.root={tmp_path}", "data.labels=*_1stHO.png", *TINY)
    refused(finished, "*_1stHO.png", "no file of that name", "data.labels=")
