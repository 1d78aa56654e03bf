"""Score every network on every set: datasets.json, datasets.md, datasets_per_image.csv and heatmap.png."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from fundus_unet.comparison.datasets.cells import ANGLE, Conditions, is_kept, score_cell
from fundus_unet.comparison.datasets.heat_map import heat_map
from fundus_unet.comparison.datasets.image_sets import Column, ImageSet, column_of
from fundus_unet.comparison.datasets.networks import Failure, Network
from fundus_unet.comparison.datasets.tables import (
    datasets_document,
    diameter_line,
    how_to_read,
    image_lines,
    matrix,
    note_lines,
)
from fundus_unet.comparison.result import new_result, say_written, write_result
from fundus_unet.comparison.steps import Steps
from fundus_unet.comparison.terminal import print_table
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import remove_partial_files, write_bytes
from fundus_unet.drawing.png import png_bytes
from fundus_unet.inference.evaluation import NETWORK, SECOND_OBSERVER, Evaluation
from fundus_unet.metrics.registry import METRICS

HEAT_MAP = "heatmap.png"
KEPT = "scored_images"
PRINTED = ("dice", "auroc")
REGION = "field_of_view"


def compare_datasets(
    networks: Sequence[Network],
    sets: Sequence[ImageSet],
    failures: Sequence[Failure],
    which: str,
    out_dir: Path,
    conditions: Conditions,
    console: Console,
) -> dict[str, Any]:
    """Score what was not scored before; returns what datasets.json holds.

    Args:
        failures: Of networks and sets that could not be opened; those that come up here join them.
        which: Images of a set that are scored: `unseen` or `test`.

    Raises:
        InputError: Where no cell of the matrix has a score.
    """
    columns, failures = _columns(networks, sets, which, failures)
    remove_partial_files(out_dir)
    scores = _Scores(list(failures))
    _score_all(networks, columns, conditions, scores, console)
    if not scores.observers:
        reasons = [
            Failure(f"{network} on {name}", cell["reason"])
            for network, cells in scores.cells.items()
            for name, cell in cells.items()
        ]
        raise _nothing([*failures, *reasons])
    result = {
        **new_result("datasets"),
        "protocol": {
            "images": which,
            "region": REGION,
            "match": conditions.match,
            "angles": dict(conditions.angles) if conditions.match == ANGLE else {},
            "tta": conditions.tta,
            "device": conditions.device.type,
        },
        "networks": {network.name: network.facts(out_dir) for network in networks},
        "sets": {column.images.name: _set_facts(column) for column in columns},
        "cells": scores.cells,
        "second_observer": scores.observers,
        "failures": [failure._asdict() for failure in scores.failures],
    }
    paths = write_result(out_dir, result, datasets_document(result, HEAT_MAP), scores.rows, "datasets_per_image.csv")
    write_bytes(out_dir / HEAT_MAP, png_bytes(heat_map(result, "dice")))
    _show(console, result)
    say_written(console, [*paths, out_dir / HEAT_MAP])
    _show_failures(console, result["failures"], paths[1])
    return result


@dataclass
class _Scores:
    """What was found so far; `cells` and `observers` as the result has them, `rows` for the table of images."""

    failures: list[Failure]
    cells: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    observers: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, network: Network, column: Column, evaluation: Evaluation, diameters: Sequence[float]) -> None:
        name = column.images.name
        metrics = evaluation.metrics()
        if name not in self.observers:
            self.observers[name] = metrics[REGION].get(SECOND_OBSERVER)
            self.rows += _rows(SECOND_OBSERVER, name, evaluation, observers=True)
        self.rows += _rows(network.name, name, evaluation, observers=False)
        of_network = {
            region: {rater: scores for rater, scores in raters.items() if rater != SECOND_OBSERVER}
            for region, raters in metrics.items()
        }
        found = {"fov_diameters": list(diameters), "scores": of_network}
        self.cells.setdefault(network.name, {})[name] = _known(network, column) | found

    def leave_out(self, network: Network, column: Column, reason: str) -> None:
        found = {"scores": None, "reason": reason}
        self.cells.setdefault(network.name, {})[column.images.name] = _known(network, column) | found


def _score_all(
    networks: Sequence[Network], columns: Sequence[Column], conditions: Conditions, scores: _Scores, console: Console
) -> None:
    """Fill `scores`; a cell that cannot be scored does not stop the others."""
    cells = [(network, column) for network in networks for column in columns]
    is_new = [
        network.name not in column.spoilt and not is_kept(network, column, conditions) for network, column in cells
    ]
    with Steps(console, sum(is_new)) as steps:
        for (network, column), new in zip(cells, is_new, strict=True):
            title = f"{network.name} on {column.images.name}"
            if network.name in column.spoilt:
                scores.leave_out(network, column, _spoilt(network, column))
                continue
            if new:
                steps.begin(title)
            try:
                scores.add(network, column, *score_cell(network, column, conditions, steps.doing))
            except InputError as error:
                scores.failures.append(Failure(title, error.one_line))
                scores.leave_out(network, column, error.problem)
            if new:
                steps.end()


def _columns(
    networks: Sequence[Network], sets: Sequence[ImageSet], which: str, failures: Sequence[Failure]
) -> tuple[list[Column], list[Failure]]:
    """What is to be scored; a set of which nothing is left joins the failures.

    Raises:
        InputError: Where there is no network or no column.
    """
    columns: list[Column] = []
    found = list(failures)
    for images in sets if networks else ():
        try:
            columns.append(column_of(images, networks, which))
        except InputError as error:
            found.append(Failure(images.name, error.one_line))
    if not columns:
        raise _nothing(found)
    return columns, found


def _nothing(failures: Sequence[Failure]) -> InputError:
    lines = "".join(f"\n  {failure.about}: {failure.reason}" for failure in failures)
    return InputError(f"no network can be scored on any set:{lines}")


def _known(network: Network, column: Column) -> dict[str, Any]:
    return {"own_set": network.name in column.own, "may_have_learned": network.name in column.doubtful}


def _spoilt(network: Network, column: Column) -> str:
    learned = "may have learned" if network.name in column.doubtful else "learned"
    return f"it {learned} from {column.spoilt[network.name]} of the {len(column.cases)} images"


def _set_facts(column: Column) -> dict[str, Any]:
    return {
        "images": [case.name for case in column.cases],
        "labelled": len(column.images.cases),
        "left_out": {name: list(by) for name, by in column.left_out.items()},
        "settings": dict(column.images.settings),
    }


def _rows(network: str, name: str, evaluation: Evaluation, *, observers: bool) -> list[dict[str, Any]]:
    return [
        {"network": network, "set": name, **row}
        for row in evaluation.rows()
        if (row["rater"] == SECOND_OBSERVER) == observers
    ]


def _show(console: Console, result: Mapping[str, Any]) -> None:
    for metric in PRINTED:
        print_table(console, f"{METRICS[metric].title}, {NETWORK}", matrix(result, metric, NETWORK))
    console.print()
    for line in [*image_lines(result), *note_lines(result), diameter_line(result), *how_to_read(result)]:
        console.print(line, highlight=False, markup=False)


def _show_failures(console: Console, failures: Sequence[Mapping[str, str]], written: Path) -> None:
    for failure in failures:
        text = f"not compared: {failure['about']}: {failure['reason']}"
        console.print(text, style="yellow", markup=False, highlight=False)
    if failures:
        text = f"the others were compared: {written}"
        console.print(text, soft_wrap=True, markup=False, highlight=False)
