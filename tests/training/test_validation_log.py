"""validation.csv: what every validation gave and when, over all sessions of a run."""

from pathlib import Path

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.training.segmenter import VesselSegmenter
from fundus_unet.training.validation_file import Validation, read_validations
from fundus_unet.training.validation_log import ValidationLog
from running import Scripts, succeeded

LINE = "epoch,step,seconds,dice\n"


class Clock:
    """Seconds that pass as the test says."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Trainer:
    """What the log asks of one."""

    sanity_checking, is_global_zero = False, True

    def __init__(self, epoch: int, step: int, dice: float) -> None:
        self.current_epoch, self.global_step = epoch, step
        self.callback_metrics = {"val/dice": dice, "loss/val": 0.5, "loss/train": 9.0}


def test_seconds_go_on_from_the_state_of_a_checkpoint(tmp_path: Path) -> None:
    path, clock = tmp_path / "validation.csv", Clock()
    first = ValidationLog(path, clock)
    first.on_train_start(Trainer(0, 0, 0), None)
    clock.now += 10
    first.on_validation_end(Trainer(0, 8, 0.25), None)
    clock.now += 2
    state = first.state_dict()
    clock.now += 20
    first.on_validation_end(Trainer(1, 16, 0.5), None)  # its epoch did not end
    assert [one.seconds for one in read_validations(path)] == [10, 32]

    clock.now += 3600
    resumed = ValidationLog(path, clock)
    resumed.load_state_dict(state)
    resumed.on_train_start(Trainer(1, 8, 0), None)
    clock.now += 30
    resumed.on_validation_end(Trainer(1, 16, 0.75), None)
    assert read_validations(path) == [
        Validation(1, 8, 10, {"dice": 0.25, "loss": 0.5}),
        Validation(2, 16, 42, {"dice": 0.75, "loss": 0.5}),
    ]


def test_scores_that_are_not_finite_are_left_empty(tmp_path: Path) -> None:
    log = ValidationLog(tmp_path / "validation.csv")
    log.on_train_start(Trainer(0, 0, 0), None)
    log.on_validation_end(Trainer(0, 8, float("nan")), None)
    assert read_validations(log.path)[0].scores == {"dice": None, "loss": 0.5}


def test_nothing_is_written_where_the_seconds_before_are_not_known(tmp_path: Path) -> None:
    log = ValidationLog(tmp_path / "validation.csv")
    log.load_state_dict(log.state_dict())
    log.on_train_start(Trainer(3, 24, 0), None)
    log.on_validation_end(Trainer(3, 32, 0.5), None)
    assert not log.path.exists()
    assert log.state_dict() == {"seconds": 0.0}


@pytest.mark.parametrize(
    "text",
    [
        LINE + "1,8,x,0.5\n",
        LINE + "1,8,nan,0.5\n",
        LINE + "1,8,-1,0.5\n",
        LINE + "1,,10,0.5\n",
        LINE + "1,8,10,0.5\n2,16,9,0.5\n",
        "epoch,step\n1,8\n",
        "dice\n0.5\n",
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "validation.csv"
    path.write_text(text)
    with pytest.raises(InputError, match="is damaged"):
        read_validations(path)


def test_an_interrupted_run_continues_its_file(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    original = VesselSegmenter.training_step

    def interrupted(self, batch, batch_idx):
        if self.global_step == 20:
            raise KeyboardInterrupt
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(VesselSegmenter, "training_step", interrupted)
        assert scripts.train("trainer.max_epochs=3", "paths.run_dir=run").code == 130
    run = scripts.folder / "run"
    before = RunDirectory(run).validations
    assert [(one.epoch, one.step) for one in before] == [(1, 8), (2, 16)]
    succeeded(scripts("train", f"resume={run}"))
    after = RunDirectory(run).validations
    assert after[:2] == before
    assert (after[2].epoch, after[2].step) == (3, 24)
    assert after[2].seconds > before[1].seconds
    assert {"dice", "average_precision", "loss"} <= after[2].scores.keys()
    assert [session["preparation_seconds"] > 0 for session in RunDirectory(run).sessions] == [True, True]
