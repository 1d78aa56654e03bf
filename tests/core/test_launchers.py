"""What torchrun and srun say in the environment."""

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.core.launchers import Launch, is_launched_beside_another, launch

NAMES = ("OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "WORLD_SIZE", "RANK", "LOCAL_RANK")


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, None),
        ({"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1"}, Launch("torchrun", 4, 3)),
        ({"WORLD_SIZE": "4", "LOCAL_RANK": "1"}, None),
        ({"WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0"}, None),
        ({"WORLD_SIZE": "many", "RANK": "0", "LOCAL_RANK": "0"}, None),
        ({"SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "5"}, Launch("srun", 8, 5)),
        ({"SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"}, None),
    ],
)
def test_who_started_this_process(monkeypatch: pytest.MonkeyPatch, said: dict[str, str], found: Launch | None) -> None:
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert launch() == found
    assert is_launched_beside_another() == (found is not None and found.rank > 0)


def test_mpirun_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    with pytest.raises(InputError, match="mpirun"):
        launch()
    assert not is_launched_beside_another()
