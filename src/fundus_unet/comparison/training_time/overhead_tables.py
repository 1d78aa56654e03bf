"""What training_overhead.json says, as tables and sentences."""

from collections.abc import Mapping
from typing import Any

from fundus_unet.comparison.document import Document, Grid
from fundus_unet.core.duration import duration

LOOPS_SHOWN = ("a step", "ms", "beyond bare", "its quartiles", "CPU ms", "CPU beyond")
PARTS_SHOWN = ("part", "per", "ms each", "s in all", "share")


def overhead_document(result: Mapping[str, Any]) -> Document:
    """Everything a reader needs of it."""
    facts = result["environment"]
    return [
        "# Where the time of a training goes",
        f"{result['created']}, {facts['processor']}, {facts['torch_threads']} threads; accelerator "
        f"{facts['accelerator'] or 'none'}; torch {facts['packages']['torch']}; commit {facts['commit'] or 'unknown'}",
        f"{result['data']}, {result['network']}, upsampler `{result['upsampler']}`, {result['batch']}, "
        f"{result['precision']}",
        summary(result),
        "## A step, and what a training adds to it",
        loops_table(result),
        "## The whole training",
        parts_table(result),
        how_to_read(result),
    ]


def loops_table(result: Mapping[str, Any]) -> Grid:
    """A row per loop."""
    rows: list[list[str]] = []
    for loop in result["loops"]:
        seconds, beyond = loop["seconds"], loop["beyond_bare"]
        spread = f"{1e3 * seconds['lower_quartile']:.1f} to {1e3 * seconds['upper_quartile']:.1f}"
        more = [f"{beyond['median']:+.1%}", f"{beyond['lower_quartile']:+.1%} to {beyond['upper_quartile']:+.1%}"]
        processor = f"{1e3 * loop['processor_seconds']['median']:.1f}"
        its = f"{loop['processor_beyond_bare']['median']:+.1%}"
        if not rows:
            more, its = ["", ""], ""
        rows.append([loop["name"], f"{1e3 * seconds['median']:.1f}", spread, *more, processor, its])
    return Grid(["a step", "ms", "quartiles", "beyond bare", "its quartiles", "CPU ms", "CPU beyond"], rows)


def parts_table(result: Mapping[str, Any]) -> Grid:
    """A row per part; the share is of all that the training itself does one after another."""
    whole = whole_seconds(result)
    beside = bool(result["plan"]["workers"])
    rows: list[list[str]] = []
    for part in result["parts"]:
        share = f"{part['seconds'] / whole:.1%}"
        if part["other_process"]:
            share = f"beside: {share}" if beside else f"within: {share}"
        each = f"{1e3 * part['seconds_each']:.2f}"
        rows.append([part["part"], part["when"], each, f"{part['times']:,}", f"{part['seconds']:.1f}", share])
    return Grid(["part", "per", "ms each", "times", "s in all", "share"], rows)


def whole_seconds(result: Mapping[str, Any]) -> float:
    """Of the whole training, decoding included, as the sum of its parts."""
    return sum(part["seconds"] for part in result["parts"] if not part["other_process"])


def summary(result: Mapping[str, Any]) -> str:
    """The figures that count."""
    plan, whole = result["plan"], whole_seconds(result)
    bare = plan["steps"] * result["loops"][0]["seconds"]["median"]
    step, rate = result["loops"][-1]["beyond_bare"], result["matrix_product_rate"]
    text = (
        f"Beyond the bare step, a step takes {step['median']:+.1%} ({step['lower_quartile']:+.1%} to "
        f"{step['upper_quartile']:+.1%}); the whole training of {plan['steps']:,} steps and {plan['validations']} "
        f"validations, about {duration(whole)}, takes {whole / bare - 1:+.1%} beyond its bare steps."
    )
    if result["share_of_matrix_rate"] is not None:
        text += (
            f" The bare step's matrix products and convolutions, {result['flops'] / 1e9:.2f} GFLOP, run at "
            f"{result['share_of_matrix_rate']:.0%} of this machine's rate of {rate['dtype']} matrix products "
            f"({rate['flops_per_second'] / 1e9:.0f} GFLOP/s)."
        )
    return text


def how_to_read(result: Mapping[str, Any]) -> str:
    """What the tables are."""
    workers = result["plan"]["workers"]
    patches = sum(result["patch_parts"].values())
    waited = f"in a training a step waits {1e3 * result['seconds_waiting_for_a_batch']:.1f} ms for its batch"
    where = (
        f"Patches are made by {workers} other process{'es' * (workers > 1)}: {1e3 * patches / workers:.1f} ms per step "
        f"and process, while the training computes on the same cores; {waited}, the rest is computing slower."
        if workers
        else f"Patches are made between steps (data.workers=0): {1e3 * patches:.1f} ms per step; {waited}."
    )
    return (
        f"Each line of a step does what the line above does, and more; medians over {result['rounds']} rounds of "
        f"{result['steps_timed']} steps, in turn, and ratios within a round; CPU is "
        f"processor time of the training's own process. {where} Scoring is at original "
        "resolution. best.ckpt is counted for every validation, as if each were the best."
    )
