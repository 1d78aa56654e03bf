"""A server gives the file or is passed over with a message, whatever it answers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from faults.attempt import Attempt
from faults.servers import LEFT, every_answer
from fundus_unet.data.download import http_download

Survived = Callable[[list[Attempt]], None]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no pause, and a short patience."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(http_download, "WAIT", 0)
    monkeypatch.setattr(http_download, "TIMEOUT", (5, 0.3))


def test_hostile_servers(tmp_path: Path, survived: Survived) -> None:
    survived(every_answer(tmp_path, ["a part"], every=4))


@pytest.mark.faults
def test_hostile_servers_after_anything(tmp_path: Path, survived: Survived) -> None:
    survived(every_answer(tmp_path, list(LEFT)))
