"""A pipe is told how far a long batch is; a short one is silent."""

from pathlib import Path, PurePath

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.inference import batch_report
from fundus_unet.inference.batch_report import Report
from fundus_unet.inference.record import OK, WARNING, Record
from fundus_unet.inference.sources import Source, SourceList


@pytest.mark.parametrize(("silence", "lines"), [(0.0, ["1 of 3", "2 of 3"]), (1e9, [])])
@pytest.mark.parametrize("rank", [0, 1])
def test_a_line_now_and_then(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    silence: float,
    lines: list[str],
    rank: int,
) -> None:
    monkeypatch.setattr(batch_report, "SILENCE", silence)
    sources = SourceList(Source(tmp_path / f"{number}.png", PurePath(str(number))) for number in range(3))
    report = Report(tmp_path, sources, rank, 1)
    with report.progress(len(sources)):
        for source in sources:
            report.add(Record(str(source.path), OK))
    told = [line for line in capsys.readouterr().out.splitlines() if line]
    assert [line.split(" images")[0] for line in told] == (lines if rank == 0 else [])
    assert all(" images/s, about " in line for line in told)


def test_a_flood_of_warnings_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_report, "MOST_LINES", 2)
    report = Report(tmp_path, SourceList(), 0, 1)
    for number in range(5):
        report.add(Record(f"{number}.png", WARNING, message="unusual"))
    told = capsys.readouterr().out.splitlines()
    assert told == ["warning  0.png: unusual", "warning  1.png: unusual", "more are in the table"]


def test_one_batch_at_a_time_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    with Report(folder, SourceList(), 0, 1).alone():
        second = Report(folder, SourceList(), 0, 1).alone()
        with pytest.raises(InputError, match=r"another process is predicting into .*maps"), second:
            pass
    with Report(folder, SourceList(), 0, 1).alone():
        assert list(folder.iterdir()) == []
