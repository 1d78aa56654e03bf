"""A public set, from its addresses or from what the user has, to a folder that is whole and verified."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from fundus_unet.core.errors import InputError
from fundus_unet.data.download.addresses import Published
from fundus_unet.data.download.archive_formats import SUFFIXES
from fundus_unet.data.download.bad_archive import BadArchiveError, DamagedArchiveError
from fundus_unet.data.download.belonging import other_set, strangers
from fundus_unet.data.download.checksums import differences, published, sums_of, told
from fundus_unet.data.download.existing import Verified, existing_folder, verify_existing
from fundus_unet.data.download.fetch import fetch
from fundus_unet.data.download.get_command import get_command
from fundus_unet.data.download.progress import LoadingProgress
from fundus_unet.data.download.record import keep_record
from fundus_unet.data.download.room import check_room, part_of, told_when_full
from fundus_unet.data.download.sources import Remote, Sources, named_sources, table_sources
from fundus_unet.data.download.staging import Staging, remove_left, staging
from fundus_unet.data.download.unpack import Allowance, Unpacking

Check = Callable[[Path], None]
FEW = 3
"""Files that are told of what is no copy of the set."""


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
        for one in made:
            if os.listdir(one):
                break
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
            compared = self._verify(whole, check)
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
        self.progress.line(_verified(compared, len(sums) - compared, self._have_known_sums()))

    def _have_known_sums(self) -> bool:
        """Whether all that the set is from was compared as it came."""
        return not self.sources.local and all(one.sha256 for one in self.sources.archives + self.sources.files)

    def _load(self) -> None:
        for archive in self.sources.archives:
            with self.progress.of(f"loading {archive.name}", f"loaded {archive.name}") as update, _kept(update) as told:
                self._fetch(archive, self.row.largest, told)
        if not self.sources.files:
            return
        loaded = 0
        count = f"{len(self.sources.files)} files"
        with self.progress.of(f"loading {count}", f"loaded {count}") as shown, _kept(shown) as update:

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
            unpacking = Unpacking(allowance, self.row.layout, _summed(update))
            for archive in archives:
                check_room(self.place.root, archive.stat().st_size)
                unpacking.unpack(archive, self.place.files)
        with self.progress.of("copying", "copied") as update:
            copying = Unpacking(allowance, self.row.layout, _summed(update))
            for folder in (path for path in self.sources.local if path.is_dir()):
                copying.copy(folder, self.place.files)
        for file in self.sources.files:
            target = self.place.files / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            _second_name(self.place.downloads / file.name, target)
        return _without_wrappers(self.place.files, self.row.layout)

    def _verify(self, whole: Path, check: Check) -> int:
        """How many files were compared with sums that come with the project."""
        sums = published(self.row.folder)
        names = [path.relative_to(whole).as_posix() for path in sorted(whole.rglob("*")) if path.is_file()]
        found = differences(whole, sums)
        if found:
            raise self._not_the_set(names, told(found, FEW))
        others = strangers(self.row, names, sums)
        if others:
            other = other_set(self.row, others)
            raise BadArchiveError(
                f"more came than {self.row.name}",
                got=told([f"{name}: not of the set" for name in others], FEW),
                fix=f"give the files of {self.row.name} alone" + (f"; these look like {other.name}" if other else ""),
            )
        try:
            check(whole)
        except InputError as error:
            raise self._not_the_set(names, error.problem.replace(f"{whole}", "what came")) from error
        return len(sums)

    def _not_the_set(self, names: Sequence[str], got: str) -> BadArchiveError:
        other = other_set(self.row, names)
        fix = None
        if other is not None and self.given:
            of_it = [one for one in self.given if len(self.given) == 1] or ["PATH"]
            fix = f"it looks like {other.name}: {get_command(other, self.data_dir, of_it)}"
        elif len(self.given) < len(self.row.parts):
            fix = f"give all parts: {get_command(self.row, self.data_dir)}"
        elif self.given:
            fix = f"give the whole set, and nothing else, as it is published: {self.row.where}"
        return BadArchiveError(f"what came is not {self.row.name} as it was published", got=got, fix=fix)


def _summed(update: Callable[[int, int | None], None]) -> Callable[[int], None]:
    """Of pieces."""
    written = 0

    def told_of(size: int) -> None:
        nonlocal written
        written += size
        update(written, None)

    return told_of


@contextmanager
def _kept(update: Callable[[int, int | None], None]) -> Iterator[Callable[[int, int | None], None]]:
    """Pass on what is told, and where that is interrupted say how much is kept."""
    last: tuple[int, int | None] = 0, None

    def told_of(done: int, total: int | None) -> None:
        nonlocal last
        last = done, total
        update(done, total)

    try:
        yield told_of
    except KeyboardInterrupt as error:
        if last[0]:
            error.add_note(f"{part_of(*last)} {'are' if last[1] else 'is'} kept: give the same command again")
        raise


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


def _verified(compared: int, recorded: int, is_known: bool) -> str:
    """What was compared, in words.

    Args:
        is_known: Whether the archives were.
    """
    count = compared + recorded
    if is_known and recorded:
        return f"verified {count} files: they came in archives with the published sums"
    if not compared:
        return f"{count} files; no sums are published, so theirs were recorded now and are compared from here on"
    verified = f"verified {count} files: {compared} with the published sums"
    if not recorded:
        return verified
    return (
        f"{compared} of {count} files verified with the published sums; those of the other {recorded} were recorded now"
    )
