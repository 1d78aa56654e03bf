"""One table of all runs below a folder: the settings that differ, scores and time."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.commands.run_summary import DAMAGED, RunSummary, summary_of
from fundus_unet.commands.summary_table import columns, csv_rows, summary_tables
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import csv_line, read_bytes, write_csv
from fundus_unet.core.invocation import from_here
from fundus_unet.core.plain_text import printable
from fundus_unet.runs.run_directory import CONFIG, FACTS, SESSIONS, THRESHOLD

SIGNS = {CONFIG, FACTS, SESSIONS, THRESHOLD}
"""Files by which a folder is taken for a run, whole or not."""
LARGEST = 2**28  # bytes


def summarize_from_config(config: DictConfig) -> list[dict[str, Any]]:
    """Entry of the command `summarize`; returns the rows of the CSV file.

    Raises:
        InputError: Where there is no such folder or no run in it, or another file is where the table goes.
    """
    folder = Path(config.dir).expanduser()
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", fix="name a folder that holds runs: dir=runs/multirun")
    runs = list(_runs_below(folder))
    if not runs:
        raise InputError(f"there is no run below {folder}", expected=f"folders with a {CONFIG}, as training makes them")
    rows = csv_rows(runs)
    path = None if config.path is None else Path(config.path).expanduser()
    if path is not None:
        _check_own(path)
    console = Console()
    for part in summary_tables(runs):
        console.print(part, soft_wrap=isinstance(part, str), highlight=False, markup=False)
    if path is not None:
        write_csv(path, rows)
        console.print(f"written to {from_here(path)}", soft_wrap=True, highlight=False, markup=False)
    return rows


def _runs_below(folder: Path) -> Iterator[RunSummary]:
    """By name; links are not followed, and runs not looked into. A folder that cannot be read is a row too."""
    unreadable: list[OSError] = []
    for path, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if not SIGNS.isdisjoint(files):
            folders.clear()
            yield summary_of(Path(path), _name(path, folder))
    for error in unreadable:
        yield RunSummary(_name(os.fsdecode(error.filename), folder), DAMAGED, problem=error.strerror or str(error))


def _name(path: str, folder: Path) -> str:
    below = os.path.relpath(path, folder)
    return printable(folder.resolve().name if below == os.curdir else below)


def _check_own(path: Path) -> None:
    """Raise `InputError` where a file that is no earlier table would be replaced."""
    if not os.path.lexists(path):
        return
    try:
        first = read_bytes(path, LARGEST).decode(errors="replace").partition("\n")[0]
    except OSError as error:
        raise InputError(f"{path} cannot be replaced: {error.strerror or error}", fix="choose another path") from error
    if not first.startswith(csv_line(columns())):
        raise InputError(
            f"{path} is there, and is no table of this command; it was not changed",
            fix="choose another path=FILE.csv, or path=null for no file",
        )
