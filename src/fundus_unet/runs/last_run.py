"""The run that `last` means: the newest, by the start that runs record."""

import os
from collections.abc import Iterator
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.core.interruption import is_started_by_another
from fundus_unet.core.invocation import command, from_here
from fundus_unet.runs.json_files import read_facts
from fundus_unet.runs.run_directory import CONFIG, FACTS, THRESHOLD

LAST = "last"


def named_run(setting: str, given: str, runs_dir: str, *, finished: bool = True) -> str:
    """The run directory that a user means: a path as it is; for `last` the newest run below `runs_dir`, which is told.

    Args:
        setting: The name of the setting, for what is told.
        finished: Whether `last` has to be a finished run.

    Raises:
        InputError: For `last` where there is no such run.
    """
    if given != LAST:
        return given
    runs = sorted(_runs_below(Path(runs_dir).expanduser()), key=_start)
    usable = [run for run in runs if not finished or (run / THRESHOLD).is_file()]
    if not usable:
        kind = "finished run" if runs else "run"
        raise InputError(
            f"there is no {kind} for {setting}={LAST}",
            expected=f"a {kind} below {runs_dir} (paths.runs_dir), which says when it was started",
            got=f"{len(runs)} that {'is' if len(runs) == 1 else 'are'} not finished" if runs else "none",
            fix=f"name a run directory, or continue the newest: {command('train', 'resume=last')}"
            if runs
            else "name a run directory, or train one",
        )
    if not is_started_by_another():
        newer = f" ({from_here(runs[-1])} is newer, and not finished)" if usable[-1] != runs[-1] else ""
        print(f"{setting}={LAST} is {from_here(usable[-1])}{newer}")
    return str(usable[-1])


def _runs_below(folder: Path) -> Iterator[Path]:
    """Run directories that say when they were started; links are not followed, and runs not looked into."""
    for path, folders, files in os.walk(folder):
        if CONFIG in files:
            folders.clear()
            if _created(Path(path)):
                yield Path(path)


def _start(run: Path) -> tuple[str, int]:
    """The start to the second, as the run records it; within one, as the disk does."""
    return _created(run), (run / FACTS).stat().st_mtime_ns


def _created(run: Path) -> str:
    try:
        return read_facts(run / FACTS).get("created") or ""
    except InputError:
        return ""  # who names it is told that it is damaged
