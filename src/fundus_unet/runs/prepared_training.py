"""A training whose parts are ready: measured for a budget, restored, run and evaluated."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer, seed_everything
from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.core.duration import duration, seconds_of
from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Splits
from fundus_unet.data.checking.split_check import check_splits
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.runs.allowed_parts import trusted_names
from fundus_unet.runs.budget import measured, record, say, set_length
from fundus_unet.runs.budget_plan import Plan, plan_for
from fundus_unet.runs.build import build
from fundus_unet.runs.data_check import check_before_training
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.final_scores import score_best
from fundus_unet.runs.fit import checkpoints_of, continuing, fit
from fundus_unet.runs.load import load_preprocessor, load_weights
from fundus_unet.runs.lock import training_in
from fundus_unet.runs.processes import share_validation
from fundus_unet.runs.quiet_libraries import quieten_libraries
from fundus_unet.runs.resume import saved_best_score, saved_state
from fundus_unet.runs.run_directory import RunDirectory, plain
from fundus_unet.runs.run_logging import log_final_metrics, loggers_of
from fundus_unet.runs.screens import network_words, say_what_is_next, say_what_starts
from fundus_unet.runs.start_file import START
from fundus_unet.runs.start_weights import KEY, StartWeights, fill_from_kept
from fundus_unet.runs.training_objects import (
    make_datamodule,
    make_segmenter,
    make_trainer,
    shown,
    training_steps,
)
from fundus_unet.training.segmenter import VesselSegmenter


@dataclass(frozen=True)
class PreparedTraining:
    """Everything that a training is made of, ready before anything is written."""

    config: DictConfig
    splits: Splits
    preprocessor: Preprocessor
    datamodule: FundusDataModule
    segmenter: VesselSegmenter
    trainer: Trainer
    trusted: bool  # whether the user typed the configuration
    faults: list[str]  # of the data, with which it is trained nevertheless
    begun: float  # by `time.perf_counter`, when preparing began

    @classmethod
    def of(
        cls,
        config: DictConfig,
        trusted: bool,
        console: Console,
        check_with: str | None = None,
        callbacks: Sequence[Callback] = (),
        start: StartWeights | None = None,
    ) -> "PreparedTraining":
        """What can fail without an image is made first, and every file is checked before any is used.

        Args:
            check_with: The command that tells more of the data; None: its content was checked when the run began.
            callbacks: Beside those of the configuration.
            start: What a new network begins with; None: weights at random.
        """

        def check(splits: Splits) -> list[str]:
            if check_with is None or config.data_check == "off":
                check_splits(splits, partial(shown, description="checking files", console=console))
                return []
            # reads every file too, and no image is to be decoded twice for it
            return check_before_training(config, splits, console, check_with)

        return cls._of(config, trusted, console, check, callbacks, start)

    @classmethod
    def along(cls, config: DictConfig, trusted: bool) -> "PreparedTraining":
        """The same in another process than the first one, which has checked all, tells all and gives its weights."""
        return cls._of(config, trusted, Console(quiet=True), lambda _: [])

    @classmethod
    def _of(
        cls,
        config: DictConfig,
        trusted: bool,
        console: Console,
        check: Callable[[Splits], list[str]],
        callbacks: Sequence[Callback] = (),
        start: StartWeights | None = None,
    ) -> "PreparedTraining":
        begun = time.perf_counter()
        quieten_libraries()
        trainer = make_trainer(config, Path(config.paths.run_dir), trusted, callbacks)
        seed_everything(config.seed, verbose=False)
        segmenter = make_segmenter(config, trusted)
        if start is not None:
            start.give(segmenter.network)
        augmentation, preprocessor = build(config.augment, trusted=trusted), load_preprocessor(config)
        splits = splits_of(config.data, trusted=trusted)
        faults = check(splits)
        datamodule = make_datamodule(config, splits, preprocessor, augmentation, console, trainer.num_devices)
        share_validation(trainer, datamodule)
        return cls(config, splits, preprocessor, datamodule, segmenter, trainer, trusted, faults, begun)

    def fit_budget(self, console: Console) -> tuple[Plan, dict[str, Any]]:
        """Have as many steps as fit into the rest of `budget`, once they are measured; says and returns how many."""
        budget, start = self.config.budget, time.monotonic()
        timings = measured(self.config, self.trainer, self.segmenter, self.datamodule, console)
        plan = plan_for(seconds_of(budget), timings, spent=time.monotonic() - start)
        set_length(self.config, plan)
        self.trainer.fit_loop.max_epochs = plan.epochs
        self.datamodule.patches_per_epoch = plan.steps_per_epoch * self.datamodule.batch_size
        self.segmenter.plan_steps(training_steps(self.config))
        kept = record(budget, plan, timings)
        say(console, kept)
        return plan, kept

    def restore(self, checkpoints: Path, console: Console) -> None:
        """Continue from the last whole epoch, or where there is none from what the run began with."""
        state = saved_state(checkpoints, console)
        if state is None:
            if self.config.model.get("weights") is not None:
                raise InputError(
                    "there is no epoch to continue from, and a run that is there fetches no pretrained weights",
                    got=f"model.weights={self.config.model.weights}",
                    fix=f"start a new run, or remove {checkpoints.parent} to start it again",
                )
            if self.config.get(KEY) is not None:
                fill_from_kept(self.segmenter.network, checkpoints.parent / START)
            return
        network, config = self.segmenter.network, self.config
        self.trainer.precision_plugin.convert_module(network)  # in fit it is too late for weights of 64-true
        load_weights(network, state.path)
        state.check_schedule(*self.segmenter.plan_steps(training_steps(config)), config.trainer.max_epochs)
        checkpoints_of(self.trainer).resume(state, saved_best_score(checkpoints, network, console))

    def run(self, run: RunDirectory, console: Console, one_of_many: bool) -> dict[str, Any] | None:
        """Train in the run directory, and evaluate the best epoch."""
        with training_in(run.path):
            say_what_starts(console, run, self.config, self.splits, self.segmenter, self.trainer)
            fit(self.trainer, self.segmenter, self.datamodule, self.config, run, console, self._plan(run), self.begun)
            self._say_where_it_took_longer(run, console)
            try:
                return self._evaluate(run, console, one_of_many)
            except KeyboardInterrupt:
                print(f"\ninterrupted before all scores were written\ncontinue with: {continuing(run)}")
                raise

    def _plan(self, run: RunDirectory) -> dict[str, Any]:
        """What another process needs to prepare the same training; plain values."""
        return {
            "config": plain(self.config),
            "trusted": self.trusted,
            "trust": trusted_names(),
            "resumed": checkpoints_of(self.trainer).resumed is not None,
            "continue": continuing(run),
        }

    def _say_where_it_took_longer(self, run: RunDirectory, console: Console) -> None:
        budget, took = self.config.get("budget"), sum(session["wall_seconds"] for session in run.sessions)
        if budget is not None and took > seconds_of(budget):
            console.print(
                f"training took {duration(took)}, longer than budget={budget}: it became slower than it was measured",
                style="yellow",
                markup=False,
                soft_wrap=True,
            )

    def _evaluate(self, run: RunDirectory, console: Console, one_of_many: bool) -> dict[str, Any] | None:
        scored = score_best(run, self.config, self.splits, self.preprocessor, console)
        if scored is None:
            console.print("no validation was run, so there is no best checkpoint to evaluate")
            return None
        metrics, cases = scored
        log_final_metrics(self.trainer, run, self.config, network_words(run, self.segmenter), metrics)
        if not one_of_many:
            say_what_is_next(console, run, cases, watched=bool(loggers_of(self.trainer)))
        return metrics
