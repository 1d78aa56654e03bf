"""Archives are unpacked as if they were made to do harm: regular files only, below one folder, no more than told."""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.data.download.archive_formats import Member, is_archive, members_of, told_as_errors, told_size
from fundus_unet.data.download.bad_archive import BadArchiveError
from fundus_unet.data.download.member_names import MemberNames, is_junk
from fundus_unet.data.download.room import told_when_full

_PIECE = 2**20
_DEEPEST = 2
"""Archives in archives: DRIVE's has one for each half."""


@dataclass
class Allowance:
    """What may still be written; it counts what comes, since an archive may say anything of itself."""

    bytes: int
    files: int

    def take(self, source: Path, written: int = 0, files: int = 0) -> None:
        """Raises: BadArchiveError where it is used up."""
        self.bytes -= written
        self.files -= files
        if self.bytes < 0 or self.files < 0:
            raise BadArchiveError(f"{source.name} holds more than this set can have; unpacking was stopped")


@dataclass(frozen=True)
class Unpacking:
    """How archives of one set are unpacked.

    What an archive named after a folder of the layout holds goes into that folder, unless it brings it along:
    `stare-images.tar` holds `im0001.ppm.gz`, DRIVE's `training.zip` holds `training/`.

    Args:
        layout: Folders at the top of the set.
        told: Called with the bytes of each piece that is written.
    """

    allowance: Allowance
    layout: tuple[str, ...] = ()
    told: Callable[[int], None] = lambda written: None

    def unpack(self, archive: Path, into: Path, depth: int = 0) -> None:
        """Unpack into a folder that only this process fills, with the archives inside.

        Raises:
            BadArchiveError: For an archive that is damaged, holds what is not unpacked, or holds too much.
            InputError: For a full disk, and where a tool is missing.
        """
        scratch = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=into))
        scratch.chmod(0o755)  # it is what a folder of the set becomes
        names, needed = MemberNames(archive), told_size(archive)
        with told_as_errors(archive):
            for member in members_of(archive):
                self._extract(member, archive, scratch, names, needed)
        self.unpack_inside(scratch, depth + 1)
        tops, stem = sorted(os.listdir(scratch)), archive.name.split(".")[0]
        place = into / stem if stem in self.layout and stem not in tops else into
        for name in tops:
            move(scratch / name, place / name)
        scratch.rmdir()

    def unpack_inside(self, folder: Path, depth: int = 1) -> None:
        """Put what the archives in a folder hold in their place; raises as `unpack`."""
        for inner in sorted(path for path in folder.rglob("*") if path.is_file() and is_archive(path)):
            if depth > _DEEPEST:
                raise BadArchiveError("there are archives in archives in archives", got=inner.name)
            self.unpack(inner, inner.parent, depth)
            inner.unlink()

    def copy(self, folder: Path, into: Path) -> None:
        """Copy the files of a user's folder, which stays as it is, and unpack the archives among the copies.

        Raises:
            InputError: As `unpack`.
            OSError: For what cannot be read.
        """
        names, ours = MemberNames(folder), into.parent.resolve()  # the user's folder may be above it
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.resolve().is_relative_to(ours))
        needed = sum(path.stat().st_size for path in files)
        for path in files:
            name = path.relative_to(folder).as_posix()
            if is_junk(name):
                continue
            size = path.stat().st_size
            self.allowance.take(folder, size, files=1)
            target = into / names.add(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            with told_when_full(into, needed):
                shutil.copyfile(path, target)
            needed -= size
            self.told(size)
        self.unpack_inside(into)

    def _extract(self, member: Member, archive: Path, into: Path, names: MemberNames, needed: int) -> None:
        self.allowance.take(archive, files=1)  # folders and junk too: a list without end is a bomb as well
        if is_junk(member.name) or (member.is_folder and not member.refused):
            self.allowance.take(archive, written=max(0, member.size))  # in a tar it is unpacked to get behind it
            return
        path = into / names.add(member.name)
        if member.refused:
            raise BadArchiveError(
                f"{archive.name} holds what is not unpacked: {member.name!r:.200} is {member.refused}",
                expected="files and folders",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        with told_when_full(into, needed), member.opened() as content, path.open("xb") as file:
            while piece := content.read(_PIECE):
                self.allowance.take(archive, written=len(piece))
                file.write(piece)
                self.told(len(piece))


def move(source: Path, target: Path) -> None:
    """Move what was unpacked; folders that are there already get it added.

    Raises:
        InputError: For a file that is there already.
    """
    if not os.path.lexists(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
    elif source.is_dir() and target.is_dir():
        for inner in list(source.iterdir()):
            move(inner, target / inner.name)
        source.rmdir()
    else:
        raise InputError(
            f"the file {target.name} comes twice", expected="every file once", fix="give each part of the set once"
        )
