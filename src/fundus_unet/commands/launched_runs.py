"""The trainings of one command through a launcher of Hydra: side by side, or as jobs of a cluster."""

import copy
from collections.abc import Sequence
from pathlib import Path

from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from rich.console import Console

from fundus_unet.commands.entry import prepare_process, trusting_what_is_typed
from fundus_unet.commands.multirun import FINISHED, Multirun, take_jobs
from fundus_unet.commands.multirun_job import carry_out
from fundus_unet.commands.planned_runs import PlannedRun, train_rest
from fundus_unet.comparison.accuracy.scored_runs import Failure
from fundus_unet.core.invocation import setting
from fundus_unet.runs.resume import existing_run
from fundus_unet.runs.run_directory import RunDirectory

WHAT = "comparison"


def launch_planned(
    plan: Sequence[PlannedRun], overrides: Sequence[str], data_dir: str, out_dir: Path, console: Console
) -> tuple[list[RunDirectory], list[Failure]]:
    """Train every planned run that is not finished yet, as a job each; one that fails does not stop the others.

    Args:
        overrides: What all runs were given; jobs compose their configuration with it.
        data_dir: Of the runs, once they are trained.
        out_dir: Of the comparison.
    """
    rest = [planned for planned in plan if not _is_finished(planned)]
    console.print(
        f"{len(plan) - len(rest)} of {len(plan)} runs are finished; {len(rest)} go to the launcher", highlight=False
    )
    reasons = {}
    if rest:
        multirun = Multirun()
        multirun.start((), len(rest), str(out_dir.resolve()))
        multirun.arguments = (multirun.arguments[0], *overrides)
        multirun.given = dict(enumerate(rest))
        job = [*overrides, setting("hydra.sweep.dir", out_dir.resolve())]
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=HydraContext(config_loader=GlobalHydra.instance().config_loader(), callbacks=Callbacks()),
            task_function=train_given,
            config=_launchers_config(out_dir),
        )
        for returned in launcher.launch([job] * len(rest), initial_job_idx=0):
            _ = returned.return_value  # raises what the job raised
        reasons = {job.run: job.failure for job in take_jobs().values() if job.state != FINISHED}
    runs: list[RunDirectory] = []
    failures: list[Failure] = []
    for planned in plan:
        path = Path(planned.config.paths.run_dir)
        if path.name not in reasons and _is_finished(planned):
            runs.append(RunDirectory(path, data_dir))
        else:
            failures.append(Failure(path.name, reasons.get(path.name) or "its training has not ended"))
    return runs, failures


def train_given(config: DictConfig) -> None:
    """What a job does: train the run that it was given."""
    prepare_process()
    planned = Multirun().given[int(HydraConfig.get().job.num)]
    path = Path(planned.config.paths.run_dir)

    def train() -> None:
        train_rest(planned, WHAT)

    with trusting_what_is_typed(config):
        carry_out(path, path.name, train)


def _is_finished(planned: PlannedRun) -> bool:
    run = existing_run(Path(planned.config.paths.run_dir), planned.config)
    return run is not None and run.finished


def _launchers_config(out_dir: Path) -> DictConfig:
    """Hydra's own settings, with the comparison's folder for what launchers write."""
    config = OmegaConf.create({"hydra": copy.deepcopy(HydraConfig.get())})
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.sweep.dir = str(out_dir.resolve())
    return config
