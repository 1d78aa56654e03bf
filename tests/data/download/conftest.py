from collections.abc import Iterator

import pytest

from data.download.serving import Served, serving
from fundus_unet.data.download import http_download


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server, asked without a proxy and again without a pause."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(http_download, "WAIT", 0)
    with serving() as server:
        yield server
