"""Compare the checkerboards of trained runs, or of new networks: measures, tables and pictures."""

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

from fundus_unet.app.checkerboard_networks import (
    INIT,
    TRAINED,
    Candidate,
    TestImage,
    images_of,
    new_candidates,
    open_runs,
)
from fundus_unet.app.checkerboard_tables import markdown, summary_table
from fundus_unet.app.entry import INTERRUPTED
from fundus_unet.app.environment import environment
from fundus_unet.app.evaluate import check_split
from fundus_unet.app.load import choose_device
from fundus_unet.comparison.checkerboard.engine import Settings, measure_network
from fundus_unet.comparison.checkerboard.planting import CONTROL_SIZE
from fundus_unet.comparison.checkerboard.portrait import Portrait, portrait_of
from fundus_unet.comparison.checkerboard.reading import summarize, summarize_seeds
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import write_json, write_text
from fundus_unet.drawing.checkerboard_figures import phase_means_figure, residual_figure, spectrum_figure

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
        network = candidate.build().to(device).to(memory_format=torch.channels_last)
        inputs = [one.image.to(device, memory_format=torch.channels_last) for one in images]
        regions, backgrounds = [one.region for one in images], [one.background for one in images]
        readings = measure_network(network, inputs, regions, backgrounds, settings, bar)
        summary = {
            measure: {place: summarize(values) for place, values in places.items()}
            for measure, places in readings.items()
        }
        key = candidate.arm, candidate.state
        if key not in self.portraits:
            portrait = portrait_of(network, inputs[0], regions[0], backgrounds[0])
            self.portraits[key] = candidate.seed, portrait
        self.seeds[key].append({"seed": candidate.seed, "measures": summary})
        self.write()

    def arms(self) -> dict[str, Any]:
        """`{upsampler: {state: {measure: {place: summary over seeds}}}}`."""
        arms: dict[str, Any] = {}
        for (arm, state), seeds in self.seeds.items():
            arms.setdefault(arm, {})[state] = {
                measure: {
                    place: summarize_seeds([{"seed": one["seed"]} | one["measures"][measure][place] for one in seeds])
                    for place in places
                }
                for measure, places in seeds[0]["measures"].items()
            }
        return arms

    def write(self) -> None:
        arms = self.arms()
        facts = {
            "kind": "checkerboard",
            "created": datetime.datetime.now().isoformat(timespec="seconds"),
            "command": sys.argv,
            "environment": environment(),
            "protocol": self.protocol,
        }
        write_json(self.folder / "checkerboard.json", facts | {"arms": arms})
        write_text(self.folder / "checkerboard.md", markdown(arms, self.protocol))

    def draw(self) -> Path:
        """One picture each of phase means, residual and spectrum; every network on the same photograph."""
        folder = self.folder / "checkerboard"
        folder.mkdir(parents=True, exist_ok=True)
        rows = []
        for state in (INIT, TRAINED):
            of_state = {arm: shown for (arm, its), shown in self.portraits.items() if its == state}
            if of_state:
                rows.append([(f"{arm}\n{state}, seed {seed}", one) for arm, (seed, one) in of_state.items()])
        every = [one for row in rows for one in row]
        periods = max((portrait.periods for _, portrait in every), key=len)
        phase_means_figure([(name, portrait.phase_means) for name, portrait in every]).savefig(
            folder / "phase_means.png"
        )
        residual_figure([[(name, one.residual) for name, one in row] for row in rows]).savefig(folder / "residual.png")
        spectrum_figure([[(name, one.spectrum) for name, one in row] for row in rows], periods).savefig(
            folder / "spectrum.png"
        )
        return folder


def compare_from_config(config: DictConfig) -> dict[str, Any]:
    """Entry of `scripts/compare_checkerboard.py`; returns the arms.

    Runs that cannot be measured are reported, and the exit code is then 1. An interruption keeps what was measured.
    Raises: `InputError` before anything is measured where no network or no photograph can be used.
    """
    console = Console()
    check_split(config.split)
    count, shifts = _integer(config.photographs, "photographs", 1), _integer(config.max_shifts, "max_shifts", 2)
    device = choose_device(config.device)
    candidates, sources, problems = _candidates(config)
    for problem in problems:
        console.print(f"[red]left out[/] {problem}", soft_wrap=True, highlight=False)
    with Progress(console=console, transient=True) as progress:
        reading = progress.add_task("reading photographs", total=None)
        images = _images(sources, config.split, count, lambda: progress.advance(reading))
        progress.remove_task(reading)
        comparison = Comparison(Path(config.out_dir).resolve(), _protocol(config, images, device))
        bar = progress.add_task("measuring", total=len(candidates) * len(images))
        settings = Settings(max_shifts=shifts)
        try:
            for candidate in candidates:
                progress.update(bar, description=f"measuring {candidate.arm}, {candidate.state}")
                comparison.measure(candidate, images, settings, device, lambda: progress.advance(bar))
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
    arms = comparison.arms()
    if arms:
        _show(console, comparison, arms)
    if interrupted:
        console.print(f"interrupted: {sum(map(len, comparison.seeds.values()))} of {len(candidates)} networks measured")
        sys.exit(INTERRUPTED)
    if problems:
        sys.exit(INCOMPLETE)
    return arms


def _show(console: Console, comparison: Comparison, arms: dict[str, Any]) -> None:
    console.print(summary_table(arms))
    pictures = comparison.draw()
    for name, path in (
        ("numbers", comparison.folder / "checkerboard.json"),
        ("tables", comparison.folder / "checkerboard.md"),
        ("pictures", pictures),
    ):
        console.print(f"{name:9} {path}", soft_wrap=True, highlight=False)


def _candidates(config: DictConfig) -> tuple[list[Candidate], list[tuple[DictConfig, bool]], list[str]]:
    """Networks, the configurations that name their photographs, and what is wrong with runs that are left out."""
    if config.run_dirs:
        runs, candidates, problems = open_runs(config.run_dirs, config.paths.data_dir)
        return candidates, [(run.config, False) for run in runs], problems
    if config.paths.data_dir is None:
        config.paths.data_dir = "data"
    return new_candidates(config), [(config, True)], []


def _images(sources: Sequence[tuple[DictConfig, bool]], split: str, count: int, advance: Any) -> list[TestImage]:
    """The photographs of the first configuration; all others must name the same.

    Raises: `InputError` where they do not: networks on different photographs cannot be compared.
    """
    first, trusted = sources[0]
    for other, _ in sources[1:]:
        for key in ("source", "scale", "fov_diameter"):
            if other.data.get(key) != first.data.get(key):
                raise InputError(
                    "the runs were trained on different photographs or at different resolutions",
                    expected=f"one data.{key} for all runs: {first.data.get(key)}",
                    got=other.data.get(key),
                    fix="compare them in separate calls, each with its own out_dir",
                )
    return images_of(first, split, count, trusted, advance)


def _protocol(config: DictConfig, images: Sequence[TestImage], device: torch.device) -> dict[str, Any]:
    return {
        "split": config.split,
        "images": len(images),
        "photographs": [image.name for image in images],
        "working_sizes": [list(image.region.shape) for image in images],
        "max_shifts": config.max_shifts,
        "planted": CONTROL_SIZE,
        "number_format": "float32",
        "device": device.type,
        "checkpoint": "best",
        "run_dirs": [str(path) for path in config.run_dirs],
    }


def _integer(value: Any, key: str, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"{key} cannot be used", expected=f"an integer >= {least}", got=f"{key}={value}")
    return value
