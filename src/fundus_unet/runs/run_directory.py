"""A run directory: everything that is needed to use, explain or continue a training run.

config.yaml        the composed configuration; interpolations between its own keys are kept, so the folder can move
run.json           overrides, chosen options, command, environment, and what was measured to keep within a budget
data.json          which files it learns from, by content, and with which settings
checkpoints/       best.ckpt (highest validation average precision), last.ckpt (after the last whole epoch), and
                   previous.ckpt (the epoch before, for the case that last.ckpt is damaged)
training.json      one entry per session of training: seconds, processes, the step it ended at, and how it ended
validation.csv     one line per validation: epoch, step, seconds of training until then, scores
curves.csv         every logged value, with logger=csv
threshold.json     threshold and hysteresis best on validation, for best.ckpt; written once training is finished
start.safetensors  with start_from: the weights that it began with, so that they are looked for nowhere else
events.out.*       what TensorBoard shows; in tensorboard/ of older runs
evaluation/SPLIT/  metrics.json, per_image.csv, calibration.csv, calibration.png, figures/
synthetic/         synthetic images, where those that the run was trained on are not there any more

It may come from a stranger: what it says is checked when it is opened, and it is written to inside itself only; the
loggers `wandb` and `mlflow` write to folders of these names beside it.
"""

import datetime
import hashlib
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.files import PARTIAL, remove_partial_files, write_bytes, write_json, write_text
from fundus_unet.core.invocation import command, recorded, setting
from fundus_unet.metrics.mask_choice import ChosenMasks
from fundus_unet.runs.allowed_config import check_used
from fundus_unet.runs.config_file import portable, read_config
from fundus_unet.runs.data_record import DATA
from fundus_unet.runs.environment import environment
from fundus_unet.runs.json_files import read_facts, read_hysteresis, read_sessions, read_threshold
from fundus_unet.runs.run_name import run_name
from fundus_unet.runs.start_file import START, KeptStart
from fundus_unet.runs.synthetic_images import keep_synthetic_inside
from fundus_unet.training.validation_file import VALIDATION, Validation, read_validations

CONFIG, FACTS, SESSIONS = "config.yaml", "run.json", "training.json"
CHECKPOINTS = ("best", "last")
THRESHOLD = "threshold.json"
DIVERGED, PRUNED = "diverged", "pruned"


class RunDirectory:
    """An existing run. Make a new one with `new_run_path` and `create`."""

    def __init__(self, path: object, data_dir: object = None) -> None:
        """Open a run, and check what it says about its network and its data.

        Args:
            path: The directory.
            data_dir: Where the user has the data sets now; missing synthetic images are generated there. None: where
                training found them, or for synthetic images inside the run.

        Raises:
            InputError: Where `path` is no run directory, or what it says cannot be read or is not allowed.
        """
        self.path = _run_path(path)
        saved = read_config(self.path / CONFIG)
        try:
            check_used(saved)
        except InputError as error:
            raise InputError(f"{self.path / CONFIG} is no training configuration: {error}") from error
        self.config = self._located(saved, data_dir)
        read_facts(self.path / FACTS)
        read_sessions(self.path / SESSIONS)

    def _located(self, saved: DictConfig, data_dir: object) -> DictConfig:
        """The saved configuration with the places of this machine."""
        config = saved.copy()
        config.paths.run_dir = str(self.path)
        if data_dir is None:
            keep_synthetic_inside(config.data.source, lambda: self.place("synthetic"))
        else:
            folder = Path(str(data_dir)).expanduser().resolve()
            config.paths.data_dir = str(folder)
            keep_synthetic_inside(config.data.source, lambda: folder / "synthetic")
        return config

    def place(self, *parts: str) -> Path:
        """A path inside the run that may be written to.

        Raises:
            InputError: Where a link leads out of the run.
        """
        path = self.path.joinpath(*parts)
        if not Path(os.path.realpath(path)).is_relative_to(self.path):
            raise _leaves(path)
        return path

    def check_writable(self) -> None:
        """For who lets others write into the run, as loggers do.

        Raises:
            InputError: Where it may not be written to, or a link anywhere in it leads out of it.
        """
        for written in (self.path, self.path / "checkpoints"):
            if written.exists() and not os.access(written, os.W_OK | os.X_OK):
                raise InputError(
                    f"{written} cannot be written to",
                    expected="a run directory that training may write its checkpoints to",
                    fix="change its permissions, or copy the run to where it can be written",
                )
        for folder, folders, files in os.walk(self.path):
            for name in (*folders, *files):
                path = Path(folder, name)
                if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(self.path):
                    raise _leaves(path)

    def remove_partial_files(self) -> None:
        """Remove what killed processes left of files that they were writing, anywhere in the run."""
        for folder, _, _ in os.walk(self.path):
            remove_partial_files(Path(folder))

    @classmethod
    def create(
        cls,
        config: DictConfig,
        choices: dict[str, Any],
        overrides: list[str],
        data: dict[str, Any],
        budget: dict[str, Any] | None = None,
        processes: int = 1,
        start: KeptStart | None = None,
    ) -> "RunDirectory":
        """Make the directory `config.paths.run_dir`, which `new_run_path` chose, and write what the run is.

        Args:
            data: The record of the files that it learns from, and of its settings.
            budget: What was measured and chosen, where it was to take a certain time.
            processes: So many train together.
            start: The weights of another network that it begins with.

        Raises:
            InputError: Before anything is written, where the run could not be opened afterwards; or where it cannot
                be made, or another run was made there meanwhile.
        """
        path = Path(config.paths.run_dir)
        saved = portable(config)
        saved.paths.run_dir = None
        saved.paths.data_dir = str(Path(config.paths.data_dir).resolve())
        _make_roots_absolute(saved.data.source)
        try:
            check_used(saved)
        except InputError as error:
            raise InputError(f"a run of this configuration could not be used afterwards: {error}") from error
        facts = {
            "overrides": overrides,
            "choices": choices,
            "command": recorded(),
            "environment": environment(processes),
        }
        if budget is not None:
            facts["budget"] = budget
        if start is not None:
            facts["start_from"] = dict(start.facts)
        try:
            path.mkdir(parents=True, exist_ok=True)
            if not cls.is_unborn(path):
                raise InputError(f"another run was made in {path} meanwhile", fix="give the command again")
            # config.yaml last: a directory without it is not taken for a run
            write_json(path / FACTS, {"created": datetime.datetime.now().isoformat(timespec="seconds")} | facts)
            write_json(path / DATA, data)
            if start is not None:
                write_bytes(path / START, start.file())
            write_text(path / CONFIG, OmegaConf.to_yaml(saved))
        except OSError as error:
            raise InputError(
                f"the run directory {path} cannot be made: {error.strerror or error}",
                fix="make room or give permission to write there, or choose another paths.run_dir",
            ) from error
        return cls(path)

    @staticmethod
    def is_unborn(path: Path) -> bool:
        """Whether a folder holds nothing, or only what a training that was killed while it made its run left there."""
        return path.is_dir() and all(
            one.name in (FACTS, DATA, START) or one.name.endswith(PARTIAL) for one in path.iterdir()
        )

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
    def created(self) -> str | None:
        """When the run was made."""
        return self._facts.get("created")

    @property
    def start(self) -> dict[str, str] | None:
        """Where the weights came from that it began with; None where they were at random."""
        return self._facts.get("start_from")

    @property
    def id(self) -> str:
        """What tells it from all other runs, whatever its folder is called: 16 hexadecimal digits."""
        facts = self.path / FACTS
        return hashlib.sha256(facts.read_bytes() if facts.is_file() else self.path.name.encode()).hexdigest()[:16]

    @property
    def _facts(self) -> dict[str, Any]:
        return read_facts(self.path / FACTS)

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """What `add_session` kept, the first session first."""
        return read_sessions(self.path / SESSIONS)

    @property
    def validations(self) -> list[Validation]:
        """The validations of the training, the first one first; none in runs of older versions.

        Raises:
            InputError: Where the file is damaged.
        """
        return read_validations(self.path / VALIDATION)

    @property
    def threshold(self) -> float:
        """The threshold of best Dice on validation, for `best`.

        Raises:
            InputError: Where training has not written it, or it is damaged.
        """
        return read_threshold(self.path / THRESHOLD)

    @property
    def masks(self) -> ChosenMasks:
        """What makes the best masks on validation, for `best`; without a hysteresis in runs of before.

        Raises:
            InputError: Where training has not written it, or it is damaged.
        """
        return ChosenMasks(self.threshold, read_hysteresis(self.path / THRESHOLD))

    def keep_masks(self, masks: ChosenMasks) -> None:
        """Write them, which finishes the run."""
        write_json(self.place(THRESHOLD), {"checkpoint": "best", **asdict(masks)})

    @property
    def finished(self) -> bool:
        return (self.path / THRESHOLD).is_file()

    def check_finished(self) -> None:
        """Raise `InputError` where training diverged or has not ended."""
        if self.diverged:
            raise InputError(f"the training of {self.path} diverged")
        if not self.finished:
            raise InputError(
                f"the training of {self.path} is not finished",
                fix=f"continue it: {command('train', setting('resume', self.path))}",
            )

    @property
    def diverged(self) -> bool:
        return bool(self.sessions) and self.sessions[-1].get("ended") == DIVERGED

    @property
    def pruned(self) -> bool:
        """Whether its last session was ended because others are better."""
        return bool(self.sessions) and self.sessions[-1].get("ended") == PRUNED

    def add_session(self, facts: dict[str, Any]) -> None:
        """Keep the seconds of one session of training, the step it ended at, and how it ended.

        Raises:
            OSError: Where it cannot be written.
        """
        write_json(self.place(SESSIONS), {"sessions": [*self.sessions, facts]})

    def checkpoint(self, name: str) -> Path:
        """The file of the checkpoint `best` or `last`.

        Raises:
            InputError: For another name, or where training has not written it yet.
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


def _run_path(path: object) -> Path:
    if not isinstance(path, str | Path) or str(path) == "":
        raise InputError("this is no run directory", expected="the path of one", got=f"{path!r:.200}", fix=_ADVICE)
    if "${" in str(path) or not str(path).isprintable():
        raise InputError(f"a run directory cannot be called {path!r:.200}", fix="rename it: letters, digits, _ and -")
    try:
        found = Path(path).expanduser().resolve()
        is_run, is_there = (found / CONFIG).is_file(), found.is_dir()
    except (OSError, RuntimeError) as error:
        raise InputError(f"the run directory {path} cannot be opened: {error}", fix=_ADVICE) from error
    if "${" in str(found):
        raise InputError(f"a run directory cannot be called {str(found)!r:.200}", fix="rename it, or the folders above")
    if not is_run:
        raise InputError(
            f"{found} is no run directory" if is_there else f"there is no directory {found}",
            expected=f"a directory that training made, with {CONFIG} in it",
            fix=_ADVICE,
        )
    return found


def _leaves(path: Path) -> InputError:
    return InputError(
        f"{path} is a link that leads out of the run, or lies behind one; nothing was written",
        expected="a run directory that is written to inside itself only",
        got=f"a link to {os.path.realpath(path)}",
        fix="remove the link, or copy what it means to its place",
    )


_ADVICE = "give the run directory that training printed at its end"


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


def new_run_path(config: DictConfig, choices: dict[str, Any], overrides: list[str]) -> Path:
    """Where a new run goes: `paths.run_dir`, or in `paths.runs_dir` a name of the time and of what the run is.

    Raises:
        InputError: Where the directory that was asked for is not empty.
    """
    if config.paths.run_dir:
        path = Path(config.paths.run_dir).expanduser().resolve()
        if path.exists() and not RunDirectory.is_unborn(path):
            raise InputError(
                f"the run directory {path} is not empty; nothing in it was changed",
                expected="a new or empty directory",
                fix=f"choose another paths.run_dir, or continue that run with resume={path}",
            )
        return path
    now = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    name = f"{now}_{run_name(choices, overrides, config.seed)}"
    base = Path(config.paths.runs_dir).expanduser().resolve()
    candidates = [base / name, *(base / f"{name}_{number}" for number in range(2, 1000))]
    return next(path for path in candidates if not path.exists())
