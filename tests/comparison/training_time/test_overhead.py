"""The bare step is Lightning's step, and what is measured adds up."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningDataModule, Trainer
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from fundus_unet.comparison.training_time.bare_step import PARTS, BareStep
from fundus_unet.comparison.training_time.loops import SKIPPED, StepClock, StepTime, Training, parts_of_bare_step
from fundus_unet.comparison.training_time.overhead import BARE, LOGGED, LOOP, LOOPS, WHOLE, Plan, _parts
from fundus_unet.comparison.training_time.overhead_tables import (
    how_to_read,
    loops_table,
    parts_table,
    summary,
    whole_seconds,
)
from fundus_unet.comparison.training_time.profile import ActionTimes, _usual
from fundus_unet.losses.bce_dice import BCEDiceLoss
from fundus_unet.metrics.vessel_scores import VesselScores
from fundus_unet.models.downsampling import MaxPoolDownsampler
from fundus_unet.models.unet import UNet
from fundus_unet.training.segmenter import VesselSegmenter
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler

pytestmark = pytest.mark.filterwarnings("ignore")


class ScaledLoss(nn.Module):
    """Large, so that gradients are clipped."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = BCEDiceLoss()

    def forward(self, *arguments: Any) -> Any:
        return {name: 1000 * value for name, value in self.inner(*arguments).items()}


def segmenter() -> VesselSegmenter:
    torch.manual_seed(0)
    return VesselSegmenter(
        UNet(3, 1, [4, 8], InterpolateConvUpsampler, MaxPoolDownsampler),
        ScaledLoss(),
        partial(torch.optim.AdamW, lr=0.02),
        lambda optimizer, total_steps: LambdaLR(optimizer, lambda step: 1.0),
        VesselScores(),
    )


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    image = torch.randn(2, 3, 16, 16, generator=generator)
    label = (torch.rand(2, 1, 16, 16, generator=generator) < 0.3).float()
    return {"image": image, "label": label, "field_of_view": torch.ones_like(label, dtype=torch.bool)}


class Batches(LightningDataModule):
    def train_dataloader(self) -> Any:
        return torch.utils.data.DataLoader([batch()] * 6, batch_size=None)


def trainer(folder: Path, **settings: Any) -> Trainer:
    return Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
        default_root_dir=folder,
        **settings,
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"gradient_clip_val": 1.0},
        {"gradient_clip_val": 0.01, "gradient_clip_algorithm": "value"},
        {"precision": "bf16-mixed"},
        {"accumulate_grad_batches": 1},
    ],
    ids=str,
)
def test_the_bare_step_is_what_lightning_does(tmp_path: Path, settings: dict[str, Any]) -> None:
    trained = segmenter()
    trainer(tmp_path, **settings).fit(trained, Batches())
    step = BareStep(segmenter(), trainer(tmp_path, **settings), batch())
    for _ in range(6):
        step()
    expected = trained.network.state_dict()
    found = step.segmenter.network.state_dict()
    assert found.keys() == expected.keys()
    for name, value in found.items():
        assert torch.equal(value, expected[name]), name


def test_every_part_of_the_bare_step_is_timed(tmp_path: Path) -> None:
    step = BareStep(segmenter(), trainer(tmp_path), batch())
    parts = parts_of_bare_step(step, 4)
    assert list(parts) == list(PARTS)
    assert min(parts.values()) > 0


def test_gradients_that_are_gathered_make_an_optimizer_step_rarer(tmp_path: Path) -> None:
    step, marks = BareStep(segmenter(), trainer(tmp_path, accumulate_grad_batches=3), batch()), []
    for _ in range(6):
        step(marks.append)
    assert marks.count("optimizer") == 2
    assert marks.count("backward") == 6


def test_the_first_steps_of_a_loop_are_not_counted() -> None:
    clock = StepClock()
    clock.begun = [StepTime(wall, 2 * wall) for wall in [0.0] * SKIPPED + [10.0, 12.0, 16.0]]
    assert clock.step_time() == (3.0, 6.0)


def test_a_loop_over_batches_in_memory_has_as_many_steps_as_asked_for(tmp_path: Path) -> None:
    taken = []
    data: Any = Batches()
    training = Training(lambda *_: trainer(tmp_path), segmenter, data, steps=9, folder=tmp_path)
    original = StepClock.step_time

    def counted(clock: StepClock) -> StepTime:
        taken.append(len(clock.begun))
        return original(clock)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StepClock, "step_time", counted)
        assert training.loop_time(logged=False, patches=False).wall > 0
    assert taken == [9]
    assert list(tmp_path.iterdir()) == []


def test_calls_are_found_by_the_end_of_their_name() -> None:
    times = ActionTimes()
    for name in ("[Callback]A.end", "[Callback]B.end", "[Callback]A.end"):
        with times.profile(name):
            pass
    assert len(times.of("A.end")) == 2
    assert len(times.of(".end")) == 3
    assert times.of("other") == []


def test_the_usual_time_is_the_median_over_validations() -> None:
    assert _usual([9.0, 9.0, 1.0, 1.0, 2.0, 2.0], 3) == 4.0
    assert _usual([], 3) == 0.0


def spread(median: float) -> dict[str, float]:
    return {"median": median, "lower_quartile": median, "upper_quartile": median}


def planted(workers: int) -> dict[str, Any]:
    seconds = {BARE: 0.1, LOOP: 0.11, LOGGED: 0.12, WHOLE: 0.15}
    result = {
        "loops": [
            {"name": name, "seconds": spread(one), "beyond_bare": spread(one / 0.1 - 1)}
            | {"processor_seconds": spread(2 * one), "processor_beyond_bare": spread(0.01)}
            for name, one in seconds.items()
        ],
        "bare_step_parts": {"forward": 0.08, "backward": 0.12},
        "patch_parts": {"crop": 0.02},
        "validation_image_parts": {"forward": 0.5},
        "validation_parts": {"figures": 0.25},
        "epoch_parts": {"last.ckpt": 0.1},
        "decoding_seconds": 0.5,
        "plan": {"steps": 100, "epochs": 5, "validations": 5, "workers": workers},
        "rounds": 2,
        "steps_timed": 10,
        "seconds_waiting_for_a_batch": 0.001,
        "share_of_matrix_rate": 0.25,
        "flops": 1e9,
        "matrix_product_rate": {"dtype": "float32", "flops_per_second": 4e10},
    }
    plan = Plan(steps=100, epochs=5, validations=5, images=20, validation_images=4, workers=workers)
    return result | {"parts": _parts(result, plan)}


@pytest.mark.parametrize("workers", [0, 1])
def test_the_parts_add_up_to_the_whole_training(workers: int) -> None:
    result = planted(workers)
    assert whole_seconds(result) == pytest.approx(100 * 0.15 + 5 * (4 * 0.5 + 0.25) + 5 * 0.1 + 20 * 0.5)
    rows = {row[0]: row for row in parts_table(result).rows}
    assert rows["validation: forward"][2:5] == ["500.00", "20", "10.0"]
    assert rows["backward"][2] == "60.00", "parts that were timed in a slow moment add up to the bare step"
    assert rows["logging and progress"][2:5] == ["10.00", "100", "1.0"]
    assert rows["patches: crop"][-1].startswith("beside" if workers else "within")
    assert [row[3] for row in loops_table(result).rows] == ["", "+10.0%", "+20.0%", "+50.0%"]
    assert [row[6] for row in loops_table(result).rows] == ["", "+1.0%", "+1.0%", "+1.0%"]
    assert [row[0] for row in loops_table(result).rows] == list(LOOPS)
    assert "+50.0%" in summary(result)
    assert "25% of this machine's rate" in summary(result)
    assert ("other process" in how_to_read(result)) == bool(workers)
