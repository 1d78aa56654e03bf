"""Many trainings from one command (`-m`): which there are, and how each ended. Imported by every command, so light."""

import math
import multiprocessing
import os
import platform
import re
import sys
import uuid
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.singleton import Singleton
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from fundus_unet.core.errors import InputError
from fundus_unet.core.invocation import from_here, running

FINISHED, FAILED, INTERRUPTED, PRUNED = "finished", "failed", "interrupted", "pruned"


@dataclass(frozen=True)
class Job:
    """How one run of a multirun ended.

    `scores` are its Dice by split; `minutes` those of all its sessions; `objective` the best validation average
    precision.
    """

    run: str
    settings: str
    state: str
    scores: dict[str, float] = field(default_factory=dict)
    minutes: float | None = None
    failure: str | None = None
    objective: float | None = None


@dataclass
class Multirun(metaclass=Singleton):
    """The jobs of a multirun. Hydra's launchers hand a copy to the processes that they start.

    Args:
        varied: The settings that differ between jobs.
        total: How many jobs there are.
        of_failed: What the same command does about those that failed.
        folder: Where the runs go, and what is told by jobs that end in other processes.
        key: Names this multirun among all that use the folder.
        place: Machine and process that the multirun was started in.
        command: In words, and its `arguments`, for what runs record.
        given: By its number: what a job has to know beside its settings.
    """

    varied: tuple[str, ...] = ()
    total: int = 0
    of_failed: str = ""
    folder: str = ""
    key: str = ""
    place: tuple[str, int] = ("", 0)
    command: str = ""
    arguments: tuple[str, ...] = ()
    given: dict[int, Any] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)

    def begin(self, overrides: Iterable[str], folder: str = "") -> None:
        """Take in what was typed."""
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        values: dict[str, int | None] = {}  # of a key that is given twice the last counts
        for override in parser.parse_overrides(list(overrides)):
            swept = override.is_discrete_sweep()
            values[override.get_key_element()] = sum(1 for _ in override.sweep_string_iterator()) if swept else None
        counts = {key: count for key, count in values.items() if count is not None}
        self.start(tuple(counts), math.prod(counts.values()), folder)

    def start(self, varied: tuple[str, ...], total: int, folder: str, of_failed: str = "tries them again") -> None:
        """Begin anew, in this process."""
        self.varied, self.total, self.folder, self.of_failed = varied, total, folder, of_failed
        self.key, self.place = uuid.uuid4().hex[:8], _here()
        self.command, self.arguments = running(), tuple(sys.argv)
        self.given, self.jobs = {}, {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        quiet_hydra()  # a launcher has started this process, and composes the job's configuration next

    def settings_of(self, overrides: Iterable[str]) -> str:
        """What tells a job from the others; all that was typed where there is one job."""
        given = list(overrides)
        return " ".join([item for item in given if item.partition("=")[0] in self.varied] or given)

    @property
    def is_elsewhere(self) -> bool:
        """Whether this process was started by a launcher, to run a job."""
        return bool(self.key) and self.place != _here()

    @property
    def is_beside(self) -> bool:
        """Whether this process is one of joblib's, which it calls so, and the multirun's own started it."""
        return bool(self.key) and multiprocessing.current_process().name.startswith("LokyProcess")


def has_launcher() -> bool:
    """Whether the user chose a launcher other than Hydra's own, which runs one job after another in this process."""
    return not str(HydraConfig.get().launcher._target_).startswith("hydra._internal.")


def check_has_use() -> None:
    """Raise `InputError` where Hydra would ignore a launcher or a sweeper that the user chose: without `-m`."""
    hydra = HydraConfig.get()
    given = [item for item in hydra.overrides.hydra if re.match(r"\+*hydra[/.](launcher|sweeper)\b", item)]
    if given and hydra.mode != RunMode.MULTIRUN:
        raise InputError(
            f"{given[0]} has no use for one job",
            expected="-m, and a setting with several values, such as seed=0,1",
            fix="add -m, or leave it out",
        )


def quiet_hydra() -> None:
    """Silence a remark on options of this project that are called as those that a plugin brings."""
    warnings.filterwarnings("ignore", message=r"\n'hydra/\w+/\w+' is validated against ConfigStore schema")


def _here() -> tuple[str, int]:
    return platform.node(), os.getpid()


class Outcomes(Callback):
    """Says at the end of a multirun how its jobs ended; the exit code is 1 where one failed."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        folder = str(Path(config.hydra.sweep.dir).expanduser().resolve())
        Multirun().begin(config.hydra.overrides.task, folder)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        if not tell_outcomes():
            sys.exit(1)


def tell_outcomes(*, ended_early: bool = False) -> bool:
    """Print how the jobs of this process's multirun ended, once; returns whether all are finished."""
    jobs = take_jobs()
    finished = not jobs or show(list(jobs.values()), Multirun().total, Multirun().folder)
    if jobs and ended_early:
        print("the same command goes on where this one stopped")
    return finished


def take_jobs() -> dict[int, Job]:
    """How the jobs of this process's multirun ended, by number; it is over with that."""
    from fundus_unet.commands.job_records import take_records

    found = Multirun()
    if found.is_elsewhere or not found.key:
        return {}
    jobs = found.jobs | take_records(Path(found.folder), found.key)
    found.key = ""
    return dict(sorted(jobs.items()))


def show(jobs: list[Job], total: int, folder: str) -> bool:
    """Print one row per job, and why some failed; returns whether all are finished, or were ended as not worth it."""
    from rich.console import Console

    from fundus_unet.commands.multirun_table import multirun_table

    counts = {state: sum(job.state == state for job in jobs) for state in (FINISHED, PRUNED)}
    pruned = f", {counts[PRUNED]} pruned" if counts[PRUNED] else ""
    console = Console()
    console.print()
    console.print(multirun_table(jobs))
    console.print(
        f"{counts[FINISHED]} of {total} runs are finished{pruned}, in {from_here(folder)}",
        soft_wrap=True,
        highlight=False,
    )
    failures = "".join(f"\n  {job.run}: {job.failure}" for job in jobs if job.failure)
    if failures:
        number = sum(job.failure is not None for job in jobs)
        print(f"{number} failed; the same command {Multirun().of_failed}:{failures}", file=sys.stderr)
    return sum(counts.values()) == total
