"""The study of an Optuna sweep, and one trial of it as the process that trains it sees it."""

import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fundus_unet.core.errors import InputError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.samplers import BaseSampler

SAMPLERS = ("tpe", "random")


@dataclass(frozen=True)
class StudyPlace:
    """Where a study is kept, and when it ends trainings early; handed to the processes that train.

    Args:
        storage: The path of a file, or the address of a database, which has `://` in it.
        prune: Whether trainings may be ended early; never before `after_trials` are finished, nor `after_epochs`.
    """

    storage: str
    name: str
    prune: bool
    after_trials: int
    after_epochs: int

    def open(self, sampler: "BaseSampler | None" = None) -> "Study":
        """The study, made where it is not there.

        Raises:
            InputError: Where the storage cannot be used.
        """
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(logging.WARNING)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
        if self.prune:
            pruner = optuna.pruners.MedianPruner(self.after_trials, n_warmup_steps=self.after_epochs)
        try:
            storage: Any = self.storage
            if "://" not in self.storage:
                storage = JournalStorage(JournalFileBackend(self.storage))
            return optuna.create_study(
                storage=storage,
                study_name=self.name,
                sampler=sampler,
                pruner=pruner,
                direction="maximize",
                load_if_exists=True,
            )
        except ModuleNotFoundError:
            raise
        except Exception as error:  # of SQLAlchemy, a database's driver or JSON
            raise InputError(
                f"the storage of the search cannot be used: {str(error).splitlines()[0]:.200}",
                got=f"hydra.sweeper.storage={self.storage}",
                fix="name another file or database; the runs themselves are kept, and are found again",
            ) from error


@dataclass(frozen=True)
class TrialPlace:
    """One trial of a study."""

    study: StudyPlace
    trial_id: int

    def report(self, epoch: int, score: float) -> bool:
        """Tell the study what a validation gave; returns whether the training is to end."""
        from optuna.trial import Trial

        trial = Trial(self.study.open(), self.trial_id)
        trial.report(score, epoch)
        return bool(trial.should_prune())


def sampler_of(name: str, seed: int, several: bool) -> "BaseSampler":
    """The sampler of that name.

    Args:
        several: Whether trials are chosen before others have ended.

    Raises:
        InputError: For another name.
    """
    import optuna

    if name == "tpe":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.TPESampler(seed=seed, constant_liar=several)
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    raise InputError("there is no such sampler", expected=" or ".join(SAMPLERS), got=f"hydra.sweeper.sampler={name}")
