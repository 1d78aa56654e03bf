"""One length for all trainings of a comparison: the time of `budget` is enough for the slowest of its variants."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.core.duration import seconds_of
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import write_json
from fundus_unet.core.lock import alone_in
from fundus_unet.runs.budget import record, same_budget, say
from fundus_unet.runs.budget_plan import Plan, plan_for
from fundus_unet.runs.json_files import read_budget
from fundus_unet.runs.run_directory import CONFIG, plain
from fundus_unet.runs.run_settings import protocol_of
from fundus_unet.runs.train import slowest_timings

BUDGET = "budget.json"
"""In the comparison's folder: what was measured and chosen for all of its runs."""


def length_for_all(variants: Sequence[DictConfig], out_dir: Path, console: Console, check_with: str) -> Plan:
    """The length that was chosen when the comparison began, or is chosen now, before any of its runs.

    Args:
        variants: A planned run of each.
        check_with: The command that tells more of the data.

    Raises:
        InputError: Where the comparison in `out_dir` has another budget, another process measures for it, or what the
            trainings need cannot be used.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    problem = f"another process measures how long a step takes, for the comparison in {out_dir}"
    with alone_in(out_dir, problem, fix="wait some seconds, then give the command again"):
        kept = _kept(out_dir, variants[0])
        if kept is None:
            timings = slowest_timings(variants, console, check_with)
            plan = plan_for(seconds_of(variants[0].budget), timings)
            kept = record(variants[0].budget, plan, timings) | {"settings": _settings(variants[0])}
            write_json(out_dir / BUDGET, kept)
    say(console, kept)
    return Plan(kept["epochs"], kept["steps_per_epoch"])


def _kept(out_dir: Path, planned: DictConfig) -> dict[str, Any] | None:
    """What an earlier call chose; None where there was none, or it trained nothing and was of other settings."""
    path = out_dir / BUDGET
    if not path.exists():
        return None
    kept = read_budget(path)
    trained = any(out_dir.glob(f"runs/*/{CONFIG}"))
    if not trained and (kept.get("settings") != _settings(planned) or not same_budget(planned.budget, kept["budget"])):
        return None
    if not same_budget(planned.budget, kept["budget"]):
        raise InputError(
            f"the comparison in {out_dir} has another budget; it was not changed",
            expected=f"budget={kept['budget']}",
            got=f"budget={planned.budget}",
            fix="choose another out_dir, or give the same budget",
        )
    return kept


def _settings(planned: DictConfig) -> dict[str, str]:
    """What timings depend on, as text."""
    return {key: str(value) for key, value in protocol_of(plain(planned)).items()}
