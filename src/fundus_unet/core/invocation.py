"""The project's commands as they are typed: those printed run as pasted, those recorded run on any machine."""

import os
import shlex
import shutil
import sys
from pathlib import Path

PROGRAM = "fundus-unet"
_running = ""


def command(name: str, *arguments: str) -> str:
    """A command that runs where this one was given: with the script or the installed program that is running now.

    Args:
        name: The words after `fundus-unet`: `train`, `compare accuracy`.
        arguments: What follows, unquoted.
    """
    return " ".join([*map(shlex.quote, _program(name)), *map(shlex.quote, arguments)])


def set_running(name: str) -> None:
    """Say which command this process runs, for what is recorded."""
    global _running
    _running = name


def recorded() -> list[str]:
    """The command that runs now, for another person to repeat: without the places of this machine."""
    arguments = (item for item in sys.argv[1:] if not item.startswith("paths."))
    return [PROGRAM, *_running.split(), *arguments]


def script_name(name: str) -> str:
    """The file in scripts/, without its suffix, of the command `name`."""
    return "explain_upsampling" if name == "explain" else name.replace(" ", "_")


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
    path = os.path.abspath(program)
    here = os.getcwd() + os.sep
    return path.removeprefix(here)
