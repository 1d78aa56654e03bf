"""The hidden folder beside a set in which it is loaded and unpacked, until it is whole and gets its name."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.core.lock import alone_in

_MARK = "made-by-fundus-unet"


@dataclass(frozen=True)
class Staging:
    """`downloads` outlives interruptions; `files` is begun anew each time."""

    root: Path

    @property
    def downloads(self) -> Path:
        return self.root / "downloads"

    @property
    def files(self) -> Path:
        return self.root / "files"

    def finish(self, whole: Path, target: Path) -> None:
        """Give what is whole its place; only an empty folder may be there."""
        if target.is_dir() and not target.is_symlink():
            target.rmdir()
        whole.rename(target)
        shutil.rmtree(self.root)


def remove_left(data_dir: Path, folder: str) -> None:
    """Remove the staging folder of a set that is whole: the process was killed before it did so."""
    root = _place(data_dir, folder)
    if (root / _MARK).is_file() and not root.is_symlink():
        with alone_in(root, f"another process is getting this set in {root.parent}", fix="wait for its end"):
            shutil.rmtree(root)


def _place(data_dir: Path, folder: str) -> Path:
    return data_dir / f".{folder}.getting"


@contextmanager
def staging(data_dir: Path, folder: str) -> Iterator[Staging]:
    """The staging folder of a set; it stays for the next call unless `finish` is called, or nothing was loaded.

    Raises:
        InputError: Where another process is loading the set, or the folder is not this project's.
    """
    root = _place(data_dir, folder)
    root.mkdir(parents=True, exist_ok=True)
    if root.is_symlink() or (os.listdir(root) and not (root / _MARK).is_file()):
        raise InputError(f"{root} was not made by this command", fix="move it away")
    (root / _MARK).touch()
    with alone_in(root, f"another process is getting this set in {root.parent}", fix="wait for its end"):
        place = Staging(root)
        shutil.rmtree(place.files, ignore_errors=True)
        place.files.mkdir()
        place.downloads.mkdir(exist_ok=True)
        for left in place.downloads.glob("tmp*"):  # pooch's, of a process that was killed
            left.unlink()
        try:
            yield place
        finally:
            if place.downloads.is_dir() and not os.listdir(place.downloads):
                shutil.rmtree(root)
