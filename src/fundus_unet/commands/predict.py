"""Vessel maps of new images, from any number of processes."""

import logging
import sys
from datetime import timedelta

import torch
from lightning.fabric import Fabric
from lightning.fabric.strategies import DDPStrategy
from omegaconf import DictConfig, ListConfig

from fundus_unet.commands.entry import INTERRUPTED
from fundus_unet.commands.predict_settings import Settings
from fundus_unet.commands.variants import listed
from fundus_unet.core.errors import InputError
from fundus_unet.core.interruption import start_others, together
from fundus_unet.inference.batch_prediction import BatchPrediction
from fundus_unet.inference.batch_report import Report
from fundus_unet.inference.inputs import Source, find_images
from fundus_unet.inference.manifest import Manifest
from fundus_unet.inference.output_folder import fingerprint
from fundus_unet.inference.outputs import Outputs
from fundus_unet.inference.plan import is_done, planned
from fundus_unet.inference.predictor import Predictor
from fundus_unet.runs.device import PRECISIONS, choose_device, resolve_precision
from fundus_unet.runs.trained_model import load_trained_model

FAILED = 1


def predict_from_config(config: DictConfig) -> None:
    """Entry of `scripts/predict.py`; exits with 1 where an image failed.

    Raises:
        InputError: Before anything is written where the settings cannot be used.
    """
    settings = Settings.of(config)
    device = choose_device(config.device)
    if device.type == "cpu":
        settings.share_cores()
    sources = find_images(_images(config.images), leave_out=settings.out_dir)
    kinds, bits = list(listed(config.outputs, "outputs")), config.probability_bits
    Outputs(settings.out_dir, kinds, bits)  # before the other processes are started
    model = load_trained_model(config.run_dir, config.weights, config.runtime, device, torch.get_num_threads())
    tiling = settings.tiling(model.facts)
    precision = PRECISIONS[resolve_precision(config.precision, device.type)]
    read_threads, write_threads = settings.threads()
    fabric = _launched(device, settings, config.strategy)
    identity = settings.identity(model, bits)
    manifest = Manifest(settings.out_dir, fabric.global_rank, fingerprint(identity))
    outputs = Outputs(settings.out_dir, kinds, bits, manifest)
    work = BatchPrediction(
        Predictor(
            model.network,
            fabric.device,
            precision,
            tiling=tiling,
            symmetries=settings.tta,
            multiple=model.facts.multiple,
        ),
        settings.preprocessor(model.facts),
        outputs,
        settings.threshold_of(model.facts),
        batch_size=settings.batch_size or (8 if device.type == "cuda" else 1),
        read_threads=read_threads,
        write_threads=write_threads,
        pixels_in_memory=int(settings.megapixels_in_memory * 1e6),
    )
    report = Report(settings.out_dir, sources, fabric.global_rank, fabric.world_size)
    todo = []
    if fabric.is_global_zero:
        report.open(identity, config.overwrite, outputs)
        sources = planned(sources, outputs, config.overwrite)
        todo = [source for source in sources if config.overwrite or not is_done(source, outputs)]
    # the first process's list for all: what another sees may be a file that the first has just written
    with together():
        todo = fabric.broadcast(todo)[fabric.global_rank :: fabric.world_size]
    try:
        with report.progress(len(todo)):
            work.run(todo, report.add)
    except KeyboardInterrupt:
        if fabric.is_global_zero:
            report.close(_done(sources, outputs), interrupted=True)
        sys.exit(INTERRUPTED)
    with together():
        fabric.barrier()
    # lightning ends all processes where one of the others does not exit with 0
    if fabric.is_global_zero and not report.close(_done(sources, outputs)):
        sys.exit(FAILED)


def _done(sources: list[Source], outputs: Outputs) -> list[Source]:
    outputs.manifest.read_again()  # the other processes have written too
    return [source for source in sources if is_done(source, outputs)]


def _images(images: object) -> list[str]:
    """Raise `InputError` where nothing is named."""
    named = [str(image) for image in images] if isinstance(images, ListConfig) else [str(images)] if images else []
    if not named:
        raise InputError(
            "which images?",
            expected="images=PATH: a file, a folder, a pattern such as 'photos/*.jpg', a CSV of paths; or [A,B]",
        )
    return named


def _launched(device: torch.device, settings: Settings, strategy: str) -> Fabric:
    """This process's place among those that predict; starts the others."""
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    if settings.devices > 1:
        start_others()
    try:
        # the first to be ready waits for the others as long as they need; the default is half an hour
        waiting = DDPStrategy(timeout=timedelta(days=365)) if settings.devices > 1 and strategy == "auto" else strategy
        fabric = Fabric(accelerator=device.type, devices=settings.devices, strategy=waiting)
    except (ValueError, RuntimeError) as error:  # lightning's MisconfigurationException among them
        raise InputError(
            f"the processes cannot be started: {error}", fix="check device, devices and strategy"
        ) from error
    with together():
        fabric.launch()
    return fabric
