import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # on tensors this small, threads only wait for each other


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real photographs, which are not part of the repository."""
    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("FUNDUS_REAL_DATA", root.parent / "shared" / "datasets"))
    if not folder.is_dir():
        pytest.skip(f"no real photographs in {folder}; FUNDUS_REAL_DATA may name another folder")
    return folder


FORKING = ("test_disks.py", "test_inputs.py", "test_kills.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Attacks that fork this process come first: torch refuses autograd in a child whose parent has used it."""
    items.sort(key=lambda item: not (item.path.name in FORKING and item.path.parent.name == "faults"))
