"""How room is told."""

import pytest

from fundus_unet.data.download.room import megabytes


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 kB"), (20_400, "20 kB"), (2_600_000, "2.6 MB"), (76_300_000, "76 MB"), (1_764_974_308, "1.8 GB")],
)
def test_sizes(size: int, words: str) -> None:
    assert megabytes(size) == words
