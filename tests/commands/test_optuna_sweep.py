"""Trainings whose settings Optuna chooses: `hydra/sweeper=optuna`."""

import signal
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from commands.launching import DATA, ended, killed_when, runs_in, started
from fundus_unet.commands.config_files import CONFIG_DIR
from fundus_unet.commands.optuna_study import StudyPlace, TrialPlace
from fundus_unet.commands.search_space import SearchSpace
from fundus_unet.runs.run_directory import RunDirectory
from running import Finished, Scripts, refused, succeeded

optuna = pytest.importorskip("optuna", reason="needs the extra sweep")
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: E402
from optuna.trial import TrialState  # noqa: E402

STUDY = "runs/study"
SWEEPER = ("-m", "hydra/sweeper=optuna", f"hydra.sweep.dir={STUDY}")
GIVEN = SWEEPER[1:]
SPACE = (
    "loss.dice_weight=interval(0.1,1.0)",
    "model.widths=[4,8],[4,4]",
    "augment=default,flips,none",
    "optimizer.lr=tag(log,interval(1e-4,1e-1))",
)


def study_in(folder: Path) -> "optuna.Study":
    return StudyPlace(str(folder / STUDY / "optuna.journal"), "study", False, 0, 0).open()


def space_of(*overrides: str) -> SearchSpace:
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        return SearchSpace.of(overrides, GlobalHydra.instance().config_loader())


def test_the_space_is_what_was_typed() -> None:
    space = space_of(
        "data=chasedb1",
        "upsampler=glob(transposed_k3*)",
        "optimizer.lr=tag(log,interval(1e-4,1e-1))",
        "data.patch_size=int(interval(32,64))",
        "seed=range(0,3)",
        "loss=a,b",
        "loss=bce_dice",
    )
    assert space.searched == {
        "upsampler": CategoricalDistribution(["transposed_k3s2p1", "transposed_k3s2p1_op1"]),
        "optimizer.lr": FloatDistribution(1e-4, 1e-1, log=True),
        "data.patch_size": IntDistribution(32, 64),
        "seed": CategoricalDistribution(["0", "1", "2"]),
    }
    assert space.fixed == {"data": "data=chasedb1", "loss": "loss=bce_dice"}


def test_a_training_below_the_median_is_ended(tmp_path: Path) -> None:
    place = StudyPlace(str(tmp_path / "journal"), "study", prune=True, after_trials=2, after_epochs=2)
    study = place.open()

    def trial() -> TrialPlace:
        return TrialPlace(place, study.ask()._trial_id)

    for score in (0.5, 0.7):
        asked = study.ask()
        assert not TrialPlace(place, asked._trial_id).report(1, score)
        assert not TrialPlace(place, asked._trial_id).report(2, score)
        study.tell(asked, score)
    assert not trial().report(2, 0.65)
    assert not trial().report(1, 0.1), "not before its time"
    assert trial().report(2, 0.1)


@pytest.mark.slow
def test_six_trials_survive_a_kill(scripts: Scripts) -> None:
    folder = scripts.folder
    given = (*SWEEPER, *DATA, *SPACE, "hydra.sweeper.n_trials=6", "hydra.sweeper.prune_after_trials=2")
    given = (*given, "hydra.sweeper.prune_after_epochs=0", "trainer.max_epochs=4")
    study_folder = folder / STUDY

    def third_trains() -> bool:
        runs = runs_in(study_folder)
        return len(runs) == 3 and len(list(study_folder.glob("*/checkpoints/last.ckpt"))) == 3

    killed_when(started(folder, "train", *given), third_trains, signal.SIGKILL)
    before = study_in(folder).get_trials()
    assert [trial.state for trial in before] == [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.RUNNING]
    finished = {
        run: (run / "threshold.json").stat().st_mtime_ns
        for run in study_folder.glob("*_*")
        if (run / "threshold.json").exists()
    }
    assert len(finished) == 2

    out = succeeded(scripts("train", *given)).out
    assert "the study 'study' goes on: 2 of 6 trials have ended" in out
    assert "6 of 6 trials have ended; best on validation" in out
    after = study_in(folder).get_trials()
    counted = [trial for trial in after if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    assert len(counted) == 6
    assert after[2].state == TrialState.FAIL, "the killed one is told as such"
    assert after[3].params == before[2].params, "and tried again first"
    assert len({str(trial.params) for trial in after}) == 6
    runs = runs_in(study_folder)
    assert len(runs) == 6, "in the run directory that it had"
    assert {run: (run / "threshold.json").stat().st_mtime_ns for run in finished} == finished
    states = [RunDirectory(run).sessions[-1]["ended"] for run in runs]
    assert sorted(states) == sorted("finished" if trial.state == TrialState.COMPLETE else "pruned" for trial in counted)
    best = max(trial.value for trial in counted if trial.state == TrialState.COMPLETE)
    reached = [max(one.scores["average_precision"] for one in RunDirectory(run).validations) for run in runs]
    assert best in reached
    assert f"{best:.4f}" in out
    assert not list(study_folder.glob("*/evaluation/test")), "what is searched never sees test"
    assert list(study_folder.glob("*/evaluation/val"))

    assert "6 of 6 trials have ended" in succeeded(scripts("train", *given)).out
    assert len(study_in(folder).get_trials()) == len(after)
    refused(scripts("train", *given, "loss.dice_weight=0.5"), "is of another search; it was not changed")


@pytest.mark.slow
def test_trials_side_by_side(scripts: Scripts) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="needs the extra sweep")
    out = ended(
        scripts.folder,
        "train",
        *SWEEPER,
        *DATA,
        "hydra/launcher=joblib",
        "seed=0,1",
        "model.upsampler.kernel_size=4,1",
        *(f"hydra.sweeper.{setting}" for setting in ("n_trials=4", "n_jobs=2", "sampler=random", "prune=false")),
        code=1,
    )
    states = {trial.params["model.upsampler.kernel_size"]: trial.state for trial in study_in(scripts.folder).trials}
    assert states == {"4": TrialState.COMPLETE, "1": TrialState.FAIL}
    assert "failed; the same command tries others in their place" in out
    assert len(runs_in(scripts.folder / STUDY)) <= 2


def test_mistakes_are_told_before_anything_is_trained(scripts: Scripts) -> None:
    def given(*overrides: str) -> Finished:
        return scripts.train(*GIVEN, *overrides, multirun=True)

    refused(given("seed=1"), "nothing to search")
    refused(given("seed=0,1", "hydra.sweeper.n_trials=0"), "hydra.sweeper.n_trials")
    refused(given("seed=0,1", "hydra.sweeper.prune_after_epochs=2.5"), "hydra.sweeper.prune_after_epochs", "integer")
    refused(given("seed=0,1", "hydra.sweeper.sampler=tepe"), "tpe or random", "tepe")
    refused(given("seed=0,1", "hydra.sweeper.storage=nodb://x"), "nodb://x", "cannot be used")
    assert not runs_in(scripts.folder / STUDY)
