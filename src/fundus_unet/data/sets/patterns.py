"""File patterns: which files `images/*.png` names, and what its `*` stand for.

`*` stands for anything within a name, `**/` for any folders or none, and `?` for one character. Case does not matter,
since sets mix `.jpg` and `.JPG`. No regular expressions: a pattern may come with a stranger's run, and this one is
matched in a time that grows with its length alone.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.decoding import SUFFIXES
from fundus_unet.data.sets.locate import list_folder

MOST_ENTRIES = 200_000
"""Of folders that one pattern may look at."""
DEEP = "**"
PACKED = ".gz"


@dataclass(frozen=True)
class Found:
    """An image file, and what the wildcards of its pattern stand for: `*` and, apart from them, `**`."""

    path: Path
    wild: tuple[str, ...] = ()
    deep: tuple[str, ...] = ()


def is_pattern(text: str) -> bool:
    """Whether the text has a wildcard; otherwise it names a folder."""
    return "*" in text or "?" in text


def matched(pattern: str, name: str) -> tuple[str, ...] | None:
    """What each `*` of the pattern stands for in a name, the first as short as can be; None where it does not fit."""
    literals, text = pattern.lower().split("*"), name.lower()
    if len(text) != len(name):  # a few letters change their length
        text = name
    if len(literals) == 1:
        return () if len(text) == len(literals[0]) and _fits(literals[0], text, 0) else None
    position, end = len(literals[0]), len(text) - len(literals[-1])
    if position > end or not _fits(literals[0], text, 0) or not _fits(literals[-1], text, end):
        return None
    captured = []
    for literal in literals[1:-1]:
        at = next((at for at in range(position, end - len(literal) + 1) if _fits(literal, text, at)), None)
        if at is None:
            return None
        captured.append(name[position:at])
        position = at + len(literal)
    return (*captured, name[position:end])


def stem_of(name: str) -> str:
    """The name without its ending, and without that of a packed file: `im0001.ah.ppm.gz` -> `im0001.ah`."""
    name = name[: -len(PACKED)] if name.lower().endswith(PACKED) else name
    return name.rpartition(".")[0] or name


def image_files(base: Path, named: str) -> list[Found]:
    """The image files of a folder or a pattern below `base`, in sorted order; none where there are none.

    Files of other formats and hidden ones are passed over. Folders that are links are not entered by `**`.

    Args:
        named: Absolute, or relative to `base`, whose own name is taken literally.

    Raises:
        InputError: For a pattern that looks at too many files, or a folder that cannot be listed.
    """
    try:
        expanded = Path(named).expanduser()
    except RuntimeError as error:  # `~` of somebody who is not here
        raise InputError(f"the folder {named} cannot be read", got=error, fix="name it without ~") from error
    place = base / expanded
    if not is_pattern(named):
        return [Found(place / name, (stem_of(name),)) for name in list_folder(place) if _is_image(place, name)]
    start, parts = (Path(expanded.anchor), expanded.parts[1:]) if expanded.is_absolute() else (base, expanded.parts)
    first = next(index for index, part in enumerate(parts) if is_pattern(part))
    budget = iter(range(MOST_ENTRIES))
    found = list(_below(start.joinpath(*parts[:first]), list(parts[first:]), (), (), budget, place))
    unique = {one.path: one for one in reversed(found)}  # `**/**/` reaches a file in several ways
    return [unique[path] for path in sorted(unique)]


def _below(
    folder: Path, parts: list[str], wild: tuple[str, ...], deep: tuple[str, ...], budget: Iterator[int], place: Path
) -> Iterator[Found]:
    part, rest = parts[0], parts[1:]
    if part == DEEP:
        if not rest:
            rest = ["*"]
        yield from _below(folder, rest, wild, (*deep, ""), budget, place)
    for name in list_folder(folder):
        if next(budget, None) is None:
            raise InputError(
                f"the pattern {place} looks at too many files",
                expected=f"at most {MOST_ENTRIES:,}",
                fix="name the folders above the images in it",
            )
        path = folder / name
        if name.startswith("."):
            continue
        if part == DEEP:
            if os.path.isdir(path) and not path.is_symlink():
                yield from _deeper(path, parts, wild, deep, budget, place)
        elif rest and (captured := matched(part, name)) is not None and os.path.isdir(path):
            yield from _below(path, rest, (*wild, *captured), deep, budget, place)
        elif not rest and (captured := _matched_file(part, name)) is not None and _is_image(folder, name):
            yield Found(path, (*wild, *captured), deep)


def _deeper(
    path: Path, parts: list[str], wild: tuple[str, ...], deep: tuple[str, ...], budget: Iterator[int], place: Path
) -> Iterator[Found]:
    """Below a folder that `**` takes in: its name goes in front of those that `**` takes in below."""
    for one in _below(path, parts, wild, deep, budget, place):
        at = len(deep)
        inside = "/".join(filter(None, (path.name, one.deep[at])))
        yield Found(one.path, one.wild, (*one.deep[:at], inside, *one.deep[at + 1 :]))


def _matched_file(part: str, name: str) -> tuple[str, ...] | None:
    """As `matched`, for a file: `eye*.*` and a last `*` leave the ending out."""
    if part.endswith(".*"):
        return matched(part[:-2], stem_of(name))
    captured = matched(part, name)
    return (*captured[:-1], stem_of(captured[-1])) if captured and part.endswith("*") else captured


def _is_image(folder: Path, name: str) -> bool:
    plain = name[: -len(PACKED)] if name.lower().endswith(PACKED) else name
    is_named_so = not name.startswith(".") and os.path.splitext(plain)[1].lower() in SUFFIXES
    return is_named_so and os.path.isfile(folder / name)


def _fits(literal: str, text: str, at: int) -> bool:
    """Whether the text has the literal at a place; `?` is any character."""
    if "?" not in literal:
        return text.startswith(literal, at)
    return all(one in ("?", text[at + index]) for index, one in enumerate(literal))
