"""`-m hydra/sweeper=optuna`: trainings whose settings follow from what those before reached on validation.

Every trial is a run as any of `-m`. What was tried is kept in the study's storage; the same command continues it: a
trial that was killed is trained again, and so resumed, as its run directory depends on its settings alone.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Le
from omegaconf import DictConfig, OmegaConf

from fundus_unet.commands.job_records import read_records
from fundus_unet.commands.multirun import FAILED, FINISHED, PRUNED, Multirun, tell_outcomes
from fundus_unet.commands.optuna_study import StudyPlace, TrialPlace, sampler_of
from fundus_unet.commands.search_space import SearchSpace
from fundus_unet.core.errors import InputError
from fundus_unet.core.invocation import command, from_here, setting
from fundus_unet.core.lock import alone_in
from fundus_unet.runs.schema import Count, Seed, Settings, Text, check

if TYPE_CHECKING:
    from optuna import Study, Trial

SPACE = "space"
FINAL_SPLIT = "final_split"
FromZero = Annotated[int, Ge(0), Le(10**6)]


class SweeperSettings(Settings):
    """The group `hydra.sweeper` for `optuna`."""

    n_trials: Count
    n_jobs: Count
    study_name: Text
    storage: Text
    sampler: Text
    seed: Seed
    prune: bool
    prune_after_trials: FromZero
    prune_after_epochs: FromZero
    params: dict[str, Any]


def sweep(
    given: Mapping[str, Any],
    arguments: Sequence[str],
    config: DictConfig,
    config_loader: Any,
    launch: Callable[[Sequence[Sequence[str]], int], Sequence[Any]],
) -> None:
    """Train until the study has its trials; exits with code 1 where some failed.

    Args:
        given: The settings of the sweeper.
        arguments: What was typed.
        launch: Carries out jobs, given the overrides of each and the number of the first.

    Raises:
        InputError: Where the settings or the storage cannot be used.
    """
    settings: SweeperSettings = check(SweeperSettings, _plain(given), "hydra.sweeper")
    typed = [f"{key}={value}" for key, value in settings.params.items()] + list(arguments)
    space = SearchSpace.of(typed, config_loader)
    if not space.searched:
        raise InputError(
            "there is nothing to search",
            expected="at least one setting with several values",
            fix="type them: upsampler=bilinear_conv,dysample optimizer.lr='interval(0.01,0.1)'",
        )
    if FINAL_SPLIT not in space.fixed:
        space.fixed[FINAL_SPLIT] = f"{FINAL_SPLIT}=val"  # what is chosen by many looks must not have been test
    folder = Path(config.hydra.sweep.dir).expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    busy = f"another process searches in {folder}"
    with alone_in(folder, busy, fix="wait for its end, or stop it; or choose another hydra.sweep.dir"):
        _search(settings, space, folder, launch)


def _search(
    settings: SweeperSettings,
    space: SearchSpace,
    folder: Path,
    launch: Callable[[Sequence[Sequence[str]], int], Sequence[Any]],
) -> None:
    storage = settings.storage if "://" in settings.storage else str(Path(settings.storage).expanduser().resolve())
    place = StudyPlace(
        storage, settings.study_name, settings.prune, settings.prune_after_trials, settings.prune_after_epochs
    )
    before = len(place.open().trials)  # a sampler of the same seed would begin with the same trials again
    study = place.open(sampler_of(settings.sampler, settings.seed + before, settings.n_jobs > 1))
    _check_space(study, space)
    _try_again(study)
    done = _ended(study)
    left = settings.n_trials - done
    if before:
        print(f"the study {settings.study_name!r} goes on: {done} of {settings.n_trials} trials have ended")
    Multirun().start(tuple(space.searched), max(0, left), str(folder), "tries others in their place")
    number = 0
    while left > 0:
        trials = [study.ask() for _ in range(min(settings.n_jobs, left))]
        _carry_out(study, place, trials, [space.overrides_for(trial) for trial in trials], number, launch)
        number, left = number + len(trials), left - len(trials)
    all_ended = tell_outcomes()
    _say_best(study, settings.n_trials, folder)
    if not all_ended:
        sys.exit(1)


def _carry_out(
    study: "Study",
    place: StudyPlace,
    trials: Sequence["Trial"],
    overrides: Sequence[Sequence[str]],
    first: int,
    launch: Callable[[Sequence[Sequence[str]], int], Sequence[Any]],
) -> None:
    """Train some trials at the same time, and tell the study how they ended; those of equal settings once."""
    multirun, jobs = Multirun(), list(dict.fromkeys(map(tuple, overrides)))
    number_of = {job: first + number for number, job in enumerate(jobs)}
    for trial, job in zip(trials, map(tuple, overrides), strict=True):
        multirun.given.setdefault(number_of[job], TrialPlace(place, trial._trial_id))
    try:
        for returned in launch(jobs, first):
            _ = returned.return_value  # raises what the job raised
    finally:
        ends = multirun.jobs | read_records(Path(multirun.folder), multirun.key)
        for trial, job in zip(trials, map(tuple, overrides), strict=True):
            if number_of[job] in ends:
                _tell(study, trial, ends[number_of[job]].state, ends[number_of[job]].objective)


def _tell(study: "Study", trial: "Trial", state: str, objective: float | None) -> None:
    """An interrupted trial is left as it is: it is tried again when the study goes on."""
    from optuna.trial import TrialState

    if state == FINISHED and objective is not None:
        study.tell(trial, objective)
    elif state == PRUNED:
        study.tell(trial, state=TrialState.PRUNED)
    elif state in (FINISHED, FAILED):
        study.tell(trial, state=TrialState.FAIL)


def _check_space(study: "Study", space: SearchSpace) -> None:
    """Raise `InputError` where the study that is there searches something else, or with other settings."""
    now, before = space.described(), study.user_attrs.get(SPACE)
    if before is None:
        study.set_user_attr(SPACE, now)
    elif before != now:
        differing = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        raise InputError(
            f"the study {study.study_name!r} is of another search; it was not changed",
            expected="; ".join(before.get(key, f"nothing of {key}") for key in differing),
            got="; ".join(now.get(key, f"nothing of {key}") for key in differing),
            fix="give the same command, or choose another hydra.sweeper.study_name",
        )


def _try_again(study: "Study") -> None:
    """Put trials that a killed process left at the head of the queue."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)


def _ended(study: "Study") -> int:
    from optuna.trial import TrialState

    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))


def _say_best(study: "Study", wanted: int, folder: Path) -> None:
    from optuna.trial import TrialState

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not complete:
        print(f"no trial of the study {study.study_name!r} is finished")
        return
    best = max(complete, key=lambda trial: trial.value or 0.0)
    told = " ".join(f"{key}={value}" for key, value in best.params.items())
    print(f"{_ended(study)} of {wanted} trials have ended; best on validation, average precision {best.value:.4f}:")
    print(f"  {told}\nall of them: {command('summarize', setting('dir', from_here(folder)))}")


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        key: OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
        for key, value in given.items()
    }
    return {key: value for key, value in found.items() if not key.startswith("_")}
