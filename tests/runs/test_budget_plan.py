"""From seconds per step and per validation to steps and epochs."""

import itertools

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.runs.budget_plan import FEW, LEAST_STEPS, MANY, MARGIN, VALIDATING, Plan, plan_for
from fundus_unet.training.step_timing import Timings

GRID = [
    (seconds, Timings(start, step, validation))
    for seconds, start, step, validation in itertools.product(
        (30.0, 300.0, 3600.0, 3.6e6), (0.0, 5.0), (0.001, 0.05, 0.5), (0.01, 1.0, 7.0)
    )
]


def test_an_example() -> None:
    assert plan_for(300, Timings(0.5, 0.052, 2.0)) == Plan(epochs=13, steps_per_epoch=369)


@pytest.mark.parametrize(("seconds", "timings"), GRID)
def test_a_training_ends_in_time_and_hardly_before(seconds: float, timings: Timings) -> None:
    plan = plan_for(seconds, timings)
    usable = seconds * (1 - MARGIN)
    assert plan.seconds(timings) <= usable + 1e-6
    assert plan.seconds(timings) > usable - plan.epochs * timings.step - 1e-6  # another step in each epoch is too much
    assert plan.steps >= LEAST_STEPS


@pytest.mark.parametrize(("seconds", "timings"), GRID)
def test_validation_is_cheap_or_rare(seconds: float, timings: Timings) -> None:
    plan = plan_for(seconds, timings)
    assert 1 <= plan.epochs <= MANY
    share = plan.epochs * timings.validation / (seconds * (1 - MARGIN) - timings.start)
    assert share <= (VALIDATING if plan.epochs > FEW else 0.5 + 1e-9) or plan.epochs == 1


def test_epochs_are_few_where_validation_is_slow_and_many_where_it_is_fast() -> None:
    assert plan_for(300, Timings(0, 0.1, 0.2)).epochs == MANY
    assert plan_for(300, Timings(0, 0.1, 8)).epochs == FEW
    assert plan_for(300, Timings(0, 0.1, 60)).epochs == 2
    assert plan_for(300, Timings(0, 0.1, 250)).epochs == 1


def test_few_steps_are_not_divided_into_many_epochs() -> None:
    plan = plan_for(100, Timings(0, 1, 0.01))
    assert (plan.epochs, plan.steps) == (FEW, 88)


def test_more_time_is_more_steps_and_a_slower_machine_fewer() -> None:
    steps = [plan_for(seconds, Timings(1, 0.2, 2)).steps for seconds in (30, 60, 300, 3000)]
    assert steps == sorted(set(steps))
    slower = [plan_for(300, Timings(1, step, 2)).steps for step in (0.05, 0.1, 0.4, 2)]
    assert slower == sorted(set(slower), reverse=True)


def test_too_short_a_time_is_answered_with_one_that_is_enough() -> None:
    timings = Timings(2, 0.5, 10)
    with pytest.raises(InputError, match="too short for this machine") as refused:
        plan_for(15, timings)
    assert "at least 27 s" in str(refused.value)
    assert plan_for(27, timings).steps >= LEAST_STEPS
    with pytest.raises(InputError, match="at least 33 s"):
        plan_for(27, timings, spent=6)
    assert plan_for(33, timings, spent=6).steps >= LEAST_STEPS


def test_no_validation_takes_no_time() -> None:
    assert plan_for(100, Timings(0, 0.1, 0)).steps == 900


def test_the_slowest_of_several_is_taken_part_by_part() -> None:
    assert Timings.slowest([Timings(1, 0.5, 2), Timings(0, 0.7, 3)]) == Timings(1, 0.7, 3)
