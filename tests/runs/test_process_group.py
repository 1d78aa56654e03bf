"""The group of the processes of a training, as the first one sees it."""

from types import SimpleNamespace

import pytest
from lightning.pytorch.strategies import DDPStrategy

from fundus_unet.core.errors import InputError
from fundus_unet.runs import process_group
from fundus_unet.runs.process_group import training_together, waited_for


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
