"""Small results of comparisons, as the comparisons write them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fundus_unet.comparison.accuracy.scores import ScoredRun, as_plain, differences, variant_summaries
from fundus_unet.inference.evaluation import NETWORK, NETWORK_HYSTERESIS, NETWORK_VALIDATED
from fundus_unet.metrics.registry import METRICS

ENVIRONMENT = {
    "processor": "a processor",
    "torch_threads": 1,
    "accelerator": None,
    "packages": {"torch": "2.11"},
    "commit": None,
}
VARIANTS = ("k4", "k3", "bilinear")
EVERY = (*VARIANTS, "nearest", "k2", "shuffle", "equal_gain")


def _common(kind: str) -> dict[str, Any]:
    command = ["fundus-unet", *(["compare", kind]), "data=chasedb1"]
    return {"kind": kind, "created": "2026-01-01T00:00:00", "command": command, "environment": ENVIRONMENT}


def accuracy(
    variants: Sequence[str] = VARIANTS,
    seeds: int = 3,
    images: int = 8,
    effect: float = 0.0,
    spread: float = 0.01,
    observer: bool = True,
    folds: int = 0,
    hysteresis: bool = False,
) -> dict[str, Any]:
    """Scores around 0.8; every variant after the first has its Dice raised by `effect`; `folds`: 0 for none.

    Masks by hysteresis, where they are asked for, have three pieces less.
    """
    random = np.random.default_rng(0)
    names = [f"Image_{number}" for number in range(images)]
    fold_of = {name: number % folds for number, name in enumerate(names)} if folds else None
    runs = []
    for number, variant in enumerate(variants):
        for seed in range(seeds):
            per_image = {name: dict.fromkeys(METRICS, 0.8) for name in names}
            for scores in per_image.values():
                for metric in METRICS:
                    scores[metric] = float(0.8 + effect * (number > 0) + spread * random.standard_normal())
            pooled = {metric: float(np.mean([one[metric] for one in per_image.values()])) for metric in METRICS}
            pooled["betti0_error"] = None
            facts = {
                "run_dir": f"runs/{variant}_seed{seed}",
                "parameters": 1000 + number,
                "overrides": [f"upsampler={variant}", f"seed={seed}"],
            }
            raters = (NETWORK, NETWORK_VALIDATED)
            of_images, in_all = dict.fromkeys(raters, per_image), dict.fromkeys(raters, pooled)
            if hysteresis:
                fewer = {name: one | {"betti0_error": one["betti0_error"] - 3} for name, one in per_image.items()}
                of_images, in_all = of_images | {NETWORK_HYSTERESIS: fewer}, in_all | {NETWORK_HYSTERESIS: pooled}
            runs.append(
                ScoredRun(
                    *(variant, seed, in_all, of_images, facts),
                    fold_of=fold_of,
                )
            )
    control = variants[0]
    second = {"pooled": {"dice": 0.79, "cldice": 0.85}, "over_images": {"betti0_error": {"mean": 1.5}}}
    return _common("accuracy") | {
        "protocol": {
            "data": "chasedb1",
            "split": "test",
            "images": names,
            "fold_of": fold_of,
            "settings": {"trainer.precision": "32-true", "data.patch_size": 32},
            "differing_settings": [],
        },
        "control": control,
        "variants": variant_summaries(runs),
        "second_observer": second if observer else None,
        "differences": {NETWORK: as_plain(differences(runs, control, NETWORK))},
        "failures": [],
    }


def speed_row(upsampler: str, mode: str, ratio: float | None, **changes: Any) -> dict[str, Any]:
    timed = ratio is not None
    return {
        "upsampler": upsampler,
        "level": "network",
        "stage": None,
        "mode": mode,
        "device": "cpu",
        "dtype": "float32",
        "memory_format": "channels_last",
        "compiled": False,
        "batch_size": 8,
        "image_size": [96, 96],
        "rounds": 5 if timed else None,
        "median_seconds": 0.1 * ratio if timed else None,
        "ratio_to_control": ratio,
        "ratio_lower_quartile": ratio - 0.01 if timed else None,
        "ratio_upper_quartile": ratio + 0.01 if timed else None,
        "process_memory_bytes": None,
        "accelerator_memory_bytes": None,
        "reason": None if timed else "out of memory",
    } | changes


def speed(variants: Sequence[str] = VARIANTS, modes: Sequence[str] = ("training", "inference")) -> dict[str, Any]:
    """The first variant is the control, every other one takes a tenth longer than the one before."""
    rows = [speed_row(variant, mode, 1 + number / 10) for mode in modes for number, variant in enumerate(variants)]
    return _common("speed") | {"control": variants[0], "settings": {"rounds": 5}, "rows": rows}


def measures(
    output: float | None, stage: float | None = 0.0, level: float | None = 0.5, shift: float | None = 0.004
) -> dict[str, Any]:
    """The measures of a network whose checkerboards have these sizes."""
    return {
        "gain_imbalance": {"stage 1": {"mean": 0.8, "per_seed": [{}]}, "stage 2": {"mean": 0.7, "per_seed": [{}]}},
        "phase_energy": {
            "stage 1": {"excess": 0.9},
            "stage 2": {"excess": stage},
            "output, period 2": {"excess": output},
            "output, period 4": {"excess": 0.9},
        },
        "grid_line_spectrum": {
            "period 2, x": {"mean": level},
            "period 2, y": {"mean": None if level is None else level - 1},
            "period 4, x": {"mean": 99.0},
        },
        "subgrid_shift_sensitivity": {"probability": {"mean": shift}, "dice": {"mean": 0.9}},
        "gradient_phase_energy": {"period 2": {"excess": 0.0}},
    }


def checkerboard(variants: Sequence[str] = VARIANTS, states: Sequence[str] = ("init", "trained")) -> dict[str, Any]:
    """The first variant has the strongest checkerboard: 20 % of the logits at initialization, 1 % trained."""
    sizes = {"init": 0.04, "trained": 1e-4}
    return _common("checkerboard") | {
        "protocol": {"images": ["Image_0"], "planted": 0.05, "split": "test"},
        "variants": {
            variant: {state: measures(sizes[state] / 4**number, 0.25) for state in states}
            for number, variant in enumerate(variants)
        },
    }
