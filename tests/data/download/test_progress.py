"""What is shown of a long download where there is no terminal."""

import io

import pytest
from rich.console import Console

from fundus_unet.data.download import progress
from fundus_unet.data.download.room import part_of

MB = 10**6


@pytest.mark.parametrize(
    ("done", "total", "words"),
    [
        (8_600_000, 31 * MB, "8.6 of 31 MB"),
        (400_000, 1_800 * MB, "0.4 MB of 1.8 GB"),
        (20_000, 90_000, "20 of 90 kB"),
        (20_000, None, "20 kB"),
    ],
)
def test_a_part_in_words(done: int, total: int | None, words: str) -> None:
    assert part_of(done, total) == words


def test_a_line_now_and_then_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    console = Console(file=io.StringIO(), width=80)
    with progress.LoadingProgress(console).of("loading all.zip", "loaded all.zip") as update:
        for second in range(0, 101, 10):  # 0.1 MB each second, after 20 MB that an earlier attempt left
            clock[0] = float(second)
            update(20 * MB + second * MB // 10, 32 * MB)
    assert console.file.getvalue().splitlines() == [
        "loading all.zip: 23 of 32 MB, 90 s left",
        "loading all.zip: 26 of 32 MB, 60 s left",
        "loading all.zip: 29 of 32 MB, 30 s left",
        "loaded all.zip, 30 MB",
    ]
