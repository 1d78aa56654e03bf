"""A step on a GPU computes what it does on a CPU, never waits for the GPU, and is waited for where it is timed."""

import copy
import itertools
import time

import pytest
import torch
from lightning.pytorch import Callback, Trainer

from fundus_unet.comparison.training_time.bare_step import BareStep, wait_for
from fundus_unet.runs.prepared_training import quieten_libraries
from fundus_unet.training.muon import Muon
from fundus_unet.training.step_timing import step_times
from gpu.on_cuda import CUDA, batch, segmenter

pytestmark = pytest.mark.gpu
SETTINGS = {"accelerator": "gpu", "devices": 1, "gradient_clip_val": 1.0, "log_every_n_steps": 1000}
QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


def bare_step(precision: str, size: int = 4, side: int = 64) -> BareStep:
    quieten_libraries()
    trainer = Trainer(**SETTINGS, **QUIET, precision=precision)
    step = BareStep(segmenter(), trainer, batch(size, side))
    for _ in range(3):
        step()
    return step


def gradients(device: str) -> list[torch.Tensor]:
    model, patches = segmenter().double().to(device).train(), {name: one.to(device) for name, one in batch().items()}
    model.loss(model(patches["image"].double()), patches["label"], patches["field_of_view"])["loss"].backward()
    return [parameter.grad.cpu() for parameter in model.parameters()]


def test_gradients_are_those_of_the_cpu() -> None:
    """In float64: what rounding does to a maximum, or to the sign of a value before a ReLU, moves a gradient far."""
    expected = gradients("cpu")
    largest = max(one.norm() for one in expected)
    for one, other in zip(expected, gradients(CUDA), strict=True):
        assert (one - other).norm() <= 1e-9 * one.norm() + 1e-11 * largest


def test_a_step_of_muon_is_that_of_the_cpu() -> None:
    """Tolerance: 5e-3 of the largest change, for the batches of a GPU are others."""
    changes = []
    for device in ("cpu", CUDA):
        model = segmenter().to(device)
        before = [parameter.detach().clone() for parameter in model.parameters()]
        optimizer = Muon(model.parameters(), lr=0.03, weight_decay=0.01)
        for seed in range(3):
            random = torch.Generator().manual_seed(seed)
            for parameter in model.parameters():
                parameter.grad = torch.randn(parameter.shape, generator=random).to(device)
            optimizer.step()
        changes.append([(new - old).cpu() for new, old in zip(model.parameters(), before, strict=True)])
    for one, other in zip(*changes, strict=True):
        assert (one - other).abs().max() <= 5e-3 * one.abs().max()


@pytest.mark.parametrize("saved_on", ["cpu", CUDA])
def test_muon_continues_from_a_state_that_was_read_to_the_cpu(saved_on: str) -> None:
    states = []
    for device in (saved_on, CUDA):
        model = segmenter().to(device)
        optimizer = Muon(model.parameters())
        if states:
            optimizer.load_state_dict(copy.deepcopy(states[0]))
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        state = optimizer.state_dict()
        states.append(torch.utils._pytree.tree_map_only(torch.Tensor, lambda one: one.cpu().clone(), state))
    counts = [[one["step"] for one in state["state"].values() if "step" in one] for state in states]
    assert counts[0]
    assert [set(map(float, some)) for some in counts] == [{1.0}, {2.0}]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_step_never_waits_for_the_gpu(precision: str) -> None:
    step = bare_step(precision)
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


class _NoWaiting(Callback):
    """From the fifth to the tenth step, whatever waits for the GPU is an error."""

    steps = 0

    def on_train_batch_start(self, *_) -> None:
        torch.cuda.set_sync_debug_mode("error" if 5 <= self.steps < 10 else "default")
        self.steps += 1

    def on_exception(self, *_) -> None:
        torch.cuda.set_sync_debug_mode("default")


def test_nor_does_the_loop_around_it() -> None:
    quieten_libraries()
    watch = _NoWaiting()
    patches = {name: one.pin_memory() for name, one in batch().items()}
    trainer = Trainer(**SETTINGS, **QUIET, precision="bf16-mixed", max_steps=15, max_epochs=1, callbacks=[watch])
    trainer.fit(segmenter(), itertools.repeat(patches, 15))
    assert watch.steps == 15


def test_a_step_is_timed_to_its_end() -> None:
    """What it is told of takes the GPU far longer than it takes the CPU to tell."""
    size, side = 16, 512
    step = bare_step("32-true", size, side)
    wait_for(step.device)
    start = time.perf_counter()
    for _ in range(10):
        step()
    told = (time.perf_counter() - start) / 10
    wait_for(step.device)
    taken = (time.perf_counter() - start) / 10
    patches = {name: one.to(CUDA) for name, one in batch(size, side).items()}
    settings = {**SETTINGS, "precision": "32-true"}
    measured = step_times(segmenter(), itertools.repeat(patches), settings, seconds=0.5).step
    assert 0.5 * taken < measured < 3 * taken + 0.02, (told, taken, measured)
