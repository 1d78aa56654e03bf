"""The report: one self-contained page, the same as Markdown, and as JSON."""

import datetime
import json
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.comparison.checkerboard.summary import checkerboard_verdict
from fundus_unet.comparison.document import Block, Document, Verdict
from fundus_unet.comparison.report.conclusions import accuracy_verdict, observer_verdict, short_answer, speed_verdict
from fundus_unet.comparison.report.predictions import draw_predictions
from fundus_unet.comparison.report.sections import (
    accuracy_section,
    accuracy_speed_figure,
    checkerboard_section,
    protocol_section,
    speed_section,
    what_was_compared,
)
from fundus_unet.comparison.speed.tables import rows_as_trained
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes, write_json, write_text
from fundus_unet.inference.evaluation import NETWORK
from fundus_unet.runs.environment import command

KINDS = {
    "accuracy": {"protocol", "control", "variants", "differences", "failures"},
    "speed": {"control", "rows"},
    "checkerboard": {"protocol", "variants"},
}
"""What each comparison's file must hold."""
LARGEST_RESULT = 2**28
VERDICT_METRICS = ("dice", "cldice", "betti0_error")


def report_from_config(config: DictConfig) -> dict[str, Any]:
    """Entry of `scripts/report.py`; returns what report.json holds.

    Raises:
        InputError: Where the directory holds no result, or one that cannot be read.
    """
    console = Console()
    folder = Path(config.dir).resolve()
    results = _results(folder)
    try:
        verdict, blocks = _contents(results, folder, config, console)
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InputError(
            f"the results in {folder} cannot be reported: one of {', '.join(f'{kind}.json' for kind in results)} is "
            "damaged, or of another version",
            got=f"{error!r:.200}",
            fix="give the command of the comparison again; it keeps finished runs",
        ) from error
    document = Document(config.title, blocks)
    report = {
        "kind": "report",
        "title": config.title,
        "created": datetime.datetime.now().isoformat(timespec="seconds"),
        "command": command(),
        "verdict": verdict,
    } | results
    write_text(folder / "report.html", document.to_html())
    write_text(folder / "report.md", document.to_markdown(folder))
    write_json(folder / "report.json", report)
    for text in verdict:
        console.print(text.replace("**", "").replace("`", ""), highlight=False, markup=False)
    for name in ("report.html", "report.md", "report.json"):
        console.print(f"wrote {folder / name}", soft_wrap=True, highlight=False, markup=False)
    return report


def _contents(
    results: dict[str, dict[str, Any]], folder: Path, config: DictConfig, console: Console
) -> tuple[list[str], list[Block]]:
    """The answer in sentences, and all that the page shows."""
    accuracy, speed, checkerboard = (results.get(kind) for kind in KINDS)
    precision = str(accuracy["protocol"]["settings"].get("trainer.precision", "")) if accuracy else "32-true"
    verdict = _verdict(accuracy, speed, checkerboard, precision)
    blocks: list[Block] = [Verdict(verdict), *what_was_compared(accuracy, speed, checkerboard)]
    if accuracy:
        blocks += accuracy_section(accuracy, NETWORK, folder / "report")
        if speed:
            blocks += accuracy_speed_figure(accuracy, speed, NETWORK, precision, folder / "report")
        blocks += draw_predictions(accuracy, folder, config, console)
    if checkerboard:
        blocks += checkerboard_section(checkerboard, folder / "checkerboard")
    if speed:
        blocks += speed_section(speed, precision)
    blocks += protocol_section(results)
    return verdict, blocks


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


def _verdict(
    accuracy: dict[str, Any] | None, speed: dict[str, Any] | None, checkerboard: dict[str, Any] | None, precision: str
) -> list[str]:
    sentences: list[str | None] = [short_answer(accuracy, speed, checkerboard, NETWORK, precision)]
    if accuracy:
        sentences += [
            accuracy_verdict(accuracy, NETWORK, metric)
            for metric in VERDICT_METRICS
            if metric in accuracy["differences"][NETWORK] or metric == "dice"
        ]
        sentences.append(observer_verdict(accuracy, NETWORK))
    if speed:
        for mode in ("training", "inference"):
            setting = rows_as_trained(speed, mode, precision)
            sentences.append(speed_verdict(*setting, speed["control"]) if setting else None)
    if checkerboard:
        sentences += checkerboard_verdict(checkerboard["variants"])
    return [sentence for sentence in sentences if sentence]
