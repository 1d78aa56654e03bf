"""Check a data set: what is wrong with it on the terminal and in a report, and one figure to look it over."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.commands.config_files import group_options
from fundus_unet.commands.data_check_place import Checked, check_ours
from fundus_unet.commands.data_check_text import plural, report_lines
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import remove_partial_files, write_bytes, write_json, write_text
from fundus_unet.core.invocation import command, from_here
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.checking.check import SPLITS
from fundus_unet.data.checking.files import missing_findings, read_files
from fundus_unet.data.checking.reduced import reduce_case
from fundus_unet.data.checking.report import Report
from fundus_unet.drawing.contact_sheet import MOST, Tile, contact_sheet
from fundus_unet.drawing.png import png_bytes
from fundus_unet.runs.build import build
from fundus_unet.runs.data_check import check_data_set
from fundus_unet.runs.data_splits import whole_splits_of

FAULTY = 1
"""The exit code where training would be wrong."""
REPORT, TEXT, FIGURE = "report.json", "report.txt", "contact_sheet.png"
FEW = 5
"""Findings of a kind that are told on the terminal; the report has all."""


def check_data_from_config(config: DictConfig) -> Report:
    """Entry of the command `data check`; returns what was found, and exits with 1 where training would be wrong.

    Raises:
        InputError: Where no set is named, its files are not there, or the report cannot be written.
    """
    if config.get("data") is None:
        raise InputError(
            "which data set?",
            expected=f"one of {', '.join(group_options('data'))}",
            fix=f"name it: {command('data check', 'chasedb1')}",
        )
    checked = Checked.of(str(HydraConfig.get().runtime.choices["data"]), config.data)
    folder = Path(config.out_dir).expanduser() / checked.folder_name
    check_ours(folder, (REPORT, TEXT, FIGURE), REPORT, checked)
    console = Console()
    splits, missing = whole_splits_of(config.data, trusted=True)
    report = check_data_set(build(config.data.source, trusted=True), splits, console).and_also(
        missing_findings(missing)
    )
    name = str(checked)
    try:
        remove_partial_files(folder)
        write_json(folder / REPORT, checked.as_dict() | report.as_dict())
        write_text(folder / TEXT, "\n".join(report_lines(name, report, splits)) + "\n")
        write_bytes(folder / FIGURE, png_bytes(_figure(name, report, splits), colours=None, optimize=False))
    except OSError as error:
        raise InputError(
            f"the report cannot be written to {folder}: {error.strerror or error}",
            fix="choose another out_dir, or make room on its disk",
        ) from error
    lines = report_lines(name, report, splits, most=FEW)
    for line in (*lines, f"report    {from_here(folder / TEXT)}", f"figure    {from_here(folder / FIGURE)}"):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    if report.errors:
        sys.exit(FAULTY)
    return report


def _figure(name: str, report: Report, splits: Splits) -> np.ndarray:
    kinds: dict[str, list[str]] = {}
    for finding in report.findings:
        for case in finding.cases:
            kinds.setdefault(case, []).append(finding.kind)
    tiles = list(_tiles(report, splits, kinds))
    title = f"{name}: {len(tiles)} of {len(report.images)} images" if len(tiles) < len(report.images) else name
    return contact_sheet(
        tiles, f"{title}, {plural(len(report.errors), 'error')}, {plural(len(report.warnings), 'warning')}"
    )


def _tiles(report: Report, splits: Splits, kinds: dict[str, list[str]]) -> Iterator[Tile]:
    """Of images with findings first, in the order of the findings."""
    cases: dict[str, Case] = {case.name: case for split in SPLITS for case in getattr(splits, split)}
    order = {name: number for number, name in enumerate(kinds)}
    shown = sorted(report.images, key=lambda image: order.get(image.name, len(order)))[:MOST]
    for image in shown:
        files = read_files(cases[image.name], label_needed=False)
        reduced = None if files.image is None else reduce_case(files)
        note = ", ".join(dict.fromkeys(kinds.get(image.name, [])))
        if not note and image.vessel_fraction is not None:
            note = f"{image.vessel_fraction:.1%} vessel"
        yield Tile(
            image.name,
            image.split,
            None if reduced is None else reduced.image,
            None if reduced is None or reduced.label is None else reduced.label >= 0.5,
            note or "no label",
            image.name in kinds,
        )
