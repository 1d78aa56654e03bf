"""Which files of a folder predict made, so that it replaces no other.

A name says little: a user may have put a file of the same name there, or changed one. So the digest of every output is
claimed on disk before the output is written, and a file is predict's where its content has been claimed for its place.
A kill between claim and file leaves a claim without a file, which harms nobody; never a file without a claim.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import append_lines, read_bytes

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

    Args:
        settings: The fingerprint of what this process predicts with.
    """

    def __init__(self, folder: Path, rank: int = 0, settings: str = "") -> None:
        self.folder = folder
        self.settings = settings
        self._own = folder / f".made_{rank}.jsonl"
        self._lock = Lock()
        self._claims: dict[str, list[Claim]] | None = None

    def read_again(self) -> None:
        """Take in what other processes have claimed."""
        self._claims = None

    def is_current(self, path: Path) -> bool:
        """Whether the output is there, as these settings make it. An output that its user has changed is."""
        claims = self._of(path)
        current = {claim.digest for claim in claims if claim.settings == self.settings}
        outdated = {claim.digest for claim in claims} - current
        if not current or not _is_filled(path):
            return False
        return not outdated or _digest_of(path) not in outdated

    def owns(self, path: Path) -> bool:
        """Whether predict made the file and nobody has changed it since."""
        claims = self._of(path)
        if not claims or os.path.islink(path) or not os.path.isfile(path):
            return False
        # a power cut may leave an empty file, in which nothing can be lost
        return not _is_filled(path) or _digest_of(path) in {claim.digest for claim in claims}

    def image_of(self, path: Path) -> Path | None:
        """The image that an output belongs to, where it is still there."""
        claims = self._of(path)
        return Path(claims[-1].image) if claims and os.path.lexists(claims[-1].image) else None

    def claim(self, contents: dict[Path, bytes], image: Path) -> None:
        """Tell the disk what is going to be written.

        Raises:
            OSError: Where it cannot be told.
        """
        whole = os.path.realpath(image)
        claims = [
            Claim(self._place(path), _digest(content), whole, self.settings) for path, content in contents.items()
        ]
        known = self._known()
        with self._lock:
            new = [claim for claim in claims if claim not in known.get(claim.file, ())]
            if new:
                append_lines(self._own, map(_line, new), durable=True)
            for claim in new:
                known.setdefault(claim.file, []).append(claim)

    def _of(self, path: Path) -> list[Claim]:
        return self._known().get(self._place(path), [])

    def _place(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _known(self) -> dict[str, list[Claim]]:
        with self._lock:
            if self._claims is None:
                self._claims = {}
                for path in own_files(self.folder, r"\.made_\d+\.jsonl"):
                    for claim in _read(path):
                        self._claims.setdefault(claim.file, []).append(claim)
            return self._claims


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


def _read(path: Path) -> Iterable[Claim]:
    """Claims; a line that an interruption cut off is left out, and its files were not written."""
    for line in read_bytes(path, _LARGEST).splitlines():
        try:
            claim = Claim(**json.loads(line))
        except (ValueError, TypeError, RecursionError):
            continue
        if all(isinstance(value, str) for value in vars(claim).values()):
            yield claim


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
    return os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) > 0
