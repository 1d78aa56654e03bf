"""The check of a data set before a first training on it; what it found is kept by content, so that it is done once."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console
from rich.progress import track

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import open_regular, read_bytes, remove_partial_files, write_json
from fundus_unet.core.invocation import command
from fundus_unet.core.plain_text import printable
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.checking.check import check_splits_for_faults
from fundus_unet.data.checking.finding import ERROR, Finding, listed
from fundus_unet.data.checking.report import CHECK_VERSION, Report
from fundus_unet.data.checking.split_check import FILE_KINDS, check_usable
from fundus_unet.data.checking.vessel_fraction import Range
from fundus_unet.data.sets.folder import Folder
from fundus_unet.data.sets.mixture import Mixture
from fundus_unet.runs.build import build

CHECKS = ".data_checks"
"""The folder in `paths.runs_dir`: one file for each content of a set."""
_FILES = ("image", "label", "mask", "second_label")
_LARGEST = 2**26
_OF_DATA = ("data.", "paths.data_dir=")
_FEW = 3
_THREADS = 4


def check_command(choices: Mapping[str, Any], overrides: Sequence[str]) -> str:
    """The command that checks the data of a training, whose choices and overrides these are."""
    of_data = [item for item in overrides if item.startswith(_OF_DATA)]
    return command("data check", f"data={choices.get('data')}", *of_data)


def check_before_training(config: DictConfig, splits: Splits, console: Console, told_by: str) -> list[str]:
    """Check the data of a new run, its files too, unless the same in the same splits were checked before.

    Args:
        told_by: The command that tells more.

    Returns:
        The faults with which it is trained nevertheless.

    Raises:
        InputError: That lists the files that cannot be used; or, where `data_check` is `error`, all faults with which
            training would be wrong.
    """
    source = build(config.data.source, trusted=True)
    path = Path(config.paths.runs_dir).expanduser() / CHECKS / f"{_key(source, splits)}.json"
    findings, report = _kept(path), None
    if findings is None:
        report = check_data_set(source, splits, console)
        findings = list(report.findings)
    errors = [one for one in findings if one.severity == ERROR]
    if config.data_check != "error" or all(one.kind in FILE_KINDS for one in errors):
        check_usable(errors)
    if errors and config.data_check == "error":
        raise _faults(errors, told_by)
    if report is not None:
        with suppress(OSError):  # it is only checked again then
            remove_partial_files(path.parent)
            write_json(path, report.as_dict())
    _say(errors if report is None else findings, console, told_by)
    return [one.message for one in errors]


def check_data_set(source: Any, splits: Splits, console: Console) -> Report:
    """The whole check, with a progress bar on a terminal.

    Args:
        source: The data set that the splits are of, which knows its vessel fractions.
    """
    bar = partial(track, description="checking data", console=console, transient=True, disable=not console.is_terminal)
    return check_splits_for_faults(
        splits,
        known_fraction(source),
        official=_is_official(source),
        track=bar,
        threads=min(_THREADS, os.cpu_count() or 1),
    )


def known_fraction(source: Any) -> Callable[[Case], Range | None]:
    """The range of vessel fractions that the set of a case is known to have, where its class says one."""
    if not isinstance(source, Mixture):
        known = getattr(source, "vessel_fraction", None)
        return lambda case: known
    # the longest name first, since one may begin another
    of_sets = {f"{name}_": known_fraction(source.sets[name].source) for name in sorted(source.sets, key=len)[::-1]}
    return lambda case: next((known(case) for start, known in of_sets.items() if case.name.startswith(start)), None)


def _is_official(source: Any) -> bool:
    """Whether splits are those of public sets, which everybody uses, and not the user's."""
    if isinstance(source, Mixture):
        return all(_is_official(mixed.source) for mixed in source.sets.values())
    return not isinstance(source, Folder)


def _key(source: Any, splits: Splits) -> str:
    """A number of what the findings depend on: the content of every file, the splits, and how they are checked."""
    known = known_fraction(source)
    members = [
        [split, case.name, case.subject, case.group, known(case), *(_digest(getattr(case, kind)) for kind in _FILES)]
        for split in ("train", "val", "test")
        for case in getattr(splits, split)
    ]
    return hashlib.sha256(json.dumps([CHECK_VERSION, _is_official(source), members]).encode()).hexdigest()


def _digest(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return f"unreadable: {path}"


def _kept(path: Path) -> list[Finding] | None:
    """The findings of an earlier check; None where there was none, or its file is damaged."""
    try:
        saved = json.loads(read_bytes(path, _LARGEST))
        return [Finding.from_dict(one) for one in saved["findings"]]
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None


def _faults(errors: list[Finding], told_by: str) -> InputError:
    faults = "a fault" if len(errors) == 1 else f"{len(errors)} faults"
    return InputError(
        f"the data set has {faults} with which training would be wrong; nothing was trained",
        got=listed(errors),
        fix=f"look at the figure of {told_by}"
        + ("" if any(one.kind in FILE_KINDS for one in errors) else "; data_check=warn trains nevertheless"),
    )


def _say(findings: list[Finding], console: Console, told_by: str) -> None:
    shown = findings if len(findings) <= _FEW else findings[: _FEW - 1]
    lines = [f"{one.severity} in the data: {one.message}" for one in shown]
    if len(shown) < len(findings):
        lines.append(f"and {len(findings) - len(shown)} more; all are listed by {told_by}")
    for line in lines:
        console.print(printable(line), style="yellow", markup=False, soft_wrap=True, highlight=False)
