"""What a run directory says of its run: settings, scores and time, read as data from JSON, YAML and CSV files alone.

Nothing that it names is imported or loaded. It may be damaged, not finished, or of a stranger.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fundus_unet.comparison.accuracy.scored_runs import REGION, scores_left
from fundus_unet.core.errors import InputError
from fundus_unet.inference.evaluation import NETWORK
from fundus_unet.metrics.registry import METRICS
from fundus_unet.runs.config_file import read_config
from fundus_unet.runs.evaluate import SPLITS
from fundus_unet.runs.json_files import read_facts, read_sessions
from fundus_unet.runs.run_directory import CONFIG, FACTS, SESSIONS, THRESHOLD, plain
from fundus_unet.runs.run_name import is_silent
from fundus_unet.runs.run_settings import IRRELEVANT
from fundus_unet.training.validation_file import VALIDATION, read_validations

FINISHED, UNFINISHED, DAMAGED = "finished", "unfinished", "damaged"
ENDS = ("interrupted", "failed", "diverged", "pruned")
"""How the last session of a training may have ended, other than whole."""
OBJECTIVE = "average_precision"
"""The validation score by which a run's best epoch was chosen."""
NO_CHOICE = ("hydra", "hydra/", "paths", "callbacks", "logger")
PACKAGES = {"upsampler": "model.upsampler", "downsampler": "model.downsampler"}
"""Where a group's settings are, other than below its own name."""


@dataclass(frozen=True)
class RunSummary:
    """One run.

    `validation` is the best average precision on validation; `scores` all pooled scores in the field of view at
    threshold 0.5, by split; `settings` the values by dotted key, `choices` the options with what was typed below them;
    `problem` why something could not be read.
    """

    name: str
    state: str
    created: str | None = None
    choices: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    validation: float | None = None
    scores: dict[str, dict[str, float | None]] = field(default_factory=dict)
    seconds: float | None = None
    steps: int | None = None
    problem: str | None = None


def summary_of(path: Path, name: str) -> RunSummary:
    """What is there of a run; never raises for what its files hold."""
    try:
        facts = read_facts(path / FACTS)
        if not (path / CONFIG).is_file():
            return RunSummary(name, UNFINISHED, facts.get("created"), problem=f"it has no {CONFIG} yet")
        settings = dict(_flat(plain(read_config(path / CONFIG)), ""))
        sessions, validations = read_sessions(path / SESSIONS), read_validations(path / VALIDATION)
    except InputError as error:
        return RunSummary(name, DAMAGED, problem=error.one_line)
    except OSError as error:
        return RunSummary(name, DAMAGED, problem=error.strerror or str(error))
    scores, damaged = {}, []
    for split in SPLITS:
        folder = path / "evaluation" / split
        left = scores_left(folder)
        if left is not None:
            pooled = left[0][REGION][NETWORK]["pooled"]
            scores[split] = {key: pooled[key] for key in METRICS if key in pooled}
        elif folder.exists():
            damaged.append(f"the scores in {folder.name} are damaged")
    reached = [one.scores[OBJECTIVE] for one in validations if one.scores.get(OBJECTIVE) is not None]
    ended = sessions[-1]["ended"] if sessions else UNFINISHED
    state = FINISHED if (path / THRESHOLD).is_file() else ended if ended in ENDS else UNFINISHED
    return RunSummary(
        name,
        state,
        facts.get("created"),
        _choices(facts.get("choices") or {}, facts.get("overrides") or []),
        settings,
        max(reached, default=None),  # type: ignore[type-var]  # None is filtered out
        scores,
        sum(session["wall_seconds"] for session in sessions) if sessions else None,
        int(sessions[-1]["steps"]) if sessions else None,
        "; ".join(damaged) or None,
    )


def differing_settings(runs: Sequence[RunSummary]) -> dict[str, list[str | None]]:
    """The settings that are not the same in all runs, each with its value in every run; None where it has none.

    A choice such as `upsampler` is one setting, by the name of its option. What is below it is told by itself only
    where it differs between runs of the same option.
    """
    known = [run for run in runs if run.settings]
    groups = [
        name for name in _keys([run.choices for run in known]) if _differs([run.choices.get(name) for run in known])
    ]
    found: dict[str, list[str | None]] = {
        name: [run.choices.get(name) if run.settings else None for run in runs] for name in groups
    }
    for key in _keys([run.settings for run in known]):
        if _is_left_out(key):
            continue
        above = [name for name in groups if key.startswith(_package(name))]
        group = max(above, key=lambda name: len(_package(name)), default=None)
        alike: dict[str | None, list[Any]] = {}
        for run in known:
            alike.setdefault(run.choices.get(group) if group else None, []).append(run.settings.get(key))
        if any(map(_differs, alike.values())):
            found[key] = [str(run.settings.get(key)) if run.settings else None for run in runs]
    return found


def _choices(choices: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, str]:
    """Options by group, each with what was typed of the settings below it: `bilinear_conv mode=bicubic`."""
    found = {}
    for name, option in choices.items():
        if name.startswith(NO_CHOICE) or option is None:
            continue
        below = _package(name)
        typed = [item.lstrip("+~").removeprefix(below) for item in overrides if item.lstrip("+~").startswith(below)]
        found[name] = " ".join([str(option), *typed])
    return found


def _package(group: str) -> str:
    return f"{PACKAGES.get(group, group)}."


def _is_left_out(key: str) -> bool:
    return is_silent(key) or key.startswith(IRRELEVANT) or key.endswith(".root") or key in ("budget", "data_check")


def _keys(of_runs: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for one in of_runs for key in one))


def _differs(values: Sequence[Any]) -> bool:
    return len(set(map(str, values))) > 1


def _flat(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _flat(child, f"{key}.{name}".lstrip("."))
    else:
        yield key, value
