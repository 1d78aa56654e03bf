"""Many trainings from one command (`-m`), which continues where it stopped.

Every job has a run directory whose name depends on its overrides alone. So the same command, or a longer one, finds
what is there: finished runs are kept, others are resumed. A job that fails does not stop the rest.
"""

import hashlib
import sys
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

_outcomes: dict[str, str | None] = {}


def job_path(sweep_dir: str, config: DictConfig, choices: dict[str, Any], overrides: list[str]) -> Path:
    """Where a job's run goes: `paths.run_dir`, or else its choices in words, and all of its overrides as a number."""
    if isinstance(config.paths.run_dir, str):
        return Path(config.paths.run_dir).expanduser()
    decisive = sorted(item for item in overrides if not item.lstrip("+").startswith("paths."))
    digest = hashlib.sha256("\n".join(decisive).encode()).hexdigest()[:8]
    name = f"{choices.get('data')}_{choices.get('upsampler')}_seed{config.seed}_{digest}"
    return Path(sweep_dir).expanduser().resolve() / name


def job_ended(name: str, failure: str | None = None) -> None:
    """Keep how a job ended, for the end of the command."""
    _outcomes[name] = failure


class Outcomes(Callback):
    """Says at the end of a multirun how its jobs ended; the exit code is 1 where one failed."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        _outcomes.clear()

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        if not _outcomes:
            return
        failures = {name: failure for name, failure in _outcomes.items() if failure is not None}
        print(f"\n{len(_outcomes) - len(failures)} of {len(_outcomes)} runs are finished, in {config.hydra.sweep.dir}")
        if failures:
            told = "\n".join(f"  {name}: {failure}" for name, failure in failures.items())
            print(f"{len(failures)} failed; the same command tries them again:\n{told}", file=sys.stderr)
            sys.exit(1)
