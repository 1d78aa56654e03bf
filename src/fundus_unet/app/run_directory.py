"""A run directory: everything that is needed to use, explain or continue a training run.

config.yaml        the composed configuration; interpolations between its own keys are kept, so the folder can move
run.json           overrides, chosen options, command, environment
checkpoints/       best.ckpt (highest validation average precision), last.ckpt (after the last whole epoch)
training.json      one entry per session of training: seconds, the step it ended at, and how it ended
threshold.json     the threshold of best Dice on validation, for best.ckpt; written once training is finished
tensorboard/       events
evaluation/SPLIT/  metrics.json, per_image.csv, pictures/
"""

import datetime
import json
import sys
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from fundus_unet.app.environment import environment
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.files import write_json, write_text

CONFIG = "config.yaml"
CHECKPOINTS = ("best", "last")
THRESHOLD = "threshold.json"
DIVERGED = "diverged"


class RunDirectory:
    """An existing run. Make a new one with `new_run_path` and `create`."""

    def __init__(self, path: str | Path) -> None:
        """Open a run.

        Raises: `InputError` where `path` is no run directory or its configuration cannot be read.
        """
        self.path = Path(path).resolve()
        if not (self.path / CONFIG).is_file():
            raise InputError(
                f"{self.path} is no run directory" if self.path.is_dir() else f"there is no directory {self.path}",
                expected=f"a directory that training made, with {CONFIG} in it",
                fix="give the run directory that training printed at its end",
            )
        try:
            config = OmegaConf.load(self.path / CONFIG)
        except (YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
            raise InputError(f"{self.path / CONFIG} cannot be read: {error}") from error
        missing = [key for key in ("model", "data", "paths", "trainer", "seed") if key not in config]
        if not isinstance(config, DictConfig) or missing:
            raise InputError(
                f"{self.path / CONFIG} is no training configuration",
                expected="a configuration with model and data",
                got=f"no {', '.join(missing)}",
            )
        config.paths.run_dir = str(self.path)
        self.config = config

    @classmethod
    def create(cls, config: DictConfig, choices: dict[str, Any], overrides: list[str]) -> "RunDirectory":
        """Make the directory `config.paths.run_dir`, which `new_run_path` chose, and write what the run is.

        Raises: `InputError` where it cannot be made.
        """
        path = Path(config.paths.run_dir)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"the run directory {path} cannot be made: {error}") from error
        saved = config.copy()
        saved.paths.run_dir = None
        saved.paths.data_dir = str(Path(config.paths.data_dir).resolve())
        _make_roots_absolute(saved.data.source)
        # config.yaml last: a directory without it is not taken for a run
        facts = {"overrides": overrides, "choices": choices, "command": sys.argv, "environment": environment()}
        write_json(path / "run.json", {"created": datetime.datetime.now().isoformat(timespec="seconds")} | facts)
        write_text(path / CONFIG, OmegaConf.to_yaml(saved))
        return cls(path)

    @property
    def choices(self) -> dict[str, Any]:
        """The option chosen from each configuration group, such as `{"upsampler": "bilinear_conv"}`."""
        return dict(self._facts.get("choices") or {})

    @property
    def overrides(self) -> list[str]:
        """What the user set beyond the default configuration."""
        return list(self._facts.get("overrides") or [])

    @property
    def environment(self) -> dict[str, Any]:
        """What the run was trained with and on."""
        return dict(self._facts.get("environment") or {})

    @property
    def _facts(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.path / "run.json").read_text()))
        except (OSError, ValueError, TypeError):
            return {}

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """What `add_session` kept, the first session first."""
        try:
            return list(json.loads((self.path / "training.json").read_text())["sessions"])
        except (OSError, ValueError, KeyError, TypeError):
            return []

    @property
    def finished(self) -> bool:
        return (self.path / THRESHOLD).is_file()

    def check_finished(self) -> None:
        """Raises: `InputError` where training diverged or has not ended."""
        if self.diverged:
            raise InputError(f"the training of {self.path} diverged")
        if not self.finished:
            raise InputError(
                f"the training of {self.path} is not finished",
                fix=f"continue it: python scripts/train.py resume={self.path}",
            )

    @property
    def diverged(self) -> bool:
        return bool(self.sessions) and self.sessions[-1].get("ended") == DIVERGED

    def add_session(self, facts: dict[str, Any]) -> None:
        """Keep the seconds of one session of training, the step it ended at, and how it ended."""
        write_json(self.path / "training.json", {"sessions": [*self.sessions, facts]})

    def checkpoint(self, name: str) -> Path:
        """The file of the checkpoint `best` or `last`.

        Raises: `InputError` for another name, or where training has not written it yet.
        """
        if name not in CHECKPOINTS:
            raise InputError(f"unknown checkpoint {name!r}", expected=CHECKPOINTS, fix=did_you_mean(name, CHECKPOINTS))
        path = self.path / "checkpoints" / f"{name}.ckpt"
        if not path.is_file():
            raise InputError(
                f"the run {self.path} has no {name} checkpoint",
                expected=str(path),
                fix=f"finish the training: resume={self.path}",
            )
        return path


def plain(config: DictConfig) -> dict[str, Any]:
    """A configuration as plain values, interpolations resolved."""
    return cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))


def _make_roots_absolute(source: DictConfig) -> None:
    """Every `root` at and below a data source, other than interpolations, which say where it is by themselves."""
    for name in source:
        if OmegaConf.is_interpolation(source, str(name)):
            continue
        value = source[name]
        if isinstance(value, DictConfig):
            _make_roots_absolute(value)
        elif name == "root":
            source[name] = str(Path(value).resolve())


def new_run_path(config: DictConfig, choices: dict[str, Any]) -> Path:
    """Where a new run goes: `paths.run_dir`, or a name in `paths.runs_dir` made of the time and the choices.

    Raises: `InputError` where the directory that was asked for is not empty.
    """
    if config.paths.run_dir:
        path = Path(config.paths.run_dir).resolve()
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(
                f"the run directory {path} is not empty; nothing in it was changed",
                expected="a new or empty directory",
                fix=f"choose another paths.run_dir, or continue that run with resume={path}",
            )
        return path
    now = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    name = f"{now}_{choices.get('data')}_{choices.get('upsampler')}_seed{config.seed}"
    base = Path(config.paths.runs_dir).resolve()
    candidates = [base / name, *(base / f"{name}_{number}" for number in range(2, 1000))]
    return next(path for path in candidates if not path.exists())
