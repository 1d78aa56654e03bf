from pathlib import Path

import pytest

from running import Scripts
from data.layouts import write_chasedb1


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scripts:
    """Scripts called in a new folder, which holds `sets/CHASE_DB1`, a tiny generated set of the real layout."""
    write_chasedb1(tmp_path / "sets" / "CHASE_DB1")
    return Scripts(tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a module keeps the runs that its tests share; made by the first of them."""
    return tmp_path_factory.mktemp("kept") / "runs"
