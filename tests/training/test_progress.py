"""What a training shows while it runs: a line per epoch that fits 80 columns, and a bar on a terminal alone."""

import io
import re
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from fundus_unet.training import progress
from fundus_unet.training.progress import TrainingProgress

BATCHES, EPOCHS = 4, 12


class Clock:
    """Seconds that pass only where a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def train(monkeypatch, clock, terminal: bool = False, first_epoch: int = 0, validated=lambda epoch: True) -> str:
    """The screen after a training of ten seconds per batch, from `first_epoch` on."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=80, color_system=None)
    monkeypatch.setattr(progress, "Console", lambda: console)
    scores = {"val/dice": torch.tensor(0.81234), "val/average_precision": torch.tensor(0.9), "val/mcc": torch.tensor(0)}
    trainer = SimpleNamespace(
        num_training_batches=BATCHES,
        max_epochs=EPOCHS,
        max_steps=-1,
        accumulate_grad_batches=1,
        current_epoch=first_epoch,
        callback_metrics=scores,
        sanity_checking=False,
    )
    shown = TrainingProgress(refresh_rate=1)
    shown.on_train_start(trainer, None)
    for epoch in range(first_epoch, EPOCHS):
        trainer.current_epoch = epoch
        shown.on_train_epoch_start(trainer, None)
        for batch in range(BATCHES):
            clock.now += 10
            shown.on_train_batch_end(trainer, None, {"loss": torch.tensor(float(batch))}, None, batch)
        if validated(epoch):
            shown.on_validation_start(trainer, None)
            shown.on_validation_end(trainer, None)
        shown.on_train_epoch_end(trainer, None)
    shown.on_train_end(trainer, None)
    return screen.getvalue()


def test_a_pipe_gets_one_plain_line_per_epoch(monkeypatch, clock):
    lines = train(monkeypatch, clock).splitlines()
    assert len(lines) == EPOCHS
    assert lines[0] == "epoch  1/12  loss 1.5000  val Dice 0.8123  val AP 0.9000  7 min left"
    assert lines[-2] == "epoch 11/12  loss 1.5000  val Dice 0.8123  val AP 0.9000  40 s left"
    assert lines[-1] == "epoch 12/12  loss 1.5000  val Dice 0.8123  val AP 0.9000  in 8 min"
    assert max(map(len, lines)) <= 80


def test_a_resumed_run_counts_on_and_tells_what_is_left_from_its_own_speed(monkeypatch, clock):
    lines = train(monkeypatch, clock, first_epoch=9).splitlines()
    assert [line[:11] for line in lines] == ["epoch 10/12", "epoch 11/12", "epoch 12/12"]
    assert lines[0].endswith("80 s left")
    assert lines[-1].endswith("in 2 min")


def test_no_score_of_an_epoch_that_was_not_validated(monkeypatch, clock):
    lines = train(monkeypatch, clock, validated=lambda epoch: epoch % 2 == 1).splitlines()
    assert "Dice" not in lines[0]
    assert "Dice" in lines[1]
    assert "Dice" not in lines[2]


def test_a_terminal_has_a_bar_for_the_run_which_leaves_lines_alone(monkeypatch, clock):
    screen = train(monkeypatch, clock, terminal=True)
    assert "batch 3/48" in screen
    shown = [line for line in re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen)) if line.strip()]
    assert max(map(len, shown)) <= 80
    assert len([line for line in shown if "val Dice" in line]) == EPOCHS


def test_an_error_ends_the_bar(monkeypatch, clock):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    monkeypatch.setattr(progress, "Console", lambda: console)
    trainer = SimpleNamespace(
        num_training_batches=1, max_epochs=1, max_steps=-1, accumulate_grad_batches=1, current_epoch=0
    )
    shown = TrainingProgress()
    shown.on_train_start(trainer, None)
    shown.on_exception(trainer, None, KeyboardInterrupt())
    assert screen.getvalue().rstrip().endswith("\x1b[2K")
    assert "\x1b[?25h" in screen.getvalue(), "the cursor is there again"
