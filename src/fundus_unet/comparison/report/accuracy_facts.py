"""What the report says of accuracy."""

from collections.abc import Mapping
from typing import Any

from fundus_unet.comparison.accuracy.tables import fold_count, possible
from fundus_unet.comparison.report.table import Column, table
from fundus_unet.inference.evaluation import NETWORK, NETWORK_HYSTERESIS, SECOND_OBSERVER
from fundus_unet.metrics.registry import METRICS

Result = Mapping[str, Any]
OF_A_MASK = ("dice", "cldice", "betti0_error")
SHOWN = ("dice", "cldice", "betti0_error", "auroc", "average_precision", "ece")  # accuracy.md has all
DRAWN = ("dice", "cldice", "average_precision")


def accuracy_facts(result: Result) -> dict[str, Any]:
    """Protocol, the table of scores, and the differences to the control, at threshold 0.5."""
    protocol, variants = result["protocol"], result["variants"]
    rows = [
        {
            "variant": variant,
            "parameters": next(iter(summary["runs"].values()))["parameters"],
            **{key: _over_seeds(summary["scores"][NETWORK].get(key), key) for key in SHOWN},
        }
        for variant, summary in variants.items()
    ]
    if result["second_observer"]:
        rows.append({"variant": SECOND_OBSERVER, **_observer(result["second_observer"])})
    columns = [Column("variant", "variant", "text"), Column("parameters", "parameters", "count")]
    columns += [Column(key, METRICS[key].title, f"score:{key}") for key in SHOWN]
    masks = _hysteresis(variants)
    return {
        "data": str(protocol["data"]),
        "split": str(protocol["split"]),
        "images": len(protocol["images"]),
        "seeds": max(len(summary["seeds"]) for summary in variants.values()),
        **({"folds": folds} if (folds := fold_count(protocol)) else {}),
        "control": result["control"],
        "scores": table(columns, rows),
        **({"hysteresis": masks} if masks else {}),
        "second_observer": bool(result["second_observer"]),
        "differences": _differences(result),
        "not_compared": [f"{failure['run']}: {failure['reason']}" for failure in result["failures"]],
        "differing_settings": list(protocol["differing_settings"]),
    }


def _hysteresis(variants: Result) -> dict[str, Any] | None:
    """The table of scores of masks by hysteresis; None where an earlier version evaluated the runs."""
    if not all(NETWORK_HYSTERESIS in summary["scores"] for summary in variants.values()):
        return None
    columns = [Column("variant", "variant", "text")]
    columns += [Column(key, METRICS[key].title, f"score:{key}") for key in OF_A_MASK]
    rows = [
        {"variant": variant} | {key: _over_seeds(summary["scores"][NETWORK_HYSTERESIS][key], key) for key in OF_A_MASK}
        for variant, summary in variants.items()
    ]
    return table(columns, rows)


def _over_seeds(scores: Result | None, key: str) -> dict[str, float | None] | None:
    if scores is None:  # an earlier version compared, and did not know the metric
        return None
    value = scores["pooled" if METRICS[key].pooled else "image_mean"]
    if value["mean"] is None:
        return None
    return {name: value[name] for name in ("mean", "standard_deviation")}


def _observer(observer: Result) -> dict[str, Any]:
    means = {key: value["mean"] for key, value in observer["over_images"].items()}
    values = {key: (observer["pooled"] if METRICS[key].pooled else means).get(key) for key in SHOWN}
    return {
        key: None if value is None else {"mean": value, "standard_deviation": None} for key, value in values.items()
    }


def _differences(result: Result) -> dict[str, dict[str, Any]]:
    """`{metric: {variant: difference}}`, with intervals inside the metric's range."""
    return {
        metric: {
            variant: {
                **{name: one[name] for name in ("mean", "seeds", "images", "smallest_p", "verdict")},
                **({"folds": one["folds"]} if one.get("folds") else {}),
                **{name: possible(one[name], result, NETWORK, metric) for name in ("interval", "corrected_interval")},
            }
            for variant, one in result["differences"][NETWORK][metric].items()
        }
        for metric in DRAWN
        if metric in result["differences"][NETWORK]
    }
