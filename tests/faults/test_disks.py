"""A disk that is full gives one message, and loses nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

# before the first fork
import fundus_unet.commands.check_data
import fundus_unet.commands.cross_dataset
import fundus_unet.commands.predict
import fundus_unet.commands.prepare_data
import fundus_unet.commands.train  # noqa: F401
from data.layouts import draw, save
from faults.attempt import Attempt
from faults.data_commands import across_sets, checking, getting, with_archive
from faults.disks import full
from faults.kills import prediction, training

Survived = Callable[[list[Attempt]], None]
Make = Callable[[Path], None]


def with_photos(folder: Path) -> None:
    for number in range(4):
        save(folder / "images" / f"{number}.png", draw(number, (220, 240))[0])


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path, with_images: Make, survived: Survived) -> None:
    survived(full(training(epochs=2), tmp_path / "training", with_images, seed=0, count=1, room=(500, 60_000)))
    survived(full(prediction(), tmp_path / "prediction", with_photos, seed=0, count=1, room=(500, 20_000)))


@pytest.mark.faults
def test_many_full_disks(tmp_path: Path, with_images: Make, survived: Survived) -> None:
    survived(full(training(epochs=2), tmp_path / "training", with_images, seed=1, count=25, room=(200, 400_000)))
    survived(full(prediction(), tmp_path / "prediction", with_photos, seed=1, count=25, room=(200, 60_000)))


@pytest.mark.faults
def test_full_disks_of_the_commands_on_data(
    tmp_path: Path, with_images: Make, with_run: Make, survived: Survived
) -> None:
    survived(full(getting(), tmp_path / "get", with_archive, seed=2, count=25, room=(100, 30_000)))
    survived(full(checking(), tmp_path / "check", with_images, seed=2, count=15, room=(100, 400_000)))
    survived(full(across_sets(), tmp_path / "across", with_run, seed=2, count=15, room=(100, 60_000)))
