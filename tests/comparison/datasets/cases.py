"""A small result of a comparison across sets, as the comparison writes it."""

from typing import Any

from comparison.report.cases import ENVIRONMENT
from fundus_unet.inference.evaluation import NETWORK, NETWORK_VALIDATED
from fundus_unet.metrics.registry import METRICS


def scores(dice: float) -> dict[str, Any]:
    pooled = {key: dice for key, metric in METRICS.items() if metric.pooled}
    over_images = {key: {"mean": dice, "standard_deviation": 0.01, "images": 8} for key in METRICS}
    return {"threshold": 0.5, "pooled": pooled, "over_images": over_images}


def cell(dice: float | None, own: bool = False, doubtful: bool = False, reason: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"own_set": own, "may_have_learned": doubtful, "scores": None}
    if dice is None:
        return found | {"reason": reason}
    raters = {NETWORK: scores(dice), NETWORK_VALIDATED: scores(dice + 0.001)}
    return found | {"fov_diameters": [512.0], "scores": {"field_of_view": raters}}


def network(data: str, learned: int | None = 20) -> dict[str, Any]:
    return {
        "data": data,
        "seed": 0,
        "learned_images": learned,
        "fov_diameter": 512.0,
        "validation_threshold": 0.45,
        "notes": [] if learned else ["it does not record which images it learned from"],
    }


def datasets() -> dict[str, Any]:
    """Two runs and weights on two sets; the second set has no second observer."""
    return {
        "kind": "datasets",
        "created": "2026-01-01T00:00:00",
        "command": ["fundus-unet", "compare", "datasets", "sets=[chasedb1,hrf]"],
        "environment": ENVIRONMENT,
        "protocol": {
            "images": "unseen",
            "region": "field_of_view",
            "match": "diameter",
            "angles": {},
            "tta": "none",
            "device": "cpu",
        },
        "networks": {"made_up": network("synthetic"), "chase": network("chasedb1"), "$w$": network("mix", None)},
        "sets": {
            "chasedb1": {
                "images": ["Image_11L", "Image_11R"],
                "labelled": 4,
                "left_out": {"Image_01L": ["chase"], "Image_01R": ["chase", "$w$"]},
            },
            "hrf": {"images": ["06_dr"], "labelled": 1, "left_out": {}},
        },
        "cells": {
            "made_up": {"chasedb1": cell(0.75), "hrf": cell(0.71)},
            "chase": {"chasedb1": cell(0.81, own=True), "hrf": cell(0.5)},
            "$w$": {"chasedb1": cell(0.8, own=True, doubtful=True), "hrf": cell(None, reason="06_dr cannot be read")},
        },
        "second_observer": {"chasedb1": scores(0.77), "hrf": None},
        "failures": [{"about": "$w$ on hrf", "reason": "06_dr cannot be read"}],
    }
