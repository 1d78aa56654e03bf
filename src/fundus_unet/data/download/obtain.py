"""A public set, from its addresses or from what the user has, to a folder that is whole and verified."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console

from fundus_unet.data.download.addresses import Published
from fundus_unet.data.download.archive_formats import SUFFIXES
from fundus_unet.data.download.as_published import compare, in_words
from fundus_unet.data.download.bad_archive import BadArchiveError, DamagedArchiveError
from fundus_unet.data.download.checksums import published, sums_of
from fundus_unet.data.download.existing import Verified, existing_folder, verify_existing
from fundus_unet.data.download.fetch import fetch
from fundus_unet.data.download.get_command import get_command
from fundus_unet.data.download.progress import LoadingProgress, kept_told, summed
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
    sources = named_sources(row, source, data_dir) if source else table_sources(row, data_dir)
    with _made_for_it(data_dir), staging(data_dir, row.folder) as place:
        _Making(row, place, sources, source, LoadingProgress(console)).make(data_dir / row.folder, check)
    return None


@contextmanager
def _made_for_it(folder: Path) -> Iterator[None]:
    """Make a folder, and those above it; without them again where they stay empty."""
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):  # one that is not empty, and all above it, stay
            for one in made:
                one.rmdir()


class _Making:
    def __init__(
        self, row: Published, place: Staging, sources: Sources, given: Sequence[str], progress: LoadingProgress
    ) -> None:
        self.row, self.place, self.sources, self.given, self.progress = row, place, sources, given, progress
        self.data_dir = place.root.parent

    def make(self, target: Path, check: Check) -> None:
        self._load()
        try:
            whole = self._unpacked()
            compared = compare(self.row, whole, check, self.given, self.data_dir)
        except BadArchiveError as error:
            for archive in self.sources.archives:  # one with a known sum is not at fault, and was long to load
                if archive.sha256 is None:
                    (self.place.downloads / archive.name).unlink(missing_ok=True)
            if isinstance(error, DamagedArchiveError):
                again = "get it again" if self.sources.local else "give the same command again, or get it"
                fix = f"{again} as it is published: {self.row.where}"
                raise BadArchiveError(error.problem, expected=error.expected, got=error.got, fix=fix) from error
            raise
        sums = sums_of(whole)
        keep_record(whole, self.row, sums, compared, self.sources.words)
        self.place.finish(whole, target)
        self.progress.line(in_words(compared, len(sums) - compared, self._have_known_sums()))

    def _have_known_sums(self) -> bool:
        """Whether all that the set is from was compared as it came."""
        return not self.sources.local and all(one.sha256 for one in self.sources.archives + self.sources.files)

    def _load(self) -> None:
        for archive in self.sources.archives:
            with (
                self.progress.of(f"loading {archive.name}", f"loaded {archive.name}") as update,
                kept_told(update) as told,
            ):
                self._fetch(archive, self.row.largest, told)
        if not self.sources.files:
            return
        loaded = 0
        count = f"{len(self.sources.files)} files"
        with self.progress.of(f"loading {count}", f"loaded {count}") as shown, kept_told(shown) as update:

            def told_of(done: int, total: int | None) -> None:
                update(loaded + done, None)

            for file in self.sources.files:
                self._fetch(file, self.row.largest, told_of)
                loaded += (self.place.downloads / file.name).stat().st_size
                update(loaded, None)

    def _fetch(self, file: Remote, limit: int, update: Callable[[int, int | None], None]) -> None:
        fetch(file.urls, self.place.downloads / file.name, limit, file.sha256, self._advice(file), update)

    def _advice(self, file: Remote) -> str:
        """What to do where no address gives a file."""
        here = get_command(self.row, self.data_dir, ["PATH"])
        advice = (
            f"{'check the address, or ' if self.given else ''}get it yourself: {self.row.where}: {self.row.how}: {here}"
        )
        url = file.urls[0]
        if url in self.given and published(self.row.folder) and not file.name.lower().endswith((*SUFFIXES, ".gz")):
            folder = get_command(self.row, self.data_dir, [f"{url}/"])
            return f"if it is a folder, put / at the end: {folder}; or {advice}"
        return advice

    def _unpacked(self) -> Path:
        """The folder in which the set is then."""
        archives = [self.place.downloads / archive.name for archive in self.sources.archives]
        archives += [path for path in self.sources.local if not path.is_dir()]
        allowance = Allowance(self.row.largest, self.row.most_files)
        with self.progress.of("unpacking", "unpacked") as update:
            unpacking = Unpacking(allowance, self.row.layout, summed(update))
            for archive in archives:
                check_room(self.place.root, archive.stat().st_size)
                unpacking.unpack(archive, self.place.files)
        with self.progress.of("copying", "copied") as update:
            copying = Unpacking(allowance, self.row.layout, summed(update))
            for folder in (path for path in self.sources.local if path.is_dir()):
                copying.copy(folder, self.place.files)
        for file in self.sources.files:
            target = self.place.files / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            _second_name(self.place.downloads / file.name, target)
        return _without_wrappers(self.place.files, self.row.layout)


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
