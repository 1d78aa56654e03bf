"""What is needed to repeat the comparisons."""

import shlex
from collections.abc import Mapping
from typing import Any


def protocol_facts(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Machines, settings and the commands of the single runs."""
    facts: dict[str, Any] = {
        "machines": {kind: _machine(result) for kind, result in results.items()},
        "settings": {
            kind: _flat(result.get("settings") or result["protocol"].get("settings") or result["protocol"])
            for kind, result in results.items()
        },
        "runs": [],
    }
    if accuracy := results.get("accuracy"):
        facts["runs"] = [
            shlex.join(["fundus-unet", "train", *map(str, run["overrides"])])
            for summary in accuracy["variants"].values()
            for runs in summary["runs"].values()
            for run in runs.get("folds", [runs])
        ]
    return facts


def _machine(result: Mapping[str, Any]) -> str:
    facts = result["environment"]
    return (
        f"{facts['processor']}, {facts['torch_threads']} thread{'' if facts['torch_threads'] == 1 else 's'}, "
        f"accelerator {facts['accelerator'] or 'none'}, torch {facts['packages']['torch']}, "
        f"commit {facts['commit'] or 'unknown'}, {result['created']}"
    )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> list[str]:
    """One line per setting, under its dotted key."""
    lines = []
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            lines += _flat(value, f"{prefix}{key}.")
        else:
            lines.append(f"{prefix}{key}: {value}")
    return lines
