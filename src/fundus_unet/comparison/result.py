"""What every comparison leaves: a file of all numbers (`KIND.json`), the same as tables (`KIND.md`), and rows (CSV)."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from fundus_unet.comparison.document import Document, to_markdown
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import write_csv, write_json, write_text
from fundus_unet.core.invocation import recorded
from fundus_unet.runs.environment import environment


def new_result(kind: str) -> dict[str, Any]:
    """What a result begins with: its kind, and when, how and on what it was measured."""
    return {
        "kind": kind,
        "created": datetime.datetime.now().isoformat(timespec="seconds"),
        "command": recorded(),
        "environment": environment(),
    }


def make_folder(folder: Path) -> None:
    """Raise `InputError` where the folder of a comparison cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"out_dir cannot be made: {error}", fix="choose another out_dir") from error


def write_result(
    folder: Path,
    result: Mapping[str, Any],
    document: Document,
    rows: Sequence[dict[str, Any]] = (),
    rows_name: str = "",
) -> list[Path]:
    """Write the files of a comparison, `rows` as `rows_name`; returns their paths."""
    names = [f"{result['kind']}.json", f"{result['kind']}.md", *([rows_name] if rows_name else [])]
    paths = [folder / name for name in names]
    write_json(paths[0], result)
    write_text(paths[1], to_markdown(document))
    if rows_name:
        write_csv(paths[2], rows)
    return paths


def say_written(console: Console, paths: Sequence[Path]) -> None:
    """One line per file."""
    for path in paths:
        console.print(f"wrote {path}", soft_wrap=True, highlight=False, markup=False)
