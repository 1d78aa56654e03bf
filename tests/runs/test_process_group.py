"""The group of the processes of a training, as the first one sees it."""

import threading
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.strategies import DDPStrategy

from fundus_unet.core.errors import InputError
from fundus_unet.runs import process_group
from fundus_unet.runs.process_group import training_together, waited_for


def test_a_call_is_made_on_the_gpu_of_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA keeps the current device by thread."""
    used: list[tuple[int, int]] = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: used.append((device, threading.get_ident())))
    thread = waited_for(threading.get_ident)
    assert thread != threading.get_ident()
    assert used == [(1, thread)]


def test_what_a_call_raises_is_raised_here() -> None:
    def fail() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        waited_for(fail)


def test_a_group_that_could_not_be_left_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NCCL, where a process of an earlier training in this one was killed."""
    monkeypatch.setattr(process_group, "are_several", lambda: True)
    with (
        pytest.raises(InputError, match="earlier training"),
        training_together(SimpleNamespace(strategy=DDPStrategy()), {}, lambda error: None),
    ):
        pass
