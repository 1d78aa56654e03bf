"""Where the time of a training goes: training_overhead.json, training_overhead.md and training_overhead.csv."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from fundus_unet.comparison.result import new_result, say_written, write_result
from fundus_unet.comparison.speed.roofline import matrix_product_rate
from fundus_unet.comparison.speed.timing import Spread, order_of_round, ratios
from fundus_unet.comparison.steps import Steps
from fundus_unet.comparison.terminal import print_table
from fundus_unet.comparison.training_time.loops import StepTime, Training, bare_time, parts_of_bare_step
from fundus_unet.comparison.training_time.overhead_tables import (
    LOOPS_SHOWN,
    PARTS_SHOWN,
    how_to_read,
    loops_table,
    overhead_document,
    parts_table,
    summary,
)
from fundus_unet.comparison.training_time.patch_parts import decoding_seconds, patch_seconds
from fundus_unet.comparison.training_time.profile import profiled, validation_image_seconds
from fundus_unet.core.counting import count_flops

KIND = "training_overhead"
BARE, LOOP, LOGGED, WHOLE = "bare step", "in Lightning's loop", "with logging and progress", "with patches being made"
LOOPS = (BARE, LOOP, LOGGED, WHOLE)
"""Each does what the one before does, and more."""


@dataclass(frozen=True)
class Plan:
    """What a whole training of this configuration is, in numbers."""

    steps: int
    epochs: int
    validations: int
    images: int
    validation_images: int
    workers: int


def training_overhead(
    training: Training,
    plan: Plan,
    rounds: int,
    dtype: str,
    out_dir: Path,
    console: Console,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Measure and tell; returns what training_overhead.json holds.

    Args:
        dtype: Of the training's matrix products.
        facts: What is measured, kept in the result.
    """
    with Steps(console, (rounds + 1) * len(LOOPS) + 4) as steps:
        bare = training.bare()
        loops: dict[str, Callable[[], StepTime]] = {
            BARE: lambda: bare_time(bare, training.steps),
            LOOP: lambda: training.loop_time(logged=False, patches=False),
            LOGGED: lambda: training.loop_time(logged=True, patches=False),
            WHOLE: lambda: training.loop_time(logged=True, patches=True),
        }
        times: dict[str, list[StepTime]] = {name: [] for name in LOOPS}
        for number in range(-1, rounds):  # the first is thrown away
            for name in order_of_round(LOOPS, number):
                measured = _told(name, loops[name], steps)()
                if number >= 0:
                    times[name].append(measured)
        parts = _told("parts of the bare step", lambda: parts_of_bare_step(bare, training.steps), steps)()
        patches = _told("parts of a patch", lambda: patch_seconds(training.datamodule), steps)()
        image = _told("parts of a validation", lambda: validation_image_seconds(training), steps)()
        of_validation, of_epoch, waited = _told("a profiled training", lambda: profiled(training), steps)()
    device = bare.device.type
    rate = matrix_product_rate(device, dtype)
    flops = count_flops(bare)
    median = Spread.of(time.wall for time in times[BARE]).median
    datamodule = training.datamodule
    result = {
        **new_result(KIND),
        **facts,
        "plan": asdict(plan),
        "steps_timed": training.steps,
        "rounds": rounds,
        "loops": [_loop(name, times[name], times[BARE]) for name in LOOPS],
        "bare_step_parts": parts,
        "patch_parts": patches,
        "seconds_waiting_for_a_batch": waited,
        "validation_image_parts": image,
        "validation_parts": of_validation,
        "epoch_parts": of_epoch,
        "decoding_seconds": decoding_seconds(datamodule.train, datamodule.val),
        "matrix_product_rate": asdict(rate),
        "flops": flops,
        "share_of_matrix_rate": None if rate.flops_per_second is None else flops / median / rate.flops_per_second,
    }
    result["parts"] = _parts(result, plan)
    paths = write_result(out_dir, result, overhead_document(result), result["parts"], f"{KIND}.csv")
    print_table(console, "milliseconds of a training step", loops_table(result), LOOPS_SHOWN)
    print_table(console, "where the time of the whole training goes", parts_table(result), PARTS_SHOWN)
    for text in (summary(result), how_to_read(result)):
        console.print(f"\n{text}", highlight=False, markup=False)
    say_written(console, paths)
    return result


def _told(name: str, measure: Callable[[], Any], steps: Steps) -> Callable[[], Any]:
    def told() -> Any:
        steps.begin(name)
        found = measure()
        steps.end()
        return found

    return told


def _loop(name: str, times: list[StepTime], bare: list[StepTime]) -> dict[str, Any]:
    """Spreads over the rounds, on the wall and of the processor; what is beyond the bare step, round by round."""
    found: dict[str, Any] = {"name": name}
    for kind, prefix in (("wall", ""), ("processor", "processor_")):
        own, its = ([getattr(time, kind) for time in each] for each in (times, bare))
        found[f"{prefix}seconds"] = asdict(Spread.of(own))
        found[f"{prefix}beyond_bare"] = asdict(Spread.of(ratio - 1 for ratio in ratios(own, its)))
    return found


def _parts(result: Mapping[str, Any], plan: Plan) -> list[dict[str, Any]]:
    """Every part with its seconds each, how often it is done in the whole training, and its seconds there.

    `other process` marks what a process beside the training does meanwhile.
    """
    found: list[dict[str, Any]] = []

    def add(when: str, times: int, parts: Mapping[str, float], beside: bool = False) -> None:
        for part, each in parts.items():
            found.append(
                {"when": when, "part": part, "seconds_each": each, "times": times}
                | {"seconds": each * times, "other_process": beside}
            )

    # noise moves all loops of a round alike, and what was timed at another moment otherwise
    bare = result["loops"][0]["seconds"]["median"]
    own = {loop["name"]: bare * (1 + loop["beyond_bare"]["median"]) for loop in result["loops"]}
    scale = bare / sum(result["bare_step_parts"].values())
    beyond = {
        "Lightning's loop": own[LOOP] - own[BARE],
        "logging and progress": own[LOGGED] - own[LOOP],
        "patches: waiting, sharing cores" if plan.workers else "patches": own[WHOLE] - own[LOGGED],
    }
    add("image", plan.images, {"reading and decoding": result["decoding_seconds"]})
    add("step", plan.steps, {part: scale * each for part, each in result["bare_step_parts"].items()})
    add("step", plan.steps, beyond)
    of_images = {f"validation: {part}": each for part, each in result["validation_image_parts"].items()}
    add("image", plan.validation_images * plan.validations, of_images)
    add("validation", plan.validations, result["validation_parts"])
    add("epoch", plan.epochs, result["epoch_parts"])
    # without workers they are in what patches add to a step
    add("step", plan.steps, {f"patches: {part}": each for part, each in result["patch_parts"].items()}, beside=True)
    return found
