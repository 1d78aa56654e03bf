"""Compare the checkerboards of networks: checkerboard.json, checkerboard.md and the figures in checkerboard/."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from fundus_unet.comparison.checkerboard.candidates import Candidate, TestImage
from fundus_unet.comparison.checkerboard.engine import measure_network
from fundus_unet.comparison.checkerboard.figure_data import FigureData, figure_data_of
from fundus_unet.comparison.checkerboard.figures import phase_means_figure, residual_figure, spectrum_figure
from fundus_unet.comparison.checkerboard.measured_values import summarize, summarize_seeds
from fundus_unet.comparison.checkerboard.planting import CONTROL_SIZE
from fundus_unet.comparison.checkerboard.states import STATES
from fundus_unet.comparison.checkerboard.tables import SHORT_LEGEND, checkerboard_document, short_grid
from fundus_unet.comparison.result import new_result, say_written, write_result
from fundus_unet.comparison.steps import Steps
from fundus_unet.comparison.terminal import print_table
from fundus_unet.core.float32 import without_tf32
from fundus_unet.drawing.png import write_png


class CheckerboardComparison:
    """What was measured so far, by variant and state; written after every network.

    Args:
        folder: Where results are written.
        images: That every network is measured on.
        max_shifts: Of each image.
        facts: Of the protocol, kept beside what is known here.
    """

    def __init__(
        self,
        folder: Path,
        images: Sequence[TestImage],
        max_shifts: int,
        device: torch.device,
        facts: dict[str, Any],
    ) -> None:
        self.folder, self.images, self.max_shifts, self.device = folder, images, max_shifts, device
        self.protocol = facts | {
            "images": [image.name for image in images],
            "max_shifts": max_shifts,
            "planted": CONTROL_SIZE,
            "dtype": "float32",
            "device": device.type,
            "checkpoint": "best",
        }
        self.seeds: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        self.figure_data: dict[tuple[str, str], tuple[int, FigureData]] = {}
        self.written: list[Path] = []

    @property
    def measured(self) -> int:
        """How many networks."""
        return sum(map(len, self.seeds.values()))

    def measure_all(self, candidates: Sequence[Candidate], console: Console) -> None:
        """Measure every network."""
        with Steps(console, len(candidates)) as steps:
            for candidate in candidates:
                steps.begin(f"{candidate.variant}, {STATES[candidate.state]}, seed {candidate.seed}")
                with without_tf32():
                    self._measure(candidate, steps)
                steps.end()

    def _measure(self, candidate: Candidate, steps: Steps) -> None:
        network, images = candidate.build(self.images)
        numbers = itertools.count(1)

        def advance() -> None:
            steps.doing(f"image {next(numbers)} of {len(images)} is done")

        network = network.to(self.device).to(memory_format=torch.channels_last)
        inputs = [one.image.to(self.device) for one in images]
        regions, backgrounds = [one.region for one in images], [one.background for one in images]
        measured = measure_network(network, inputs, regions, backgrounds, self.max_shifts, advance)
        summary = {
            measure: {place: summarize(values) for place, values in places.items()}
            for measure, places in measured.items()
        }
        key = candidate.variant, candidate.state
        if key not in self.figure_data:
            shown = figure_data_of(network, inputs[0], regions[0], backgrounds[0])
            self.figure_data[key] = candidate.seed, shown
        self.seeds[key].append({"seed": candidate.seed, "measures": summary})
        self.written = self._write()

    def variants(self) -> dict[str, Any]:
        """`{variant: {state: {measure: {place: summary over seeds}}}}`."""
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

    def _write(self) -> list[Path]:
        variants = self.variants()
        result = {**new_result("checkerboard"), "protocol": self.protocol, "variants": variants}
        return write_result(self.folder, result, checkerboard_document(variants, self.protocol))

    def show(self, console: Console) -> None:
        """Print the short table, and draw the figures."""
        print_table(console, "checkerboards", short_grid(self.variants()))
        console.print(SHORT_LEGEND, highlight=False)
        say_written(console, [*self.written, *self._draw()])

    def _draw(self) -> list[Path]:
        """One figure each of phase means, residual and spectrum; every network on the same image."""
        rows = []
        for state, title in STATES.items():
            of_state = {variant: data for (variant, its), data in self.figure_data.items() if its == state}
            if of_state:
                rows.append([(f"{variant}\n{title}, seed {seed}", data) for variant, (seed, data) in of_state.items()])
        every = [one for row in rows for one in row]
        periods = max((data.periods for _, data in every), key=len)
        figures = {
            "phase_means": phase_means_figure([(title, data.phase_means) for title, data in every]),
            "residual": residual_figure([[(title, data.residual) for title, data in row] for row in rows]),
            "spectrum": spectrum_figure([[(title, data.spectrum) for title, data in row] for row in rows], periods),
        }
        paths = [self.folder / "checkerboard" / f"{name}.png" for name in figures]
        for path, figure in zip(paths, figures.values(), strict=True):
            write_png(path, figure)
        return paths
