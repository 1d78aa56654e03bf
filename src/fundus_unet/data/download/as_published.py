"""Whether what came is the set as it was published, whole and alone."""

from collections.abc import Callable, Sequence
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.data.download.addresses import Published
from fundus_unet.data.download.bad_archive import BadArchiveError
from fundus_unet.data.download.belonging import other_set, strangers
from fundus_unet.data.download.checksums import differences, published, told
from fundus_unet.data.download.get_command import get_command

FEW = 3
"""Files that are told of what is no copy of the set."""


def compare(row: Published, whole: Path, check: Callable[[Path], None], given: Sequence[str], data_dir: Path) -> int:
    """Give how many files were compared with sums that come with the project.

    Args:
        check: Raises `InputError` where a folder is not the whole set.
        given: What the user named in place of the table's addresses.
        data_dir: Where the set is to come, for what is advised.

    Raises:
        BadArchiveError: That names a few of the files that are missing, damaged or not of the set.
    """
    sums = published(row.folder)
    names = [path.relative_to(whole).as_posix() for path in sorted(whole.rglob("*")) if path.is_file()]

    def refused(got: str) -> BadArchiveError:
        fix = _advice(row, names, given, data_dir)
        return BadArchiveError(f"what came is not {row.name} as it was published", got=got, fix=fix)

    found = differences(whole, sums)
    if found:
        raise refused(told(found, FEW))
    others = strangers(row, names, sums)
    if others:
        other = other_set(row, others)
        raise BadArchiveError(
            f"more came than {row.name}",
            got=told([f"{name}: not of the set" for name in others], FEW),
            fix=f"give the files of {row.name} alone" + (f"; these look like {other.name}" if other else ""),
        )
    try:
        check(whole)
    except InputError as error:
        raise refused(error.problem.replace(str(whole), "what came")) from error
    return len(sums)


def in_words(compared: int, recorded: int, archives_are_known: bool) -> str:
    """What was compared, in a line.

    Args:
        recorded: Files whose sums are not published.
        archives_are_known: Whether all archives were compared with published sums.
    """
    count = compared + recorded
    if archives_are_known and recorded:
        return f"verified {count} files: they came in archives with the published sums"
    if not compared:
        return f"{count} files; no sums are published, so theirs were recorded now and are compared from here on"
    if not recorded:
        return f"verified {count} files: {compared} with the published sums"
    return f"verified {compared} of {count} files with the published sums; those of {recorded} were recorded now"


def _advice(row: Published, names: Sequence[str], given: Sequence[str], data_dir: Path) -> str | None:
    other = other_set(row, names)
    if other is not None and given:
        return f"it looks like {other.name}: {get_command(other, data_dir, given if len(given) == 1 else ['PATH'])}"
    if len(given) < len(row.parts):
        return f"give all parts: {get_command(row, data_dir)}"
    return f"give the whole set, and nothing else, as it is published: {row.where}" if given else None
