"""Evaluate a run: the full protocol on one split, written beside the run."""

import errno
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import Progress

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.files import write_bytes, write_csv, write_json
from fundus_unet.core.invocation import from_here
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import LabelledImage
from fundus_unet.drawing.panel import prediction_panel
from fundus_unet.inference.evaluation import NETWORK, evaluate
from fundus_unet.inference.predictor import Predictor
from fundus_unet.inference.score_table import print_scores
from fundus_unet.metrics.mask_choice import ChosenMasks
from fundus_unet.runs.calibration_files import FIGURE, write_calibration
from fundus_unet.runs.data_record import CHANGED, digests, since_training
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.load import load_predictor, load_preprocessor
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.runs.validation_masks import validation_masks

SPLITS = ("train", "val", "test")


def evaluate_run(
    run: RunDirectory,
    split: str,
    splits: Splits | None = None,
    name: str | None = None,
    checkpoint: str = "best",
    device: str = "auto",
    tta: str = "none",
) -> dict[str, Any]:
    """Score a checkpoint on a split of the run's own data, or of other `splits`; returns and writes as `score`.

    Args:
        run: Its network, preprocessing and masks are used.
        name: Of the evaluation; None: the split's.

    Raises:
        InputError: For an unknown split, or one without labels, or where the run cannot be written to; what was
            written before stays.
    """
    own = splits is None
    splits = splits or splits_of(run.config.data, trusted=False)
    cases = labelled_cases(splits, split)
    if split == "test" and splits.test_reason:
        left_out = f"left out of test: {splits.test_reason}"
        Console().print(left_out, style="yellow", markup=False, soft_wrap=True)
    predictor = load_predictor(run, checkpoint, device, tta)
    masks = validation_masks(run, predictor, checkpoint)
    preprocessor = load_preprocessor(run.config)
    return score(run, predictor, preprocessor, masks, cases, split, name, checkpoint, tta, own=own)


def score(
    run: RunDirectory,
    predictor: Predictor,
    preprocessor: Preprocessor,
    masks: ChosenMasks,
    cases: Sequence[Case],
    split: str,
    name: str | None = None,
    checkpoint: str = "best",
    tta: str = "none",
    *,
    own: bool = True,
) -> dict[str, Any]:
    """Score a run's network on cases; writes scores, calibration and figures into the run.

    Args:
        masks: The ones that were best on validation.
        split: What the cases are, for the record.
        own: Whether they are of the run's own data set.

    Returns:
        What metrics.json holds.

    Raises:
        InputError: Where an image cannot be read, or the run cannot be written to.
    """
    console = Console()
    files = digests(cases, split)
    remarks = since_training(run.path, split, files, own=own)
    unusual = [word for word, usual in ((checkpoint, "best"), (tta, "none")) if word != usual]
    folder = run.place("evaluation", "_".join([name or split, *unusual]))
    if any(remark.startswith(CHANGED) for remark in remarks) and (folder / "metrics.json").exists():
        folder = run.place("evaluation", f"{folder.name}_changed_data")  # what training left stays
    figures = run.place("evaluation", folder.name, "figures")
    run.remove_partial_files()
    for remark in remarks:
        console.print(remark, style="yellow", markup=False, soft_wrap=True)
    with _writing(folder), Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(f"evaluating {split}", total=len(cases))

        def keep(sample: LabelledImage, probability: np.ndarray) -> None:
            panel = prediction_panel(sample.working.image, sample.label, probability, sample.field_of_view)
            write_bytes(figures / f"{sample.case.name}.png", _png(panel), durable=False)
            progress.advance(bar)

        figures.mkdir(parents=True, exist_ok=True)
        evaluation = evaluate(predictor, preprocessor, cases, masks, keep)
    metrics = {
        "split": split,
        "images": [case.name for case in cases],
        "files": files,
        "remarks": remarks,
        "checkpoint": checkpoint,
        "tta": tta,
        "validation_threshold": masks.threshold,
        "validation_hysteresis": None if masks.hysteresis is None else asdict(masks.hysteresis),
        **evaluation.metrics(),
    }
    title = f"{split}, {len(cases)} image{'s' * (len(cases) > 1)}"
    with _writing(folder):
        inside = evaluation.pooled_histogram("field_of_view", NETWORK)
        write_calibration(folder, inside, title, {"threshold": 0.5, "best on validation": masks.threshold})
        write_csv(folder / "per_image.csv", evaluation.rows())
        write_json(folder / "metrics.json", metrics)
    print_scores(console, metrics, title)
    first = figures / f"{cases[0].name}.png"
    places = f"\nfigure    {from_here(first)}\n          {from_here(folder / FIGURE)}"
    places += f"\nscores    {from_here(folder / 'metrics.json')}"
    console.print(places, soft_wrap=True, highlight=False, markup=False)
    return metrics


def check_split(split: str) -> None:
    """Raise `InputError` where there is no such split."""
    if split not in SPLITS:
        raise InputError(f"unknown split {split!r}", expected=SPLITS, fix=did_you_mean(str(split), SPLITS))


def labelled_cases(splits: Splits, split: str) -> tuple[Case, ...]:
    """The cases of a split.

    Raises:
        InputError: For an unknown split, or one without labels, with the data set's reason.
    """
    check_split(split)
    cases: tuple[Case, ...] = getattr(splits, split)
    if not cases or any(case.label is None for case in cases):
        reason = splits.test_reason if split == "test" and splits.test_reason else "it has no labelled images"
        raise InputError(f"the split {split!r} cannot be evaluated: {reason}", fix="or evaluate another: split=val")
    return cases


def _png(panel: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(panel).save(file, "PNG")
    return file.getvalue()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _OF_WRITING:
            raise
        raise InputError(
            f"scores cannot be written to {folder}: {error.strerror}",
            got=error.filename,
            fix="make room, or give permission to write there, or evaluate a copy of the run",
        ) from error


_OF_WRITING = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EEXIST)
