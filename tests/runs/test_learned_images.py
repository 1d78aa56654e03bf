"""What a run learned from, and how large it saw it."""

import hashlib
import json
from pathlib import Path

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.data.sets import chasedb1
from fundus_unet.runs.learned_images import images_named_now, recorded_images
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.runs.working_diameter import own_diameters, trained_diameter
from running import Scripts

HASH = "0" * 64


def test_the_record_of_a_run_is_what_its_configuration_names(scripts: Scripts) -> None:
    run = scripts.tiny_run()
    split = chasedb1.SPLITS["first20"]
    images = [scripts.folder / "sets/CHASE_DB1" / f"{name}.jpg" for name in split.train + split.val]
    expected = {hashlib.sha256(path.read_bytes()).hexdigest() for path in images}
    assert recorded_images(run) == expected
    (run / "data.json").unlink()
    assert recorded_images(run) is None
    assert images_named_now(RunDirectory(run)) == expected


@pytest.mark.parametrize(
    "record",
    [
        "",
        "[]",
        "{}",
        json.dumps({"train": {}, "val": {}}),
        json.dumps({"train": {"a": {"image": HASH}}}),
        json.dumps({"train": {"a": {"image": HASH}}, "val": {"b": {"image": "../b.jpg"}}}),
        json.dumps({"train": {"a": {"image": HASH}}, "val": {"b": {"label": HASH}}}),
    ],
)
def test_a_damaged_record_is_an_error(tmp_path: Path, record: str) -> None:
    (tmp_path / "data.json").write_text(record)
    with pytest.raises(InputError, match="not known which images"):
        recorded_images(tmp_path)


def test_the_diameter_is_the_runs_own_or_that_of_its_images_at_its_scale(scripts: Scripts) -> None:
    run = RunDirectory(scripts.tiny_run())
    assert trained_diameter(run) == pytest.approx(82, abs=1)
    run.config.data.scale = 0.5
    assert trained_diameter(run) == pytest.approx(41, abs=0.5)
    run.config.data.scale, run.config.data.fov_diameter = None, 60
    assert trained_diameter(run) == 60
    assert own_diameters(run) == {}
