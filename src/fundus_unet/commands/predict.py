"""Vessel maps of new images, from any number of processes."""

import os
import sys
from array import array
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, ListConfig

from fundus_unet.commands.processes import Place, is_alone, launched
from fundus_unet.core.errors import InputError
from fundus_unet.core.interruption import INTERRUPTED
from fundus_unet.core.invocation import command
from fundus_unet.inference.batch_prediction import BatchPrediction
from fundus_unet.inference.batch_report import Report
from fundus_unet.inference.inputs import find_images
from fundus_unet.inference.manifest import Manifest
from fundus_unet.inference.measures import MeasuresTable
from fundus_unet.inference.output_folder import SETTINGS, fingerprint
from fundus_unet.inference.outputs import UNCERTAINTY, Outputs
from fundus_unet.inference.page import Page
from fundus_unet.inference.plan import is_done, planned
from fundus_unet.inference.sources import Source, SourceList
from fundus_unet.inference.stage_rates import StageRates
from fundus_unet.metrics.masks import Hysteresis, MaskRule
from fundus_unet.runs.device import choose_device
from fundus_unet.runs.first_look import vessel_scale
from fundus_unet.runs.last_run import named_run
from fundus_unet.runs.mask_rule import mask_rule
from fundus_unet.runs.trained_ensemble import load_networks
from fundus_unet.runs.trained_model import TrainedModel

FAILED = 1


def predict_from_config(config: DictConfig) -> None:
    """Entry of the command `predict`; exits with 1 where an image failed.

    Raises:
        InputError: Before anything is written where the settings cannot be used.
    """
    out_dir, device = Path(config.out_dir).expanduser(), choose_device(config.device)
    cores = max(1, (os.cpu_count() or 1) // config.devices)
    if device.type == "cpu" and config.devices > 1:
        torch.set_num_threads(cores)
    named, alone = _named(config.images), is_alone()
    # the first process alone looks for the images; at once where what is wrong is told before others are started
    sources = find_images(named, leave_out=out_dir) if alone else SourceList()
    kinds, bits, overlay = list(config.outputs), config.probability_bits, config.overlay
    Outputs(out_dir, kinds, bits, overlay)  # before the other processes are started
    runs = [named_run("run_dir", run, config.paths.runs_dir) for run in _texts(config.run_dir)]
    model = load_networks(runs, _texts(config.weights), config.runtime, device)
    rule = mask_rule(model, config.mask, config.threshold, dict(config.hysteresis))
    preprocessor = model.preprocessor(config.scale)
    if UNCERTAINTY in kinds and config.tta == "none" and isinstance(model, TrainedModel):
        raise InputError(
            "there is no uncertainty: it is how far several maps of an image differ, and one is made",
            expected="test-time augmentation, or several networks",
            got="tta=none, and one network",
            fix="set tta=d4 (8 maps of each image) or weights=[a,b]; or leave uncertainty out of outputs",
        )
    place = launched(device, config.devices, config.num_nodes, config.strategy)
    if place.is_first and not alone:
        sources = find_images(named, leave_out=out_dir)
    identity = {
        "model": model.origin,
        "weights": model.fingerprint,
        "threshold": rule.least_probability,
        **({"hysteresis": asdict(rule)} if isinstance(rule, Hysteresis) else {}),
        "scale": config.scale,
        "tta": config.tta,
        "tile": config.tile,
        "probability_bits": bits,
        "overlay": overlay,
    }
    manifest = Manifest(out_dir, place.number, fingerprint(identity))
    outputs = Outputs(out_dir, kinds, bits, overlay, manifest, thumbnails=config.page)
    measures = MeasuresTable(out_dir, place.number) if config.measures else None
    read_threads = config.read_threads or min(8, cores)
    write_threads = config.write_threads or max(1, read_threads // 2)
    work = BatchPrediction(
        model.predictor(place.device, config.precision, config.tile, config.tta),
        preprocessor,
        outputs,
        rule,
        batch_size=config.batch_size or (8 if device.type == "cuda" else 1),
        read_threads=read_threads,
        write_threads=write_threads,
        pixels_in_memory=int(config.megapixels_in_memory * 1e6),
        rates=StageRates(min(read_threads, cores), min(write_threads, cores)),
        measures=measures,
        vessel_scale=vessel_scale(model, place.device, config.precision, config.tile, config.scale),
    )
    about = {"model": model.origin, **_told(rule), "scale": config.scale, "tta": config.tta}
    page = Page(manifest, about) if config.page else None
    report = Report(out_dir, sources, place.number, place.processes, page, measures)
    with report.alone() if place.is_first else nullcontext():
        _predict_all(place, report, work, sources, identity, config.overwrite)


def _told(rule: MaskRule) -> dict[str, str]:
    """A rule as the page shows it."""
    if not isinstance(rule, Hysteresis):
        return {"threshold": f"{rule.least_probability:.3g}"}
    least = f"pieces from {rule.least_length:.3g} field-of-view diameters"
    return {"hysteresis": f"{rule.low:.3g} to {rule.high:.3g}, {least}"}


def _predict_all(
    place: Place,
    report: Report,
    work: BatchPrediction,
    sources: SourceList,
    identity: dict[str, Any],
    overwrite: bool,
) -> None:
    outputs, measures, todo = work.outputs, work.measures, array("Q")

    def has_all(source: Source) -> bool:
        return is_done(source, outputs) and (measures is None or measures.has(str(source.path)))

    def read_again() -> None:
        outputs.manifest.read_again()
        if measures is not None:
            measures.read_again()

    if place.is_first:
        report.open(identity, overwrite, outputs)
        for index, done in enumerate(planned(sources, outputs, overwrite)):
            if overwrite or not done or (measures is not None and not measures.has(sources.path(index))):
                todo.append(index)
            else:
                report.keep(index)
        report.begin()
        read_again()
    place.wait()  # until the first has made the folder
    if not place.everywhere(os.path.lexists(report.folder / SETTINGS)):
        raise InputError(
            f"{report.folder} is not the same folder on all machines",
            expected="an out_dir on a disk that they share",
            got="a folder of its own on at least one of them",
        )
    # the first process's list for all: what another sees may be a file that the first has just written
    own = place.share(lambda number: sources.of(todo[number :: place.processes]))
    try:
        with report.progress(len(own)):
            work.run(own, report.add)
    except KeyboardInterrupt:
        if place.is_first:
            report.close(has_all, interrupted=True)
        sys.exit(INTERRUPTED)
    place.wait()
    read_again()  # the other processes have written too
    # lightning ends all processes where one of the others does not exit with 0
    if place.is_first and not report.close(has_all, rates=work.rates):
        sys.exit(FAILED)


def _texts(given: Any) -> list[str]:
    """Of a setting that is a text, several, or null."""
    return [str(one) for one in given] if isinstance(given, ListConfig) else [str(given)] if given else []


def _named(images: Any) -> list[str]:
    """Raise `InputError` where nothing is named."""
    named = _texts(images)
    if not named:
        raise InputError(
            "which images?",
            expected="a file, a folder, a pattern such as 'photos/*.jpg', or a CSV of paths; or several of these",
            fix=f"name them: {command('predict', 'photo.jpg')}",
        )
    return named
