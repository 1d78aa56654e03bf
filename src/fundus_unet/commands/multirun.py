"""Many trainings from one command (`-m`): which there are, and how each ended. Imported by every command, so light."""

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

FINISHED, FAILED, INTERRUPTED = "finished", "failed", "interrupted"


@dataclass(frozen=True)
class Job:
    """How one run of a multirun ended. `scores` are its Dice by split; `minutes` those of all its sessions."""

    run: str
    settings: str
    state: str
    scores: dict[str, float] = field(default_factory=dict)
    minutes: float | None = None
    failure: str | None = None


@dataclass
class Multirun:
    """The jobs of this process's multirun.

    Args:
        varied: The settings that differ between jobs.
        total: How many jobs there are.
    """

    varied: tuple[str, ...] = ()
    total: int = 0
    jobs: list[Job] = field(default_factory=list)

    def begin(self, overrides: Iterable[str]) -> None:
        """Take in what was typed."""
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        values: dict[str, int | None] = {}  # of a key that is given twice the last counts
        for override in parser.parse_overrides(list(overrides)):
            swept = override.is_discrete_sweep()
            values[override.get_key_element()] = sum(1 for _ in override.sweep_string_iterator()) if swept else None
        counts = {key: count for key, count in values.items() if count is not None}
        self.varied, self.total, self.jobs = tuple(counts), math.prod(counts.values()), []

    def settings_of(self, overrides: Iterable[str]) -> str:
        """What tells a job from the others; all that was typed where there is one job."""
        given = list(overrides)
        return " ".join([item for item in given if item.partition("=")[0] in self.varied] or given)


multirun = Multirun()


class Outcomes(Callback):
    """Says at the end of a multirun how its jobs ended; the exit code is 1 where one failed."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        multirun.begin(config.hydra.overrides.task)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        if multirun.jobs and not show(multirun, config.hydra.sweep.dir):
            sys.exit(1)


def show(found: Multirun, folder: str) -> bool:
    """Print one row per job, and why some failed; returns whether all are finished."""
    from rich.console import Console

    from fundus_unet.commands.multirun_table import multirun_table

    finished = sum(job.state == FINISHED for job in found.jobs)
    console = Console()
    console.print()
    console.print(multirun_table(found.jobs))
    console.print(f"{finished} of {found.total} runs are finished, in {folder}", soft_wrap=True, highlight=False)
    failures = "".join(f"\n  {job.run}: {job.failure}" for job in found.jobs if job.failure)
    if failures:
        number = sum(job.failure is not None for job in found.jobs)
        print(f"{number} failed; the same command tries them again:{failures}", file=sys.stderr)
    return finished == found.total
