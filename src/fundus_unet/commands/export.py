"""Export the network of a run."""

import importlib.util
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.core.errors import InputError
from fundus_unet.core.invocation import command
from fundus_unet.runs.export import SAFETENSORS, SUFFIXES, export_network
from fundus_unet.runs.last_run import named_run
from fundus_unet.runs.learned_images import ancestry, recorded_images
from fundus_unet.runs.load import load_network
from fundus_unet.runs.mask_rule import VALIDATION
from fundus_unet.runs.model_facts import ModelFacts, facts_of
from fundus_unet.runs.model_file import FLOAT32
from fundus_unet.runs.recalibration import Recalibration
from fundus_unet.runs.run_directory import RunDirectory

ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def export_from_config(config: DictConfig) -> Path:
    """Entry of the command `export`; returns the file.

    Raises:
        InputError: For a file that exists, a run that is not finished, or a program that does not give the network's
            logits, or with a damaged record of its images; nothing is written then.
    """
    if config.run_dir is None:
        raise InputError(
            "which run?", expected="run_dir=RUN_DIRECTORY", fix="give the run that training printed, or run_dir=last"
        )
    if config.format == "onnx":
        _check_onnx_is_installed()
    if config.format != SAFETENSORS and config.dtype != FLOAT32:
        raise InputError(
            f"dtype={config.dtype} is of format={SAFETENSORS}",
            expected=f"dtype={FLOAT32} with format={config.format}",
            fix="leave it out",
        )
    run = RunDirectory(named_run("run_dir", config.run_dir, config.paths.runs_dir))
    path = _free_path(config.path, run, config.format, config.overwrite)
    facts = facts_of(run, config.checkpoint).learned_from(recorded_images(run.path) or (), ancestry(run).ancestors)
    calibration = Recalibration(**config.calibration)
    facts = facts.recalibrated(calibration).with_masks(config.mask, _set_values(config))
    network = calibration.network(load_network(run.config.model, run.checkpoint(config.checkpoint)))
    difference = export_network(network, facts, path, config.format, config.tolerance, config.dtype)
    console = Console()
    for line in (
        f"exported  {path} ({path.stat().st_size / 1e6:.2f} MB)",
        f"checked   its logits differ from the network's by at most {difference:.1e} ({config.tolerance:.1e} allowed)",
        f"use       {_usage(path, config.format, facts)}",
    ):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    return path


def _set_values(config: DictConfig) -> dict[str, float]:
    """Of the masks, those that are not validation's."""
    asked = {"threshold": config.threshold, **config.hysteresis}
    return {str(name): float(value) for name, value in asked.items() if value != VALIDATION}


def _check_onnx_is_installed() -> None:
    missing = [name for name in ONNX_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            "the packages for format=onnx are not installed",
            expected=", ".join(ONNX_PACKAGES),
            got=f"no {', '.join(missing)}",
            fix="pip install 'fundus-unet[onnx]'",
        )


def _free_path(asked: object, run: RunDirectory, form: str, overwrite: bool) -> Path:
    suffix = SUFFIXES[form]
    path = Path(str(asked)).expanduser() if asked else run.place("export", f"model{suffix}")
    if path.suffix != suffix:
        raise InputError(
            f"{path} is no name for format={form}", expected=f"a name ending in {suffix}", fix="set path and format"
        )
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists; it was not changed", fix="choose another path=..., or set overwrite=true")
    return path


def _usage(path: Path, form: str, facts: ModelFacts) -> str:
    multiple, target = facts.size_multiple, str(facts.model["_target_"])
    if form == "torch_export":
        return (
            f'torch.export.load("{path}").module()(image), with sides that are multiples of {multiple}, '
            f"from {2 * multiple} up"
        )
    more = " runtime=onnx" if form == "onnx" else "" if target.startswith("fundus_unet.") else f" trust={target}"
    return f"{command('predict', f'weights={path}')}{more} images=..."
