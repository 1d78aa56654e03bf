"""Damaged files never raise anything but an `InputError`, and never stop a batch."""

from collections.abc import Callable
from pathlib import Path

import pytest

import fundus_unet.commands.predict  # noqa: F401, before the first fork
from faults.attempt import Attempt
from faults.inputs import batches, lists, raters
from fundus_unet.inference.inputs import find_images

Survived = Callable[[list[Attempt]], None]


def find(images: str, out_dir: Path) -> object:
    return find_images(images, leave_out=out_dir)


def test_damaged_files(tmp_path: Path, survived: Survived) -> None:
    survived(raters(0, 300, tmp_path / "files"))
    survived(lists(0, 100, tmp_path / "lists", find))
    survived(batches(0, 60, tmp_path / "batches"))


@pytest.mark.faults
def test_many_damaged_files(tmp_path: Path, survived: Survived) -> None:
    survived(raters(1, 8000, tmp_path / "files"))
    survived(lists(1, 1000, tmp_path / "lists", find))
    survived(batches(1, 3000, tmp_path / "batches"))
