"""The JSON files of a run, which may come from a stranger: read within bounds, each value of its kind."""

import json
import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from fundus_unet.core.duration import seconds_of
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes
from fundus_unet.metrics.masks import Hysteresis
from fundus_unet.runs.allowed_config import NAME

_HYSTERESIS = {field.name for field in fields(Hysteresis)}
MOST_BYTES, MOST_ITEMS, LONGEST_TEXT, MOST_DEPTH = 4_000_000, 10_000, 10_000, 10


def read_facts(path: Path) -> dict[str, Any]:
    """What run.json says; nothing where there is none, as in runs of others that passed on weights alone.

    Raises:
        InputError: Which names the file, where it is damaged.
    """
    facts = _read(path) if _is_there(path) else {}
    for name, (fits, expected) in _FACTS.items():
        if facts.get(name) is not None and not fits(facts[name]):
            raise _damaged(path, f"{name}: {expected}", f"{facts[name]!r:.200}")
    return facts


def read_sessions(path: Path) -> list[dict[str, Any]]:
    """The sessions in training.json; none where there is no such file.

    Raises:
        InputError: Which names the file, where it is damaged.
    """
    if not _is_there(path):
        return []
    sessions = _read(path).get("sessions")
    if not isinstance(sessions, list) or not all(map(_is_session, sessions)):
        raise _damaged(path, "sessions, each with its seconds, steps and end", f"{sessions!r:.200}")
    return sessions


def read_threshold(path: Path) -> float:
    """The threshold in threshold.json.

    Raises:
        InputError: Which names the file, where it is damaged or not there.
    """
    threshold = _read(path).get("threshold")
    if not _is_number(threshold) or not 0 <= threshold <= 1:  # type: ignore[operator]
        raise _damaged(path, '{"threshold": a number from 0 to 1}', f"threshold={threshold!r:.200}")
    return float(threshold)  # type: ignore[arg-type]


def read_hysteresis(path: Path) -> Hysteresis | None:
    """The hysteresis in threshold.json; None in runs of before.

    Raises:
        InputError: Which names the file, where it is damaged or not there.
    """
    found = _read(path).get("hysteresis")
    if found is None:
        return None
    if not isinstance(found, dict) or found.keys() != _HYSTERESIS or not all(map(_is_number, found.values())):
        raise _damaged(path, f"hysteresis: numbers {', '.join(sorted(_HYSTERESIS))}", f"{found!r:.200}")
    try:
        return Hysteresis(**{name: float(value) for name, value in found.items()})
    except InputError as error:
        raise _damaged(path, "a hysteresis that can be", error.one_line) from error


def read_budget(path: Path) -> dict[str, Any]:
    """What was measured and chosen for the trainings of a comparison.

    Raises:
        InputError: Which names the file, where it is damaged.
    """
    kept = _read(path)
    if not _is_budget(kept):
        raise _damaged(path, "what a comparison with a budget wrote", f"{kept!r:.200}")
    return kept


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_bytes(path, MOST_BYTES), parse_constant=_refuse)
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, "values by name in JSON", str(error)[:300] or type(error).__name__) from error
    if not isinstance(found, dict) or not _is_plain(found):
        raise _damaged(path, "plain values by name", f"{found!r:.100}" if not isinstance(found, dict) else "others")
    return found


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _is_there(path: Path) -> bool:
    try:
        return path.exists() or path.is_symlink()
    except OSError:
        return True


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Bounded in every way, so that it can be printed and written again."""
    if isinstance(value, dict):
        fits = depth < MOST_DEPTH and len(value) <= MOST_ITEMS and all(len(key) <= LONGEST_TEXT for key in value)
        return fits and all(_is_plain(item, depth + 1) for item in value.values())
    if isinstance(value, list):
        return depth < MOST_DEPTH and len(value) <= MOST_ITEMS and all(_is_plain(item, depth + 1) for item in value)
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return value is None or isinstance(value, bool) or _is_number(value)


def _is_number(value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return (whole and abs(value) < 2**63) or (isinstance(value, float) and math.isfinite(value))


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_session(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("ended"), str):
        return False
    return all(_is_count(value.get(name)) for name in ("wall_seconds", "processor_seconds", "steps"))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _choices(value: Any) -> bool:
    """Names that files and tables are called after; a group that is switched off has none."""
    return isinstance(value, dict) and all(
        item is None or (isinstance(item, str) and NAME.fullmatch(item)) for item in value.values()
    )


def _environment(value: Any) -> bool:
    return isinstance(value, dict) and (value.get("commit") is None or _is_text(value["commit"]))


def _is_budget(value: Any) -> bool:
    if not isinstance(value, dict) or not all(_is_number(value.get(name)) for name in _MEASURED):
        return False
    try:
        seconds_of(str(value.get("budget")))
    except ValueError:
        return False
    return all(isinstance(value[name], int) and value[name] > 0 for name in _COUNTS)


def _is_start(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_text(value.get(name)) for name in ("weights", "fingerprint"))


_COUNTS = ("steps", "epochs", "steps_per_epoch")
_MEASURED = ("seconds_per_step", "seconds_per_validation", *_COUNTS)


_FACTS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "created": (_is_text, "a time"),
    "overrides": (_texts, "a list of texts"),
    "choices": (_choices, "plain names by group"),
    "command": (_texts, "a list of texts"),
    "environment": (_environment, "values by name"),
    "budget": (_is_budget, "what was measured and chosen, by name"),
    "start_from": (_is_start, "where the weights came from, by name"),
}


def _damaged(path: Path, expected: str, got: str) -> InputError:
    return InputError(f"{path} is damaged", expected=expected, got=got, fix="use a run directory as training made it")
