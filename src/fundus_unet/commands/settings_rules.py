"""Rules for one setting: what is expected, whether a value is that, and what to do where it is not."""

import errno
import math
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fundus_unet.core.errors import InputError, did_you_mean

LARGEST = 10**12
"""Above it, a number is a mistake: products of a few stay far below what 64 bits and floats can hold."""
KEY, TARGET = "KEY", "_target_"
LONGEST_TEXT = 4_000
LONGEST_LIST = 10_000


_FITS = object()


@dataclass(frozen=True)
class Rule:
    """What one setting may be.

    Args:
        expected: In words, where KEY stands for the setting's name.
        fits: A plain value (no configuration node)
        advise: What to do about one that does not fit, None where `expected` says it all.
        wrong_item: The entry of a list that does not fit, or `_FITS`.
    """

    expected: str
    fits: Callable[[Any], bool]
    advise: Callable[[Any], str | None] = lambda value: None
    wrong_item: Callable[[Any], Any] = lambda value: _FITS

    def check(self, value: Any, key: str) -> None:
        """Raise `InputError`, which names the key, where the value does not fit."""
        if self.fits(value):
            return
        got, item = f"{key}={shown(value)}", self.wrong_item(value)
        if item is not _FITS:
            got = f"{key}={shown(item)} in {got}"
        advice = self.advise(value)
        raise InputError(
            f"{key} cannot be used",
            expected=self.expected.replace(KEY, key),
            got=got,
            fix=advice and advice.replace(KEY, key),
        )


_LIKE_NO_TEXT = re.compile(r"\s*|[+-]?[\d._]+(e[+-]?\d+)?|true|false|null|none|nan|inf")


def shown(value: Any) -> str:
    """A value as a user would type it; a long one is cut."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, str) and re.fullmatch(
        r"\s*|[+-]?[\d._]+(e[+-]?\d+)?|true|false|null|none|nan|inf", text.lower()
    ):
        return repr(text)  # or it would look like a number
    return text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"


def integer(least: int, most: int = LARGEST) -> Rule:
    bounds = f"of at least {least}" if most == LARGEST else f"from {least} to {most}"
    return Rule(f"an integer {bounds}", lambda value: _is_number(value, int) and least <= value <= most)


def number(least: float, most: float = LARGEST) -> Rule:
    """A finite number, `least` and `most` included."""
    bounds = f"of at least {least:g}" if most == LARGEST else f"from {least:g} to {most:g}"
    return Rule(f"a number {bounds}", lambda value: _is_number(value, int | float) and least <= value <= most)


def above(bound: float) -> Rule:
    return Rule(
        f"a number above {bound:g}, up to {LARGEST:g}",
        lambda value: _is_number(value, int | float) and bound < value <= LARGEST,
    )


def flag() -> Rule:
    return Rule(f"{KEY}=true or {KEY}=false", lambda value: isinstance(value, bool))


def text() -> Rule:
    return Rule("a text", lambda value: isinstance(value, str) and len(value) <= LONGEST_TEXT, _advise_quotes)


def choice(options: Iterable[Any]) -> Rule:
    options = tuple(options)
    names = [str(option) for option in options]

    def fits(value: Any) -> bool:
        return any(value == option and type(value) is type(option) for option in options)

    def advise(value: Any) -> str | None:
        suggestion = did_you_mean(value, names) if isinstance(value, str) else ""
        return suggestion if suggestion.startswith("did you mean") else None  # `expected` lists them

    return Rule(_alternatives(names), fits, advise)


def node() -> Rule:
    """Settings that a class is made from."""
    return Rule(
        f"a group of settings with a {TARGET}",
        lambda value: isinstance(value, dict) and isinstance(value.get(TARGET), str),
    )


def optional(rule: Rule) -> Rule:
    return Rule(
        f"{rule.expected}, or null", lambda value: value is None or rule.fits(value), rule.advise, rule.wrong_item
    )


def either(*rules: Rule) -> Rule:
    def advise(value: Any) -> str | None:
        return next((advice for rule in rules if (advice := rule.advise(value))), None)

    def wrong_item(value: Any) -> Any:
        return next((item for rule in rules if (item := rule.wrong_item(value)) is not _FITS), _FITS)

    return Rule(
        " or ".join(rule.expected for rule in rules),
        lambda value: any(rule.fits(value) for rule in rules),
        advise,
        wrong_item,
    )


def list_of(rule: Rule, example: str, least: int = 0, most: int = LONGEST_LIST, distinct: bool = False) -> Rule:
    def fits(value: Any) -> bool:
        if not isinstance(value, list) or not least <= len(value) <= most or wrong_item(value) is not _FITS:
            return False
        return not distinct or all(item not in value[:number] for number, item in enumerate(value))

    def wrong_item(value: Any) -> Any:
        return next((item for item in value if not rule.fits(item)), _FITS) if isinstance(value, list) else _FITS

    def advise(value: Any) -> str | None:
        item = wrong_item(value)
        return None if item is _FITS else rule.advise(item)

    size = f"a list of {least}: {KEY}={example}" if least == most else f"a list: {KEY}=[...], such as {example}"
    several = ", all different" if distinct else ""
    return Rule(f"{size}{several}, each {rule.expected.replace(f'{KEY}=', '')}", fits, advise, wrong_item)


def path() -> Rule:
    """The name of a file or folder that may be there or not."""
    return Rule("a path", lambda value: path_problem(value) is None, path_problem)


def folder_to_write() -> Rule:
    """A folder that can be written into, or made."""
    return _writable("a folder to write into, or to make", lambda folder: folder)


def file_to_write() -> Rule:
    """A file in a folder that can be written into, or made."""
    return _writable("a file to write", lambda file: file.parent)


def _writable(expected: str, folder_of: Callable[[Path], Path]) -> Rule:
    def problem(value: Any) -> str | None:
        return path_problem(value, "written") or _writing_problem(folder_of(Path(value).expanduser()))

    return Rule(expected, lambda value: problem(value) is None, problem)


def path_problem(value: Any, used: str = "read") -> str | None:
    """Why a value cannot name a file or folder that is `used`, and what to do; None where it can."""
    if not isinstance(value, str) or not value.strip():
        return _advise_quotes(value) or "give the path of a file or folder"
    try:
        os.stat(Path(value).expanduser())
    except (ValueError, RuntimeError) as error:  # a NUL, a lone surrogate; `~` of somebody who is not here
        return f"choose another path; this one cannot be {used}: {error}"
    except OSError as error:
        if error.errno == errno.ENOTDIR:
            above = _nearest(Path(value).expanduser())
            return f"choose another path; below {above}, which is a file, it cannot be {used}"
        if error.errno != errno.ENOENT:
            return f"choose another path, or its permissions; this one cannot be {used}: {error.strerror}"
    return None


def _writing_problem(folder: Path) -> str | None:
    nearest = _nearest(folder)
    if not nearest.is_dir():
        return f"choose another path; it cannot be written, since {nearest} is no folder"
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"choose another path, or permissions; it cannot be written, since {nearest} lets nobody write"
    return None


def _nearest(place: Path) -> Path:
    """The path itself, or the nearest above it that is there."""
    return next((part for part in (place, *place.absolute().parents) if os.path.lexists(part)), Path(os.sep))


def _advise_quotes(value: Any) -> str | None:
    if isinstance(value, bool | int | float):
        return f"a name that looks like a number or like true needs two pairs of quotes: {KEY}='\"2024\"'"
    return None


def _is_number(value: Any, kinds: Any) -> bool:
    """A finite one; true and false are none."""
    if not isinstance(value, kinds) or isinstance(value, bool):
        return False
    return isinstance(value, int) or math.isfinite(value)


def _alternatives(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
