"""What the report says of networks across data sets."""

from collections.abc import Mapping
from typing import Any

from fundus_unet.comparison.datasets.tables import diameter_line, how_to_read, image_lines, pooled_scores
from fundus_unet.inference.evaluation import NETWORK, SECOND_OBSERVER
from fundus_unet.metrics.registry import METRICS

METRIC = "dice"


def datasets_facts(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the matrix is of, and per set the best network that learned from it and the best that did not."""
    scores: dict[str, list[tuple[str, float]]] = {name: [] for name in result["sets"]}
    for network, name, value in pooled_scores(result, METRIC, NETWORK):
        if value is not None:
            scores[name].append((network, value))
    return {
        "best": {name: _best(result, name, found) for name, found in scores.items()},
        "lines": [*image_lines(result), diameter_line(result), *how_to_read(result)],
        "not_compared": [f"{failure['about']}: {failure['reason']}" for failure in result["failures"]],
    }


def datasets_answer(facts: Mapping[str, Any]) -> str:
    """How far networks get on sets that they did not learn from."""
    parts = []
    for name, best in facts["best"].items():
        if best["other"] is None:
            continue
        network, value = best["other"]
        beside = [f"{title} {best[kind][1]:.3f}" for kind, title in _BESIDE.items() if best[kind] is not None]
        parts.append(f"{name} {value:.3f} ({', '.join([network, *beside])})")
    if not parts:
        return "These networks cannot tell: each was scored only on sets of which it learned other images."
    return f"Best {METRICS[METRIC].title} of a network that learned from no image of the set: {'; '.join(parts)}."


_BESIDE = {"own": "one that did", "observer": SECOND_OBSERVER}


def _best(result: Mapping[str, Any], name: str, scores: list[tuple[str, float]]) -> dict[str, Any]:
    def best(found: list[tuple[str, float]]) -> tuple[str, float] | None:
        return max(found, key=lambda one: one[1], default=None)

    cells = {network: cells[name] for network, cells in result["cells"].items()}
    networks = [one for one in scores if one[0] in cells]
    return {
        "other": best([one for one in networks if not _knows(cells[one[0]])]),
        "own": best([one for one in networks if _knows(cells[one[0]])]),
        "observer": best([one for one in scores if one[0] == SECOND_OBSERVER]),
    }


def _knows(cell: Mapping[str, Any]) -> bool:
    return bool(cell["own_set"] or cell["may_have_learned"])
