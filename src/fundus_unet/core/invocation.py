"""The project's commands as they are typed: those printed run as pasted, those recorded run on any machine."""

import itertools
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path

PROGRAM = "fundus-unet"
SCRIPTS = {
    "explain": "explain_upsampling",
    "data get": "prepare_data",
    "data check": "check_data",
    "compare datasets": "cross_dataset",
}
"""Scripts that are called otherwise than their command."""
_running, _since = "", time.perf_counter()
_instead: dict[str, list[str]] = {}


def command(name: str, *arguments: str) -> str:
    """A command that runs where this one was given: with the script or the installed program that is running now.

    Args:
        name: The words after `fundus-unet`: `train`, `compare accuracy`.
        arguments: What follows, unquoted.
    """
    return " ".join([*map(shlex.quote, _program(name)), *map(shlex.quote, arguments)])


def set_running(name: str) -> None:
    """Say which command this process runs, for what is recorded."""
    global _running, _since
    _running, _since = name, time.perf_counter()
    _instead.clear()


def running() -> str:
    """The command that this process runs, in words."""
    return _running


def record_instead(key: str, settings: Iterable[str]) -> None:
    """Record these settings in place of the typed one, which would mean something else on another machine."""
    _instead[key] = list(settings)


def record_as_typed(key: str) -> None:
    """Undo `record_instead`: what is recorded from here on is of the command itself, not of one of its trainings."""
    _instead.pop(key, None)


def running_seconds() -> float:
    """How long this process has been running its command; what it loaded before is little."""
    return time.perf_counter() - _since


def recorded() -> list[str]:
    """The command that runs now, for another person to repeat: without the places and the speed of this machine."""
    arguments = [item for item in sys.argv[1:] if not item.startswith("paths.")]
    kept = [item for item in arguments if item.lstrip("+").partition("=")[0] not in _instead]
    return [PROGRAM, *_running.split(), *kept, *itertools.chain(*_instead.values())]


def script_name(name: str) -> str:
    """The file in scripts/, without its suffix, of the command `name`."""
    return SCRIPTS.get(name, name.replace(" ", "_"))


def lines_of(name: str, *arguments: str) -> str:
    """`command` over several lines, one argument on each, so that long paths do not make it wide; runs as pasted."""
    return " \\\n  ".join([command(name), *map(shlex.quote, arguments)])


def setting(key: str, value: object) -> str:
    """`KEY=VALUE` as Hydra reads it: with quotes where the value has signs of Hydra's grammar."""
    text = str(value)
    if re.fullmatch(r"[A-Za-z0-9_./+-]*[A-Za-z/][A-Za-z0-9_./+-]*", text):
        return f"{key}={text}"
    return f"{key}={hydra_quoted(text)}"


def hydra_quoted(text: str) -> str:
    """The text in quotes, as Hydra's grammar reads it.

    A backslash is plain there but before a quote, and `${` would name another setting.
    """
    escaped = re.sub(r'(\\*)("|$)', lambda end: 2 * end[1] + ('\\"' if end[2] else ""), text)
    return '"' + escaped.replace("${", "\\${") + '"'


def from_here(path: str | Path) -> str:
    """A path as it is typed here: relative to the working directory where it is below, else absolute."""
    absolute, here = os.path.abspath(path), os.getcwd()
    return os.path.relpath(absolute, here) if Path(absolute).is_relative_to(here) else absolute


def installed(name: str) -> str:
    """How a program that came with this Python is typed here."""
    program = Path(sys.executable).with_name(name)
    return shlex.quote(_typed(str(program), name) if program.is_file() else name)


def _program(name: str) -> list[str]:
    running = Path(sys.argv[0]) if sys.argv else Path()
    if running.suffix == ".py" and running.parent.name == "scripts":
        return [_typed(sys.executable, "python"), str(running.with_name(f"{script_name(name)}.py"))]
    if running.name == PROGRAM:
        return [_typed(str(running), PROGRAM), *name.split()]
    return [PROGRAM, *name.split()]


def _typed(program: str, name: str) -> str:
    """The bare name where a shell finds that very program under it; else its path, from here if it is below."""
    found = shutil.which(name)
    if found and os.path.abspath(found) == os.path.abspath(program):
        return name
    return from_here(program)
