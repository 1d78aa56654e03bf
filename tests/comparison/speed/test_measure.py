"""Rows of one set of conditions, with times that are planted."""

import pytest

from comparison.speed.cases import BILINEAR, K4, TRAINING, Refusing, conditions, network
from fundus_unet.comparison.speed import measure, workload
from fundus_unet.comparison.speed.measure import Variants, compare_under
from fundus_unet.comparison.speed.memory import PeakMemory
from fundus_unet.comparison.speed.roofline import MatrixProductRate
from fundus_unet.comparison.speed.timing import Effort
from fundus_unet.core.errors import InputError

RATE = MatrixProductRate("cpu", "float32", 1e9, 512, False)


def variants(control="k4", **upsamplers):
    upsamplers = upsamplers or {"k4": K4, "bilinear": BILINEAR}
    return Variants({name: lambda made=made: network(made) for name, made in upsamplers.items()}, control)


def clock_of(**seconds):
    """A clock that knows the step of each upsampler by its turn in the warm-up, and really runs it."""
    known, names = {}, iter(seconds)

    def clock(step, number):
        step()
        if step not in known:
            known[step] = next(names)
        return seconds[known[step]]

    return clock


def compared(chosen, some_variants=None, clock=None, **options):
    some_variants = some_variants or variants()
    options = {"memory": False} | options
    return compare_under(chosen, some_variants, TRAINING, Effort(3, 0.1), RATE, clock=clock or same_time, **options)


def same_time(step, number):
    step()
    return 0.1


@pytest.mark.parametrize("mode", ["training", "inference"])
def test_arithmetic_of_a_row(mode):
    chosen = conditions(level="network", mode=mode, batch_size=4)
    control, other = compared(chosen, clock=clock_of(k4=0.2, bilinear=0.5))
    assert (control.upsampler, other.upsampler) == ("k4", "bilinear")
    assert control.median_seconds == 0.2
    assert (other.median_seconds, other.lower_quartile_seconds, other.upper_quartile_seconds) == (0.5, 0.5, 0.5)
    assert control.ratio_to_control == 1.0
    assert [other.ratio_to_control, other.ratio_lower_quartile, other.ratio_upper_quartile] == pytest.approx([2.5] * 3)
    assert other.images_per_second == pytest.approx(4 / 0.5)
    assert other.share_of_matrix_rate == pytest.approx(other.flops / 0.5 / 1e9)
    assert other.rounds == 3
    assert other.parameters == sum(p.numel() for p in network(BILINEAR).parameters())
    assert (other.in_channels, other.out_channels, other.size, other.output_size) == (3, 1, (20, 12), (20, 12))
    assert other.status == "measured"
    assert other.process_memory_bytes is None


def test_layers_have_a_row_per_stage_and_are_timed_within_it():
    rows = compared(conditions())
    assert [(row.stage, row.upsampler) for row in rows] == [(1, "k4"), (1, "bilinear"), (2, "k4"), (2, "bilinear")]
    assert [(row.in_channels, row.size) for row in rows[1:3]] == [(16, (5, 3)), (8, (10, 6))]
    assert {row.ratio_to_control for row in rows} == {1.0}


def test_memory_is_measured_of_every_upsampler():
    told = []
    rows = compared(conditions(level="network", batch_size=8, image_size=(64, 64)), memory=True, tell=told.append)
    # the input of the last decoder block: skip and upsampled map, 4 channels each
    least = 8 * (4 + 4) * 64 * 64 * 4
    assert all(least < row.process_memory_bytes < 50 * least for row in rows)
    assert told == ["timing k4, bilinear", "memory of k4", "memory of bilinear"]


class TestFailing:
    @pytest.mark.parametrize("level", ["layer", "network"])
    def test_one_that_cannot_run(self, level):
        rows = compared(conditions(level=level), variants(k4=K4, refusing=Refusing, bilinear=BILINEAR))
        refused = [row for row in rows if row.upsampler == "refusing"]
        assert {(row.status, row.reason) for row in refused} == {("failed", "RuntimeError: no kernel for such a batch")}
        assert {row.median_seconds for row in refused} == {None}
        others = [row for row in rows if row.upsampler != "refusing"]
        assert {row.status for row in others} == {"measured"}
        assert len(others) == 2 * len(refused)

    def test_one_that_cannot_be_built(self):
        def impossible(*channels):
            raise InputError("no such layer", expected="another")

        rows = compared(conditions(), variants(k4=K4, impossible=impossible))
        assert (rows[-1].upsampler, rows[-1].status, rows[-1].reason) == ("impossible", "failed", "no such layer")
        assert {row.status for row in rows[:-1]} == {"measured"}

    def test_one_that_cannot_be_compiled(self, monkeypatch):
        def compile_or_not(module):
            if "Interpolate" in type(module).__name__:
                raise NotImplementedError("replicate padding")
            return module

        monkeypatch.setattr(workload, "_compiled", compile_or_not)
        rows = compared(conditions(compiled=True))
        assert [row.status for row in rows] == ["measured", "failed"] * 2
        assert rows[1].reason == "NotImplementedError: replicate padding"
        assert rows[1].flops  # counted uncompiled

    def test_without_a_control_there_is_no_ratio(self):
        rows = compared(conditions(), variants(control="refusing", refusing=Refusing, bilinear=BILINEAR))
        assert [row.ratio_to_control for row in rows] == [None] * 4
        assert rows[1].median_seconds is not None

    def test_without_a_rate_there_is_no_share(self):
        unknown = MatrixProductRate("cpu", "float32", None, None, False, "RuntimeError: none")
        rows = compare_under(conditions(), variants(), TRAINING, Effort(1, 0.1), unknown, memory=False, clock=same_time)
        assert {row.share_of_matrix_rate for row in rows} == {None}

    def test_memory_that_cannot_be_measured(self, monkeypatch):
        monkeypatch.setattr(measure, "peak_memory", lambda workload: PeakMemory(reason="exit code -9"))
        rows = compared(conditions(), memory=True)
        assert {(row.status, row.reason) for row in rows} == {("measured", "no memory: exit code -9")}
