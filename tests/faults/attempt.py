"""One attack and what came of it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

TRACEBACK = "Traceback (most recent call last)"
LOST, CORRUPT, TRACED, OUTSIDE, HUNG = "lost", "corrupt", "traceback", "outside", "hung"


@dataclass(frozen=True)
class Attempt:
    """`failure` is one of the words above, or None where nothing was lost; `detail` is enough to repeat it."""

    kind: str
    detail: str
    failure: str | None = None
    told: str = ""


def failed(attempts: list[Attempt]) -> list[str]:
    """A line for each attempt that failed."""
    return [f"{one.kind}, {one.detail}: {one.failure}: {one.told[-600:]}" for one in attempts if one.failure]


def content(folder: Path) -> dict[str, str]:
    """A digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
