"""A set that is on the disk already: verified, and never written to."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.data.download.addresses import Published
from fundus_unet.data.download.checksums import LIST, differences, published, read_list, told
from fundus_unet.data.download.get_command import get_command
from fundus_unet.data.download.record import is_recorded, no_place


@dataclass(frozen=True)
class Verified:
    """A set that is there and whole.

    Args:
        compared: Files that are equal to sums that come with the project, or were recorded when the set was made.
        is_ours: Whether this project made the folder.
    """

    folder: Path
    compared: int
    is_ours: bool


def existing_folder(row: Published, data_dir: Path) -> Path | None:
    """Where the set is, under one of its usual names; an empty folder counts for nothing.

    Raises:
        InputError: Where the name is taken by a file, or by a link to nothing or to an empty folder.
    """
    for path in (data_dir / folder for folder in row.folders):
        if os.path.lexists(path):
            if not path.is_dir():
                raise no_place(path)
            if os.listdir(path):
                return path
            if path.is_symlink():
                raise InputError(
                    f"{path} is a link to an empty folder",
                    fix="remove the link, or set paths.data_dir to the folder that the set shall come into",
                )
    return None


def verify_existing(row: Published, folder: Path, check: Callable[[Path], None]) -> Verified:
    """Compare the set with what is known of it.

    Raises:
        InputError: That names what is missing or damaged, and what to do.
    """
    is_ours = is_recorded(folder)
    sums = published(row.folder)
    if is_ours:
        sums = read_list(folder / LIST) | sums
    else:  # files that the user has sorted otherwise are found by the set's class
        sums = {name: sha256 for name, sha256 in sums.items() if (folder / name).exists()}
    found = differences(folder, sums, follow=not is_ours)
    if found:
        raise InputError(
            f"{row.name} in {folder} is {'damaged or incomplete' if is_ours else 'not as it was published'}",
            expected="the content whose SHA-256 was recorded" if is_ours else "the published files",
            got=told(found),
            fix=f"remove the folder {folder} or move it away, then give this command: {get_command(row, folder.parent)}"
            if is_ours
            else f"it is yours and was not touched: use it as it is; or move {folder} away, then give this command: "
            f"{get_command(row, folder.parent)}",
        )
    try:
        check(folder)
    except InputError as error:
        # of a copy that is sorted otherwise the error names the first one
        missing = [name for name in published(row.folder) if not (folder / name).exists()] if sums else []
        raise InputError(
            f"{row.name} in {folder} is not whole; nothing was changed",
            got=told(f"{name}: not there" for name in missing) or error.problem,
            fix=f"move {folder} away, or set paths.data_dir to another folder, then give the command again"
            if row.archives
            else f"move {folder} away, then give this command: {get_command(row, folder.parent)}",
        ) from error
    return Verified(folder, len(sums), is_ours)
