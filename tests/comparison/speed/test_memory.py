"""Peak memory: a planted amount is found, and a process that fails says so."""

import pytest

from comparison.speed.cases import Planted, conditions
from fundus_unet.comparison.speed.memory import MEBIBYTE, fill_to_peak, peak_memory, peak_resident_bytes
from fundus_unet.core.freed_memory import return_freed_memory


@pytest.mark.parametrize(
    "mebibytes", [64, 128]
)  # of smaller blocks malloc may keep a freed one, and take another beside it
def test_a_planted_amount_is_found(mebibytes):
    peak = peak_memory(Planted(mebibytes))
    assert peak.reason is None
    assert peak.accelerator_bytes is None
    assert peak.process_bytes == pytest.approx(mebibytes * MEBIBYTE, abs=8 * MEBIBYTE)


def test_what_this_process_has_had_does_not_count():
    large = b"\x01" * (300 * MEBIBYTE)
    peak = peak_memory(Planted(64))
    assert len(large) == 300 * MEBIBYTE
    assert peak.process_bytes == pytest.approx(64 * MEBIBYTE, abs=8 * MEBIBYTE)


@pytest.mark.parametrize(("end", "expected"), [("error", "RuntimeError: planted"), ("exit", "exit code 7")])
def test_a_failing_process_gives_a_reason(end, expected):
    peak = peak_memory(Planted(end=end))
    assert peak.process_bytes is None
    assert expected in peak.reason


def test_a_compilers_memory_is_not_taken_for_the_networks():
    peak = peak_memory(Planted(3, conditions=conditions(compiled=True)))
    assert peak.process_bytes is None
    assert "compiler" in peak.reason


def test_from_a_filled_process_all_memory_shows():
    return_freed_memory()  # as in a process that measures; commands of other tests may have kept it
    past_peak = b"\x01" * (60 * MEBIBYTE)
    del past_peak
    ballast, before = fill_to_peak()
    taken = b"\x01" * (20 * MEBIBYTE)
    assert peak_resident_bytes() - before == pytest.approx(len(taken), abs=5 * MEBIBYTE)
    assert ballast
