"""Interleaving, ratios and quartiles, with a clock that is told what to say."""

import itertools
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundus_unet.comparison.speed.roofline import LARGEST, LONG_ENOUGH, REPEATS, SMALLEST, matrix_product_rate
from fundus_unet.comparison.speed.timing import (
    Effort,
    Spread,
    interleaved_seconds,
    order_of_round,
    ratios,
    seconds_per_step,
)


class PlantedClock:
    """Says `seconds[step]`, and the time drifts by a factor with every round."""

    def __init__(self, seconds, drift=1.0, per_round=1):
        self.seconds, self.drift, self.per_round, self.calls = seconds, drift, per_round, []

    def __call__(self, step, number):
        self.calls.append((step, number))
        return self.seconds[step] * self.drift ** ((len(self.calls) - 1) // self.per_round)


def test_each_round_times_every_step_once_and_starts_with_another():
    clock = PlantedClock({"a": 0.01, "b": 0.02, "c": 0.3})
    seconds, failed = interleaved_seconds({name: name for name in "abc"}, Effort(4, 0.1), clock)
    calls = ["".join(name for name, _ in itertools.islice(clock.calls, at, at + 3)) for at in range(0, 18, 3)]
    # warm-up, the round that is thrown away, four rounds
    assert calls == ["abc", "cab", "abc", "bca", "cab", "abc"]
    assert failed == {}
    assert {name: len(values) for name, values in seconds.items()} == {"a": 4, "b": 4, "c": 4}


def test_so_many_steps_that_the_time_is_filled():
    clock = PlantedClock({"a": 0.01, "b": 0.03, "c": 0.3})
    interleaved_seconds({name: name for name in "abc"}, Effort(1, 0.1), clock)
    assert dict(clock.calls[3:6]) == {"a": 10, "b": 4, "c": 1}


def test_a_drifting_machine_does_not_change_the_ratio():
    clock = PlantedClock({"a": 0.5, "b": 1.5}, drift=1.7, per_round=2)
    seconds, _ = interleaved_seconds({"a": "a", "b": "b"}, Effort(5, 0.1), clock)
    assert Spread.of(seconds["a"]).upper_quartile > 2 * Spread.of(seconds["a"]).lower_quartile
    assert ratios(seconds["b"], seconds["a"]) == pytest.approx([3.0] * 5)


def test_the_ratio_is_taken_round_by_round():
    assert ratios([2.0, 9.0, 4.0], [1.0, 3.0, 8.0]) == [2.0, 3.0, 0.5]


def test_quartiles_by_hand():
    assert Spread.of([4.0, 1.0, 3.0, 2.0]) == Spread(2.5, 1.75, 3.25)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True), st.integers(0, 20))
def test_every_step_has_every_place_once_in_as_many_rounds_as_steps(names, start):
    rounds = [order_of_round(names, start + number) for number in range(len(names))]
    assert all(sorted(order) == sorted(names) for order in rounds)
    assert all(set(place) == set(names) for place in zip(*rounds, strict=True))


@pytest.mark.parametrize("fails_at", [1, 4])
def test_a_failing_step_does_not_stop_the_others(fails_at):
    counts = {"good": 0, "bad": 0}

    def clock(step, number):
        counts[step] += 1
        if step == "bad" and counts[step] == fails_at:
            raise RuntimeError("planted")
        return 0.1

    seconds, failed = interleaved_seconds({"bad": "bad", "good": "good"}, Effort(3, 0.1), clock)
    assert seconds == {"good": [0.1] * 3}
    assert str(failed["bad"]) == "planted"
    assert counts["bad"] == fails_at


def test_nothing_that_can_be_run():
    def clock(step, number):
        raise ValueError("planted")

    seconds, failed = interleaved_seconds({"a": "a"}, Effort(3, 0.1), clock)
    assert seconds == {}
    assert list(failed) == ["a"]


def test_the_real_clock_runs_the_step_as_often_as_it_says():
    calls = []
    assert seconds_per_step(lambda: calls.append(1), 5) > 0
    assert len(calls) == 5 + 2  # twice untimed


class TestMatrixProducts:
    def test_the_best_rate_of_any_size(self):
        # 256: 1 ms; 512: 4 ms, the best rate; 1024: long enough to stop
        says = iter([0.003, 0.001, 0.002, 0.005, 0.004, 0.004, 2.0, 1.0, 2.0])
        rate = matrix_product_rate("cpu", "float32", lambda step, number: next(says))
        assert rate.size == 512
        assert rate.flops_per_second == pytest.approx(2 * 512**3 / 0.004)
        assert not rate.tf32
        assert next(says, None) is None

    def test_multiplies_in_the_dtype(self):
        made = []
        matrix_product_rate("cpu", "bfloat16", lambda step, number: made.append(step()) or LONG_ENOUGH)
        assert {(product.dtype.itemsize, tuple(product.shape)) for product in made} == {(2, (SMALLEST, SMALLEST))}
        assert len(made) == REPEATS
        assert LARGEST % SMALLEST == 0

    def test_a_failure_is_a_reason(self):
        def clock(step, number):
            raise RuntimeError("no such product")

        rate = matrix_product_rate("cpu", "bfloat16", clock)
        assert rate.flops_per_second is None
        assert rate.reason == "RuntimeError: no such product"


def test_torch_does_not_warn_about_compilers_that_nothing_asks_for() -> None:
    code = "from fundus_unet.comparison.speed.timing import seconds_per_step; seconds_per_step(lambda: None, 1)"
    environment = os.environ | {"CUDA_HOME": "/nowhere"}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ended.stderr == ""
