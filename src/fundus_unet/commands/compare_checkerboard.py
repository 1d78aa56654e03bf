"""Compare the checkerboards of trained runs, or of new networks: measures, tables and figures."""

import datetime
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import Progress

from fundus_unet.commands.entry import INTERRUPTED
from fundus_unet.commands.tables import grid_table
from fundus_unet.commands.variants import check_upsamplers
from fundus_unet.comparison.checkerboard.candidates import (
    INIT,
    TRAINED,
    Candidate,
    TestImage,
    images_of,
    new_candidates,
    open_runs,
)
from fundus_unet.comparison.checkerboard.engine import Settings, measure_network
from fundus_unet.comparison.checkerboard.figures import phase_means_figure, residual_figure, spectrum_figure
from fundus_unet.comparison.checkerboard.generator_candidates import generator_candidates
from fundus_unet.comparison.checkerboard.planting import CONTROL_SIZE
from fundus_unet.comparison.checkerboard.portrait import Portrait, portrait_of
from fundus_unet.comparison.checkerboard.readings import summarize, summarize_seeds
from fundus_unet.comparison.checkerboard.tables import SHORT_LEGEND, checkerboard_document, short_grid
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import write_json, write_text
from fundus_unet.drawing.png import write_png
from fundus_unet.runs.device import choose_device
from fundus_unet.runs.environment import command, environment
from fundus_unet.runs.run_directory import plain
from fundus_unet.runs.run_settings import check_same, protocol_of

INCOMPLETE = 1


class Comparison:
    """What was measured so far, by upsampler and state; written after every network."""

    def __init__(self, folder: Path, protocol: dict[str, Any]) -> None:
        self.folder = folder
        self.protocol = protocol
        self.seeds: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        self.portraits: dict[tuple[str, str], tuple[int, Portrait]] = {}

    def measure(
        self, candidate: Candidate, images: Sequence[TestImage], settings: Settings, device: torch.device, bar: Any
    ) -> None:
        network, images = candidate.build(images)
        network = network.to(device).to(memory_format=torch.channels_last)
        inputs = [one.image.to(device) for one in images]
        regions, backgrounds = [one.region for one in images], [one.background for one in images]
        readings = measure_network(network, inputs, regions, backgrounds, settings, bar)
        summary = {
            measure: {place: summarize(values) for place, values in places.items()}
            for measure, places in readings.items()
        }
        key = candidate.variant, candidate.state
        if key not in self.portraits:
            portrait = portrait_of(network, inputs[0], regions[0], backgrounds[0])
            self.portraits[key] = candidate.seed, portrait
        self.seeds[key].append({"seed": candidate.seed, "measures": summary})
        self.write()

    def variants(self) -> dict[str, Any]:
        """`{upsampler: {state: {measure: {place: summary over seeds}}}}`."""
        variants: dict[str, Any] = {}
        for (variant, state), seeds in self.seeds.items():
            variants.setdefault(variant, {})[state] = {
                measure: {
                    place: summarize_seeds([{"seed": one["seed"]} | one["measures"][measure][place] for one in seeds])
                    for place in places
                }
                for measure, places in seeds[0]["measures"].items()
            }
        return variants

    def write(self) -> None:
        variants = self.variants()
        facts = {
            "kind": "checkerboard",
            "created": datetime.datetime.now().isoformat(timespec="seconds"),
            "command": command(),
            "environment": environment(),
            "protocol": self.protocol,
        }
        write_json(self.folder / "checkerboard.json", facts | {"variants": variants})
        write_text(
            self.folder / "checkerboard.md", checkerboard_document(variants, self.protocol).to_markdown(self.folder)
        )

    def draw(self) -> Path:
        """One figure each of phase means, residual and spectrum; every network on the same image."""
        folder = self.folder / "checkerboard"
        rows = []
        for state in (INIT, TRAINED):
            of_state = {variant: shown for (variant, its), shown in self.portraits.items() if its == state}
            if of_state:
                rows.append([(f"{variant}\n{state}, seed {seed}", one) for variant, (seed, one) in of_state.items()])
        every = [one for row in rows for one in row]
        periods = max((portrait.periods for _, portrait in every), key=len)
        means = phase_means_figure([(name, portrait.phase_means) for name, portrait in every])
        residual = residual_figure([[(name, one.residual) for name, one in row] for row in rows])
        spectrum = spectrum_figure([[(name, one.spectrum) for name, one in row] for row in rows], periods)
        write_png(folder / "phase_means.png", means)
        write_png(folder / "residual.png", residual)
        write_png(folder / "spectrum.png", spectrum)
        return folder


def compare_checkerboard_from_config(config: DictConfig) -> dict[str, Any]:
    """Entry of `scripts/compare_checkerboard.py`; returns the variants.

    Runs that cannot be measured are reported, and the exit code is then 1. An interruption keeps what was measured.

    Raises:
        InputError: Before anything is measured where no network or no image can be used.
    """
    console = Console()
    device = choose_device(config.device)
    candidates, sources, problems = _candidates(config, console)
    for problem in problems:
        console.print(f"[red]left out[/] {problem}", soft_wrap=True, highlight=False)
    with Progress(console=console, transient=True) as progress:
        reading = progress.add_task("reading images", total=None)
        images = _images(sources, config.split, config.images, lambda: progress.advance(reading))
        progress.remove_task(reading)
        comparison = Comparison(Path(config.out_dir).resolve(), _protocol(config, images, device))
        bar = progress.add_task("measuring", total=len(candidates) * len(images))
        settings = Settings(max_shifts=config.max_shifts)
        try:
            for candidate in candidates:
                progress.update(bar, description=f"measuring {candidate.variant}, {candidate.state}")
                comparison.measure(candidate, images, settings, device, lambda: progress.advance(bar))
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
    variants = comparison.variants()
    if variants:
        _show(console, comparison, variants)
    if interrupted:
        console.print(f"interrupted: {sum(map(len, comparison.seeds.values()))} of {len(candidates)} networks measured")
        sys.exit(INTERRUPTED)
    if problems:
        sys.exit(INCOMPLETE)
    return variants


def _show(console: Console, comparison: Comparison, variants: dict[str, Any]) -> None:
    console.print(grid_table("checkerboards", short_grid(variants)))
    console.print(SHORT_LEGEND, highlight=False)
    figures = comparison.draw()
    for name, path in (
        ("numbers", comparison.folder / "checkerboard.json"),
        ("tables", comparison.folder / "checkerboard.md"),
        ("figures", figures),
    ):
        console.print(f"{name:9} {path}", soft_wrap=True, highlight=False)


def _candidates(
    config: DictConfig, console: Console
) -> tuple[list[Candidate], list[tuple[DictConfig, bool]], list[str]]:
    """Networks, the configurations that name their images, and what is wrong with runs that are left out."""
    if config.run_dirs:
        if config.generator is not None:
            raise InputError("run_dirs are U-Nets; a generator is made here", fix="set only one of run_dirs, generator")
        runs, candidates, problems = open_runs(config.run_dirs, config.paths.data_dir)
        return candidates, [(run.config, False) for run in runs], problems
    if config.paths.data_dir is None:
        config.paths.data_dir = "data"
    names = check_upsamplers(config.upsamplers)
    found = new_candidates(config, names) if config.generator is None else generator_candidates(config, names, console)
    return found, [(config, True)], []


def _images(sources: Sequence[tuple[DictConfig, bool]], split: str, count: int, advance: Any) -> list[TestImage]:
    """The images of the first configuration; all others must name the same.

    Raises:
        InputError: Where they do not: networks on different images cannot be compared.
    """
    settings = ("data.source", "data.scale", "data.fov_diameter")
    named = {
        f"run {number}": {key: value for key, value in protocol_of(plain(source)).items() if key.startswith(settings)}
        for number, (source, _) in enumerate(sources, 1)
        if len(sources) > 1
    }
    check_same(named)
    first, trusted = sources[0]
    return images_of(first, split, count, trusted, advance)


def _protocol(config: DictConfig, images: Sequence[TestImage], device: torch.device) -> dict[str, Any]:
    return {
        "networks": config.generator._target_.rpartition(".")[2] if config.generator else "UNet",
        "split": config.split,
        "images": [image.name for image in images],
        "max_shifts": config.max_shifts,
        "planted": CONTROL_SIZE,
        "dtype": "float32",
        "device": device.type,
        "checkpoint": "best",
        "vae_training": dict(config.vae_training),
    }
