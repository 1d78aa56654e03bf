"""A public set, from its addresses or from what the user has, to a folder that is whole and verified."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from fundus_unet.core.errors import InputError
from fundus_unet.core.invocation import command
from fundus_unet.data.download.addresses import Published
from fundus_unet.data.download.bad_archive import BadArchiveError
from fundus_unet.data.download.checksums import differences, published, sums_of, told
from fundus_unet.data.download.existing import Verified, existing_folder, verify_existing
from fundus_unet.data.download.fetch import fetch
from fundus_unet.data.download.progress import LoadingProgress
from fundus_unet.data.download.record import keep_record
from fundus_unet.data.download.room import check_room, told_when_full
from fundus_unet.data.download.sources import Remote, Sources, named_sources, table_sources
from fundus_unet.data.download.staging import Staging, remove_left, staging
from fundus_unet.data.download.unpack import Allowance, Unpacking

Check = Callable[[Path], None]


def obtain(row: Published, data_dir: Path, source: Sequence[str], check: Check, console: Console) -> Verified | None:
    """Get a set into `data_dir`; it appears there whole, or not at all.

    Args:
        source: Paths and addresses in place of the table's; none: the table's.
        check: Raises `InputError` where a folder is not the whole set.

    Returns:
        What was there already; None where the set was made.

    Raises:
        InputError: For everything that keeps the set from being whole; what was loaded is kept for the next call.
    """
    there = existing_folder(row, data_dir)
    if there is not None:
        verified = verify_existing(row, there, check)
        if verified.is_ours:
            remove_left(data_dir, row.folder)
        return verified
    sources = named_sources(row, source) if source else table_sources(row)
    data_dir.mkdir(parents=True, exist_ok=True)
    with staging(data_dir, row.folder) as place:
        _Making(row, place, sources, LoadingProgress(console)).make(data_dir / row.folder, check)
    return None


class _Making:
    def __init__(self, row: Published, place: Staging, sources: Sources, progress: LoadingProgress) -> None:
        self.row, self.place, self.sources, self.progress = row, place, sources, progress

    def make(self, target: Path, check: Check) -> None:
        self._load()
        try:
            whole = self._unpacked()
            compared = self._verify(whole, check)
        except BadArchiveError:
            for archive in self.sources.archives:  # one with a known sum is not at fault, and was long to load
                if archive.sha256 is None:
                    (self.place.downloads / archive.name).unlink(missing_ok=True)
            raise
        sums = sums_of(whole)
        keep_record(whole, self.row, sums, compared, self.sources.words)
        self.place.finish(whole, target)
        self.progress.line(f"verified {len(sums)} files: {_words(compared, len(sums) - compared)}")

    def _load(self) -> None:
        for archive in self.sources.archives:
            with self.progress.of(f"loading {archive.name}", f"loaded {archive.name}") as update:
                self._fetch(archive, self.row.largest, update)
        if not self.sources.files:
            return
        loaded = 0
        count = f"{len(self.sources.files)} files"
        with self.progress.of(f"loading {count}", f"loaded {count}") as update:

            def told_of(done: int, total: int | None) -> None:
                update(loaded + done, None)

            for file in self.sources.files:
                self._fetch(file, self.row.largest, told_of)
                loaded += (self.place.downloads / file.name).stat().st_size
                update(loaded, None)

    def _fetch(self, file: Remote, limit: int, update: Callable[[int, int | None], None]) -> None:
        fetch(file.urls, self.place.downloads / file.name, limit, file.sha256, self._advice(), update)

    def _advice(self) -> str:
        """What to do where no address gives a file."""
        return (
            "give the same command again, which goes on where this ended; or get it yourself: "
            f"{self.row.where}: {self.row.how}: {command('data get', self.row.key, 'source=PATH')}"
        )

    def _unpacked(self) -> Path:
        """The folder in which the set is then."""
        archives = [self.place.downloads / archive.name for archive in self.sources.archives]
        archives += [path for path in self.sources.local if not path.is_dir()]
        written = 0
        with self.progress.of("unpacking", "unpacked") as update:

            def told_of(size: int) -> None:
                nonlocal written
                written += size
                update(written, None)

            unpacking = Unpacking(Allowance(self.row.largest, self.row.most_files), self.row.layout, told_of)
            for archive in archives:
                check_room(self.place.root, archive.stat().st_size)
                unpacking.unpack(archive, self.place.files)
            for folder in (path for path in self.sources.local if path.is_dir()):
                unpacking.copy(folder, self.place.files)
        for file in self.sources.files:
            target = self.place.files / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            _second_name(self.place.downloads / file.name, target)
        return _without_wrappers(self.place.files, self.row.layout)

    def _verify(self, whole: Path, check: Check) -> int:
        """How many files were compared with sums that come with the project."""
        sums = published(self.row.folder)
        found = differences(whole, sums)
        if found:
            raise BadArchiveError(f"what came is not {self.row.name} as it was published", got=told(found))
        try:
            check(whole)
        except InputError as error:
            raise BadArchiveError(f"what came is not {self.row.name} as it was published", got=error.problem) from error
        return len(sums)


def _second_name(path: Path, target: Path) -> None:
    """The same file under another name, which takes no room; a copy where the disk knows no such names."""
    try:
        os.link(path, target)
    except OSError:
        with told_when_full(target.parent, path.stat().st_size):
            shutil.copyfile(path, target)


def _without_wrappers(folder: Path, layout: tuple[str, ...]) -> Path:
    """Below the folders that hold nothing but one folder, as most archives have one."""
    while True:
        entries = list(folder.iterdir())
        if len(entries) != 1 or not entries[0].is_dir() or entries[0].name in layout:
            return folder
        folder = entries[0]


def _words(compared: int, recorded: int) -> str:
    parts = [f"{compared} with the published sums"] * bool(compared)
    if recorded:
        parts.append(f"the sums of {recorded} were recorded now, since none are published")
    return "; ".join(parts) or "none"
