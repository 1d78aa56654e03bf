"""Whether files are of the set that was asked for, by their names; and of which set they are otherwise."""

import re
from collections.abc import Collection
from pathlib import PurePosixPath

from fundus_unet.data.download.addresses import PUBLISHED, Published

_BESIDE = re.compile(
    r"(read.?me|licen[cs]e|about|sha256sums|md5sums|checksums?)\b.*|.*\.(txt|md|pdf|html?|rtf|sha256|md5)"
)
_MANY_OF_THEM = 0.4


def strangers(row: Published, names: Collection[str], listed: Collection[str]) -> list[str]:
    """Files that are not of the set, other than texts about it; none where no list of its files is published.

    Args:
        names: From the folder of the set down.
        listed: The files whose sums are published: all of them, or some of those in the folders of the layout.
    """
    if not listed:
        return []
    others = (name for name in names if name not in listed and not _BESIDE.fullmatch(_last(name)))
    if row.is_listed_whole:
        return sorted(others)
    return sorted(name for name in others if name.partition("/")[0] not in row.layout)


def other_set(row: Published, names: Collection[str]) -> Published | None:
    """The set that many of the files are named after, where it is another one."""
    names = [name for name in names if not _BESIDE.fullmatch(_last(name))]
    counts = {
        key: sum(bool(re.search(f"(^|/){one.file_names}", name.lower())) for name in names)
        for key, one in PUBLISHED.items()
    }
    likely = max(counts, key=lambda key: counts[key])
    is_clear = counts[likely] > _MANY_OF_THEM * len(names) and counts[likely] > counts[row.key]
    return PUBLISHED[likely] if is_clear else None


def _last(name: str) -> str:
    return PurePosixPath(name).name.lower()
