"""The report on all comparisons in a folder: one self-contained page, the same as Markdown, and as JSON."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from fundus_unet.comparison.document import Block, Conclusions, Document
from fundus_unet.comparison.report.checkerboard_conclusions import checkerboard_conclusions
from fundus_unet.comparison.report.conclusions import (
    accuracy_conclusion,
    observer_conclusion,
    short_answer,
    speed_conclusion,
)
from fundus_unet.comparison.report.predictions import PredictionFigure, draw_predictions
from fundus_unet.comparison.report.sections import (
    accuracy_section,
    accuracy_speed_figure,
    checkerboard_section,
    protocol_section,
    speed_section,
    what_was_compared,
)
from fundus_unet.comparison.result import new_result, say_written, write_result
from fundus_unet.comparison.speed.tables import rows_as_trained
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes, write_text
from fundus_unet.inference.evaluation import NETWORK

KINDS = {
    "accuracy": {"protocol", "control", "variants", "differences", "failures"},
    "speed": {"control", "rows"},
    "checkerboard": {"protocol", "variants"},
}
"""What each comparison's file must hold."""
LARGEST_RESULT = 2**28
CONCLUSION_METRICS = ("dice", "cldice", "betti0_error")


def write_report(folder: Path, title: str, shown: PredictionFigure, console: Console) -> dict[str, Any]:
    """Write report.html, report.md and report.json; returns what report.json holds.

    Args:
        folder: Holds the results of comparisons.
        title: Of the page.
        shown: In the figure of predictions.

    Raises:
        InputError: Where the folder holds no result, or one that cannot be read.
    """
    results = _results(folder)
    try:
        conclusions, blocks = _contents(results, folder, shown, console)
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InputError(
            f"the results in {folder} cannot be reported: one of {', '.join(f'{kind}.json' for kind in results)} is "
            "damaged, or of another version",
            got=f"{error!r:.200}",
            fix="give the command of the comparison again; it keeps finished runs",
        ) from error
    document = Document(title, blocks)
    facts = {key: value for key, value in new_result("report").items() if key != "environment"}
    report = facts | {"title": title, "conclusions": conclusions} | results
    html = folder / "report.html"
    write_text(html, document.to_html())
    paths = write_result(folder, report, document)
    for text in conclusions:
        console.print(text.replace("**", "").replace("`", ""), highlight=False, markup=False)
    say_written(console, [html, *paths])
    return report


def _contents(
    results: dict[str, dict[str, Any]], folder: Path, shown: PredictionFigure, console: Console
) -> tuple[list[str], list[Block]]:
    """The answer in sentences, and all that the page shows."""
    accuracy, speed, checkerboard = (results.get(kind) for kind in KINDS)
    precision = str(accuracy["protocol"]["settings"].get("trainer.precision", "")) if accuracy else "32-true"
    conclusions = _conclusions(accuracy, speed, checkerboard, precision)
    blocks: list[Block] = [Conclusions(conclusions), *what_was_compared(accuracy, speed, checkerboard)]
    if accuracy:
        blocks += accuracy_section(accuracy, NETWORK, folder / "report")
        if speed:
            blocks += accuracy_speed_figure(accuracy, speed, NETWORK, precision, folder / "report")
        blocks += draw_predictions(accuracy, folder, shown, console)
    if checkerboard:
        blocks += checkerboard_section(checkerboard, folder / "checkerboard")
    if speed:
        blocks += speed_section(speed, precision)
    blocks += protocol_section(results)
    return conclusions, blocks


def _results(folder: Path) -> dict[str, dict[str, Any]]:
    """What the comparisons wrote into the directory, by kind."""
    results = {}
    for kind in KINDS:
        path = folder / f"{kind}.json"
        if not path.is_file():
            continue
        try:
            result = json.loads(read_bytes(path, LARGEST_RESULT))
            found = result.get("kind")
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            raise InputError(
                f"{path} cannot be read: {error}", fix=f"run scripts/compare_{kind}.py again, or delete the file"
            ) from error
        if found != kind:
            raise InputError(f"{path} is no result of scripts/compare_{kind}.py", expected=f"kind: {kind}", got=found)
        missing = (KINDS[kind] | {"command", "created", "environment"}) - result.keys()
        if missing:
            raise InputError(
                f"{path} is incomplete",
                got=f"no {', '.join(sorted(missing))}",
                fix=f"run scripts/compare_{kind}.py again, or delete the file",
            )
        results[kind] = result
    if not results:
        raise InputError(
            f"there is nothing to report in {folder}",
            expected=" or ".join(f"{kind}.json" for kind in KINDS),
            fix="run scripts/compare_accuracy.py, compare_speed.py or compare_checkerboard.py with out_dir="
            + str(folder),
        )
    return results


def _conclusions(
    accuracy: dict[str, Any] | None, speed: dict[str, Any] | None, checkerboard: dict[str, Any] | None, precision: str
) -> list[str]:
    sentences: list[str | None] = [short_answer(accuracy, speed, checkerboard, NETWORK, precision)]
    if accuracy:
        sentences += [
            accuracy_conclusion(accuracy, NETWORK, metric)
            for metric in CONCLUSION_METRICS
            if metric in accuracy["differences"][NETWORK] or metric == "dice"
        ]
        sentences.append(observer_conclusion(accuracy, NETWORK))
    if speed:
        for mode in ("training", "inference"):
            group = rows_as_trained(speed, mode, precision)
            sentences.append(speed_conclusion(*group, speed["control"]) if group else None)
    if checkerboard:
        sentences += checkerboard_conclusions(checkerboard["variants"])
    return [sentence for sentence in sentences if sentence]
