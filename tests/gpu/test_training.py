"""A training on a GPU, in every precision and way; what was begun on one device is continued on the other."""

import json
from pathlib import Path

import pytest
import torch

from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.training.segmenter import VesselSegmenter
from gpu.on_cuda import DATA, ON_CUDA, TRAINER, train
from running import Scripts, succeeded

pytestmark = pytest.mark.gpu


def weights(run: Path) -> dict[str, torch.Tensor]:
    saved = torch.load(run / "checkpoints/last.ckpt", map_location="cpu", weights_only=True)
    return saved["state_dict"]


@pytest.mark.parametrize(
    "overrides",
    [
        ("trainer.precision=bf16-mixed",),
        ("trainer.precision=32-true",),
        ("trainer.precision=16-mixed", "optimizer=adamw"),
        ("trainer.precision=auto", "data.workers=2", "upsampler=bilinear_conv"),
        ("channels_last=false", "+trainer.benchmark=true", "upsampler=transposed_k3s2p1"),
    ],
    ids=" ".join,
)
def test_a_training(scripts: Scripts, overrides: tuple[str, ...]) -> None:
    run = RunDirectory(succeeded(train(scripts, *overrides)).run_directory)
    assert run.environment["accelerator"] == torch.cuda.get_device_name()
    assert [one.step for one in run.validations] == [8, 16]
    assert all(0 <= one.scores["dice"] <= 1 for one in run.validations)
    assert all(value.isfinite().all() for value in weights(run.path).values())
    assert (run.path / "evaluation/test/metrics.json").is_file()
    if "trainer.precision=auto" in overrides:
        fast = torch.cuda.get_device_capability() >= (8, 0)
        assert run.config.trainer.precision == ("bf16-mixed" if fast else "32-true")


def test_one_process_of_ddp(scripts: Scripts) -> None:
    run = succeeded(train(scripts, "trainer.devices=1", trainer="trainer=ddp")).run_directory
    assert all(value.isfinite().all() for value in weights(run).values())
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize(
    ("first", "then"), [("trainer=cpu", TRAINER), (TRAINER, "trainer=cpu"), (TRAINER, TRAINER)], ids=lambda one: one[8:]
)
def test_a_run_is_continued_on_another_device(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch, first: str, then: str, optimizer: str
) -> None:
    original = VesselSegmenter.training_step

    def interrupted(self, batch, batch_idx):
        if self.global_step == 11:  # in the second epoch
            raise KeyboardInterrupt
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(VesselSegmenter, "training_step", interrupted)
        stopped = train(scripts, f"optimizer={optimizer}", trainer=first)
    assert stopped.code == 130, stopped.out + stopped.err
    before = weights(stopped.run_directory)
    succeeded(scripts("train", f"resume={stopped.run_directory}", then))
    after = weights(stopped.run_directory)
    assert all(value.isfinite().all() for value in after.values())
    assert any(not torch.equal(before[name], after[name]) for name in before)
    sessions = json.loads((stopped.run_directory / "training.json").read_text())["sessions"]
    assert [session["ended"] for session in sessions] == ["interrupted", "finished"]
    assert [one.step for one in RunDirectory(stopped.run_directory).validations] == [8, 16]


def test_a_budget_is_measured_and_kept(scripts: Scripts) -> None:
    settings = [one for one in ON_CUDA if not one.startswith(("data.steps_per_epoch", "trainer.max_epochs"))]
    run = succeeded(scripts("train", *DATA, *settings, "budget=20s", "trainer.precision=bf16-mixed")).run_directory
    kept = json.loads((run / "run.json").read_text())["budget"]
    assert kept["accelerator"] == torch.cuda.get_device_name()
    assert kept["seconds_per_step"] > 0
    assert RunDirectory(run).validations[-1].step == kept["steps"] >= 20
