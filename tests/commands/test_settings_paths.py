"""Paths that a user names: which can be read or written."""

from pathlib import Path

import pytest

from fundus_unet.commands.settings_paths import PathText, WritableFile, WritableFolder
from fundus_unet.core.errors import InputError
from fundus_unet.runs.schema import check


@pytest.mark.parametrize("value", ["a", "nowhere/at/all", "."])
def test_paths_are_taken(value: str) -> None:
    assert check(PathText, value, "path") == value


@pytest.mark.parametrize("value", ["", " ", 1, True, ["a"], None, "a\0b", "x" * 5000, "\ud800"])
def test_what_names_no_file_is_refused(value: object) -> None:
    for kind in (PathText, WritableFile, WritableFolder):
        with pytest.raises(InputError, match="what to do: "):
            check(kind, value, "path")


def test_paths_below_a_file_are_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for kind in (PathText, WritableFolder, WritableFile):
        with pytest.raises(InputError, match=r"below .*file, which is a file"):
            check(kind, str(tmp_path / "file" / "below"), "out_dir")
    for kind in (PathText, WritableFile):
        check(kind, str(tmp_path / "file"), "path")
    with pytest.raises(InputError, match="is no folder"):
        check(WritableFolder, str(tmp_path / "file"), "out_dir")


def test_links_that_lead_round_are_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="cannot be read"):
        check(PathText, str(tmp_path / "loop"), "images")
