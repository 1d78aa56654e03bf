"""Benchmark inference: from a configuration to a trained network, the ways to execute it, and images."""

from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.comparison.inference.backends import BACKENDS, REFERENCE
from fundus_unet.comparison.inference.compare import compare_inference
from fundus_unet.comparison.inference.program import Program
from fundus_unet.comparison.speed.timing import Effort
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import LabelledImage, decode
from fundus_unet.inference.tiling import Tiling
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.device import choose_device
from fundus_unet.runs.last_run import named_run
from fundus_unet.runs.run_directory import plain
from fundus_unet.runs.trained_model import load_trained

ALL = "all"


def benchmark_inference_from_config(config: DictConfig) -> dict[str, Any]:
    """Entry of the command `benchmark inference`; returns what inference.json holds.

    Raises:
        InputError: For settings or files that cannot be used, before anything is measured or written.
    """
    names, device = _backends(config.backends), choose_device(config.device)
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    run_dir = config.run_dir and named_run("run_dir", config.run_dir, config.paths.runs_dir)
    model = load_trained(run_dir, config.weights)
    facts = model.facts
    tiling = Tiling.of(config.tile, facts.size_multiple, facts.context) if config.tile else None
    validation, calibration = _images(config, Preprocessor(facts.scale, facts.fov_diameter))
    settings = {key: value for key, value in plain(config).items() if key not in ("paths", "out_dir", "data")}
    settings |= {"model": model.origin, "weights": model.fingerprint}
    settings |= {"data": None if config.get("data") is None else config.data.source._target_}
    return compare_inference(
        names,
        Program(model.network.cpu().eval(), facts, tiling, Path(), calibration),
        list(config.sizes),
        device,
        Effort(config.rounds, config.min_seconds),
        validation,
        Path(config.out_dir).expanduser().resolve(),
        memory=config.memory,
        settings=settings,
        console=Console(),
    )


def _backends(asked: Any) -> list[str]:
    """The names asked for, with the reference first; raises `InputError` for another."""
    names = list(BACKENDS) if asked == ALL else [asked] if isinstance(asked, str) else list(asked)
    for name in names:
        if name not in BACKENDS:
            raise InputError(
                f"there is no backend {name!r}",
                expected=f"{ALL}, or some of {', '.join(BACKENDS)}",
                fix=did_you_mean(str(name), BACKENDS),
            )
    return list(dict.fromkeys([REFERENCE, *names]))


def _images(config: DictConfig, preprocessor: Preprocessor) -> tuple[list[LabelledImage], list[torch.Tensor]]:
    """The validation images, and training images as the network sees them; none where no set is named."""
    if config.get("data") is None:
        return [], []
    splits = splits_of(config.data, trusted=True)
    learned = [decode(case, preprocessor) for case in list(splits.train)[: config.calibration_images]]
    validation = [decode(case, preprocessor) for case in splits.val]
    if not validation:
        raise InputError("the set has no validation images", fix="choose another data=..., or leave it out")
    return validation, [sample.working.tensor()[None] for sample in learned]
