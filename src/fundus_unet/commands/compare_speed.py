"""Compare the speed of upsamplers: from a configuration to speed.json, speed.md and speed.csv."""

import datetime
import functools
import itertools
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, ListConfig
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from fundus_unet.commands.tables import grid_table
from fundus_unet.commands.variants import check_control, check_upsamplers, network_for
from fundus_unet.comparison.speed.conditions import Setting
from fundus_unet.comparison.speed.measure import Variants, compare_under
from fundus_unet.comparison.speed.roofline import MatrixProductRate, matrix_product_rate
from fundus_unet.comparison.speed.tables import TERMINAL, by_setting, remarks, speed_document, speed_grid
from fundus_unet.comparison.speed.timing import Effort
from fundus_unet.comparison.speed.workload import Objective
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import write_csv, write_json, write_text
from fundus_unet.models.unet import UNet
from fundus_unet.runs.build import build
from fundus_unet.runs.device import choose_device
from fundus_unet.runs.environment import command, environment
from fundus_unet.runs.run_directory import plain


def compare_speed_from_config(config: DictConfig) -> dict[str, Any]:
    """Entry of `scripts/compare_speed.py`; returns what speed.json holds.

    The files are written after every setting, so that an interruption loses one at most.

    Raises:
        InputError: For settings that cannot be used, before anything is measured or written.
    """
    console = Console()
    settings = settings_of(config)
    variants = variants_of(config)
    effort = Effort(config.rounds, config.min_seconds)
    objective = objective_of(config)
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    folder = _folder(config.out_dir)
    result: dict[str, Any] = {
        "kind": "speed",
        "created": datetime.datetime.now().isoformat(timespec="seconds"),
        "command": command(),
        "complete": False,
        "environment": environment(),
        "settings": {key: value for key, value in plain(config).items() if key not in ("paths", "out_dir")},
        "upsamplers": list(variants.build),
        "control": variants.control,
        "matrix_product_rate": [],
        "rows": [],
    }
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            bar = progress.add_task("matrix products", total=len(settings))
            rates = matrix_product_rates(settings)
            result["matrix_product_rate"] = [asdict(rate) for rate in rates.values()]
            for setting in settings:
                rows = compare_under(
                    setting,
                    variants,
                    objective,
                    effort,
                    rates[setting.device, setting.dtype],
                    memory=config.memory,
                    tell=functools.partial(_tell, progress, bar, setting.describe()),
                )
                result["rows"] += [row.as_dict() for row in rows]
                result["complete"] = setting is settings[-1]
                _write(folder, result)
                progress.advance(bar)
    finally:  # interrupted too: what was measured is shown
        if result["rows"]:
            _show(console, folder, result)
    return result


def settings_of(config: DictConfig) -> list[Setting]:
    """Every combination that the configuration asks for.

    Raises:
        InputError: For a device that is not here.
    """
    devices = dict.fromkeys(choose_device(device).type for device in config.devices)
    return [
        Setting(level, mode, device, dtype, memory_format, compiled, batch_size, _image_size(config, mode))
        for level, mode in itertools.product(config.levels, config.modes)
        for batch_size in config[mode].batch_sizes
        for device, dtype, memory_format, compiled in itertools.product(
            devices, config.dtypes, config.memory_formats, config.compile
        )
    ]


def variants_of(config: DictConfig) -> Variants:
    """The networks to compare; all of them start from the same seed.

    Raises:
        InputError: For an unknown upsampler, or where a network cannot be built.
    """
    names = check_upsamplers(config.upsamplers)
    control = check_control(config.control, names)
    network_for(config, control)  # settings of the model that no network can have are told at once

    def build_seeded(name: str) -> UNet:
        torch.manual_seed(config.seed)
        return network_for(config, name)

    return Variants({name: functools.partial(build_seeded, name) for name in names}, control)


def objective_of(config: DictConfig) -> Objective:
    """Loss and optimizer of a training step.

    Raises:
        InputError: Where they cannot be made.
    """
    optimizer = build(config.optimizer, trusted=True)
    try:
        optimizer([torch.nn.Parameter(torch.zeros(1))])
    except (TypeError, ValueError) as error:
        raise InputError(f"optimizer cannot be made: {error}") from error
    return Objective(build(config.loss, trusted=True), optimizer, config.training.gradient_clip_val)


def matrix_product_rates(settings: list[Setting]) -> dict[tuple[str, str], MatrixProductRate]:
    """For every device and dtype of the settings."""
    wanted = dict.fromkeys((setting.device, setting.dtype) for setting in settings)
    return {(device, dtype): matrix_product_rate(device, dtype) for device, dtype in wanted}


def _image_size(config: DictConfig, mode: str) -> tuple[int, int]:
    value = config[mode].image_size
    height, width = value if isinstance(value, ListConfig) else (value, value)
    return height, width


def _folder(out_dir: str) -> Path:
    folder = Path(out_dir).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"out_dir cannot be made: {error}", fix="choose another out_dir") from error
    return folder


def _tell(progress: Progress, bar: Any, setting: str, doing: str) -> None:
    progress.update(bar, description=f"{setting}\n  {doing}")


def _write(folder: Path, result: dict[str, Any]) -> None:
    write_json(folder / "speed.json", result)
    write_csv(folder / "speed.csv", result["rows"])
    write_text(folder / "speed.md", speed_document(result).to_markdown(folder))


def _show(console: Console, folder: Path, result: dict[str, Any]) -> None:
    # whole networks, or single layers where no network was measured
    rows = [row for row in result["rows"] if row["level"] == "network"] or result["rows"]
    for title, of_setting in by_setting(rows):
        console.print(grid_table(title, speed_grid(of_setting), TERMINAL))
    for remark in remarks(result["rows"]):
        console.print(remark, markup=False, highlight=False)
    if not result["complete"]:
        console.print("[yellow]not complete: these are the settings that were measured")
    for name in ("speed.json", "speed.md", "speed.csv"):
        console.print(f"{name:<12}{folder / name}", soft_wrap=True, highlight=False)
