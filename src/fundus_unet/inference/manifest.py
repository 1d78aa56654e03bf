"""Which files of a folder predict made, so that it replaces no other.

A name says little: a user may have put a file of the same name there, or changed one. So the digest of every output is
claimed on disk before the output is written, and a file is predict's where its content has been claimed for its place.
A kill between claim and file leaves a claim without a file, which harms nobody; never a file without a claim.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import append_lines, open_regular, read_bytes
from fundus_unet.core.line_index import Line, LineIndex

_LARGEST = 2**30


@dataclass(frozen=True)
class Claim:
    """One output as it was, or was about to be, written.

    `file` is its place below the folder, with slashes; `image` the whole path of the image that it belongs to;
    `settings` the fingerprint of what it was predicted with.
    """

    file: str
    digest: str
    image: str
    settings: str


class Manifest:
    """The claims of all processes that ever predicted into `folder`; each process adds to a file of its own.

    The claims stay on the disk: in memory is where they are, for as long as somebody asks. What this process claims it
    knows itself after `read_again`.

    Args:
        settings: The fingerprint of what this process predicts with.
    """

    def __init__(self, folder: Path, rank: int = 0, settings: str = "") -> None:
        self.folder = folder
        self.settings = settings
        self._own = folder / f".made_{rank}.jsonl"
        self._reading, self._adding = Lock(), Lock()
        self._files: list[Path] = []
        self._index: LineIndex | None = None

    def read_again(self) -> None:
        """Take in, when next asked, what has been claimed meanwhile; until then nothing of it is in memory."""
        with self._reading:
            self._index = None

    def check(self) -> None:
        """Raise `InputError` where one of its files is something else."""
        _made(self.folder)

    def is_current(self, path: Path) -> bool:
        """Whether the output is there, as these settings make it. An output that its user has changed is."""
        current = [_is_current(line) for line in self._lines(path)]
        if not any(current) or not _is_filled(path):
            return False
        if all(current):
            return True
        claims = self._claims(path)
        outdated = {claim.digest for claim in claims if claim.settings != self.settings}
        outdated -= {claim.digest for claim in claims if claim.settings == self.settings}
        return not outdated or _digest_of(path) not in outdated

    def owns(self, path: Path) -> bool:
        """Whether predict made the file and nobody has changed it since."""
        claims = self._claims(path)
        if not claims or os.path.islink(path) or not os.path.isfile(path):
            return False
        # a power cut may leave an empty file, in which nothing can be lost
        return not _is_filled(path) or _digest_of(path) in {claim.digest for claim in claims}

    def belongs_to(self, path: Path, image: str) -> bool:
        """Whether an output was last made of the image of that whole path."""
        lines = self._lines(path)
        return bool(lines) and lines[-1].note | 1 == hash(image) | 1

    def image_of(self, path: Path) -> Path | None:
        """The image that an output belongs to, where it is still there."""
        claims = self._claims(path)
        return Path(claims[-1].image) if claims and os.path.lexists(claims[-1].image) else None

    def claim(self, made: Iterable[tuple[Path, dict[Path, bytes]]]) -> None:
        """Tell the disk what is going to be written, for several images at once, since a disk takes its time.

        Args:
            made: Images, and the contents of their outputs.

        Raises:
            InputError: Where something else has the place of this process's file; `OSError` where it cannot be told.
        """
        new = []
        for image, contents in made:
            whole = os.path.realpath(image)
            for path, content in contents.items():
                claim = Claim(self._place(path), _digest(content), whole, self.settings)
                if not os.path.lexists(path) or claim not in self._claims(path):
                    new.append(claim)
        if new:
            check_own_file(self._own)
            with self._adding:
                append_lines(self._own, map(_line, new), durable=True)

    def claims(self) -> Iterator[Claim]:
        """All of them, read from the disk one by one, in the order of each process."""
        for path in _made(self.folder):
            with open_regular(path) as file:
                yield from filter(None, map(_claim, file))

    def _claims(self, path: Path) -> list[Claim]:
        found = []
        for line in self._lines(path):
            with open_regular(self._files[line.file]) as file:
                file.seek(line.start)
                found.append(_claim(file.readline()))
        return [claim for claim in found if claim is not None and claim.file == self._place(path)]

    def _lines(self, path: Path) -> list[Line]:
        with self._reading:
            if self._index is None:
                self._files = _made(self.folder)
                self._index = self._read()
            return self._index.of(self._place(path))

    def _read(self) -> LineIndex:
        """A line that an interruption cut off is left out, and its files were not written."""
        index = LineIndex()
        for number, path in enumerate(self._files):
            with open_regular(path) as file:
                start = 0
                for text in file:
                    claim = _claim(text)
                    if claim is not None:
                        # the last bit tells whether it is of these settings
                        note = hash(claim.image) | 1 if claim.settings == self.settings else hash(claim.image) & ~1
                        index.add(claim.file, Line(number, start, note))
                    start += len(text)
        return index

    def _place(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def _made(folder: Path) -> list[Path]:
    return own_files(folder, r"\.made_\d+\.jsonl")


def own_files(folder: Path, pattern: str) -> list[Path]:
    """Files in `folder` whose whole name fits a pattern that is predict's own.

    Raises:
        InputError: For a link or anything else that is no regular file, which predict did not make.
    """
    paths = sorted(path for path in _entries(folder) if re.fullmatch(pattern, path.name))
    for path in paths:
        check_own_file(path)
    return paths


def check_own_file(path: Path) -> None:
    """Raise `InputError` for a link or anything else that is no regular file."""
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isfile(path)):
        raise InputError(
            f"{path} was not made by predict; it was not changed",
            expected="a regular file of predict, or none",
            fix="move it elsewhere, or choose another out_dir",
        )


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _claim(line: bytes) -> Claim | None:
    try:
        claim = Claim(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    return claim if all(isinstance(value, str) for value in vars(claim).values()) else None


def _is_current(line: Line) -> bool:
    return bool(line.note & 1)


def _line(claim: Claim) -> str:
    return json.dumps(asdict(claim))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _digest_of(path: Path) -> str | None:
    try:
        return _digest(read_bytes(path, _LARGEST))
    except OSError:
        return None


def _is_filled(path: Path) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size > 0
