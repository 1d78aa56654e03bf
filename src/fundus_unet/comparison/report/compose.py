"""The report on all comparisons in a folder: one self-contained page, and what it says as JSON."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from fundus_unet.comparison.report.accuracy_facts import accuracy_facts
from fundus_unet.comparison.report.answer import accuracy_answer, checkerboard_answer, speed_answer
from fundus_unet.comparison.report.checkerboard_facts import checkerboard_facts
from fundus_unet.comparison.report.datasets_facts import datasets_answer, datasets_facts
from fundus_unet.comparison.report.formats import MINUS, listed
from fundus_unet.comparison.report.page import render
from fundus_unet.comparison.report.pictures import (
    accuracy_pictures,
    checkerboard_pictures,
    datasets_pictures,
    prediction_pictures,
)
from fundus_unet.comparison.report.predictions import Predictions, PredictionSettings, make_predictions
from fundus_unet.comparison.report.protocol_facts import protocol_facts
from fundus_unet.comparison.report.results import results_in
from fundus_unet.comparison.report.speed_facts import speed_facts
from fundus_unet.comparison.result import new_result, say_written
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import write_json, write_text


def write_report(folder: Path, title: str, settings: PredictionSettings, console: Console) -> dict[str, Any]:
    """Write report.html and report.json; returns what report.json holds.

    Args:
        folder: Holds the results of comparisons.
        title: Of the page.
        settings: Of the predictions.

    Raises:
        InputError: Where the folder holds no result, or one that cannot be used.
    """
    results = results_in(folder)
    try:
        report, page = _composed(results, folder, title, settings, console)
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InputError(
            f"the results in {folder} cannot be reported: one of {', '.join(f'{kind}.json' for kind in results)} is "
            "damaged, or of another version",
            got=f"{error!r:.200}",
            fix="give the command of the comparison again; it keeps finished runs",
        ) from error
    paths = [folder / "report.html", folder / "report.json"]
    write_text(paths[0], page)
    write_json(paths[1], report)
    for about, sentence in report["answer"].items():
        text = f"{about}: {sentence}".replace(MINUS, "-")  # not every terminal has the sign
        console.print(text, highlight=False, markup=False)
    say_written(console, paths)
    return report


def _composed(
    results: Mapping[str, Any], folder: Path, title: str, settings: PredictionSettings, console: Console
) -> tuple[dict[str, Any], str]:
    """What report.json and report.html hold."""
    accuracy, checkerboard = results.get("accuracy"), results.get("checkerboard")
    about = new_result("report")
    report: dict[str, Any] = {key: about[key] for key in ("kind", "created", "command")}
    report |= {"title": title, "answer": {}}
    pictures = {}
    if accuracy:
        report["accuracy"] = accuracy_facts(accuracy)
        report["answer"]["Accuracy"] = accuracy_answer(report["accuracy"])
    if "speed" in results:
        precision = str(accuracy["protocol"]["settings"].get("trainer.precision")) if accuracy else "32-true"
        facts = speed_facts(results["speed"], precision)
        report["answer"]["Speed"] = speed_answer(facts)
        if facts:
            report["speed"] = facts
    if checkerboard:
        report["checkerboards"] = checkerboard_facts(checkerboard)
        report["answer"]["Checkerboards"] = checkerboard_answer(report["checkerboards"])
        pictures["checkerboards"] = checkerboard_pictures(folder / "checkerboard")
    if "datasets" in results:
        report["datasets"] = datasets_facts(results["datasets"])
        report["answer"]["Across sets"] = datasets_answer(report["datasets"])
        pictures["datasets"] = datasets_pictures(results["datasets"])
    if accuracy:
        pictures |= accuracy_pictures(accuracy, report["accuracy"], report.get("speed"))
        found = make_predictions(accuracy, folder, settings, console)
        if found.tiles or found.left_out:
            for why, names in found.left_out.items():
                text = f"not shown: {listed(names)} ({why}): {found.first_problems[why]}"
                console.print(text, style="yellow", markup=False, highlight=False)
            report["predictions"] = _prediction_facts(accuracy, found, settings)
            pictures |= prediction_pictures(found)
    report["protocol"] = protocol_facts(results)
    report["commands"] = [shlex.join(map(str, result["command"])) for result in results.values()]
    return report, render(report, pictures)


def _prediction_facts(accuracy: Mapping[str, Any], found: Predictions, settings: PredictionSettings) -> dict[str, Any]:
    dice = accuracy["variants"][accuracy["control"]]["dice_per_image"]
    return {
        "images": [{"name": name, "control_dice": dice.get(name)} for name in found.tiles],
        "seeds": found.seeds,
        "control": found.control,
        "errors": settings.show_images,
        "left_out": found.left_out,
    }
