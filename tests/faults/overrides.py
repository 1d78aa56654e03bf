"""Attack what users type: random overrides for every script, each run inside this process.

What is drawn depends on the seed and the number of the attempt alone.
"""

import contextlib
import io
import os
import random
import runpy
import shutil
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from data.download.archives import write_zip
from data.layouts import write_chasedb1
from faults.attempt import HUNG, OUTSIDE, TRACEBACK, TRACED, Attempt, TooLongError, limited
from running import ROOT, TINY, contents

REFUSED, ACCEPTED = "refused", "accepted"
SECONDS = 30
"""After so long an attempt hangs."""
FULLY = 0.02
"""The share of attempts that is not stopped once everything is prepared."""

TRAINED = ("data=chasedb1", "paths.data_dir=sets", *TINY)
BASES: dict[str, tuple[str, ...]] = {
    "train": TRAINED,
    "compare_accuracy": (*TRAINED, "upsamplers=[transposed_k4s2p1,bilinear_conv]", "seeds=[0]"),
    "benchmark_training": (*TRAINED, "upsamplers=[bilinear_conv]", "overhead.steps=10", "overhead.rounds=2"),
    "compare_checkerboard": (
        *("data=chasedb1", "paths.data_dir=sets", "data.scale=1", "data.fov_diameter=null", "model.widths=[4,8]"),
        *("upsamplers=[bilinear_conv]", "seeds=[0]", "images=1", "max_shifts=2", "device=cpu"),
    ),
    "compare_speed": (
        *("model.widths=[4,8]", "rounds=1", "min_seconds=0.001", "memory=false", "devices=[cpu]"),
        *("upsamplers=[bilinear_conv]", "dtypes=[float32]", "training.image_size=16", "inference.image_size=16"),
    ),
    "evaluate": ("run_dir=run", "device=cpu"),
    "export": ("run_dir=run",),
    "predict": ("images=sets/CHASE_DB1/Image_01L.jpg", "device=cpu"),
    "report": ("dir=results",),
    "explain_upsampling": ("size=3",),
    "prepare_data": ("chasedb1", "source=got.zip", "paths.data_dir=got"),
    "check_data": ("data=chasedb1", "paths.data_dir=sets"),
    "cross_dataset": ("run_dirs=[run]", "sets=[chasedb1]", "paths.data_dir=sets", "device=cpu"),
}
WEIGHTS = {"train": 5, "compare_accuracy": 2, "predict": 3}
STOPS = {
    "train": "fundus_unet.runs.run_directory.RunDirectory.create",
    "compare_accuracy": "fundus_unet.runs.run_directory.RunDirectory.create",
    "benchmark_training": "fundus_unet.commands.benchmark_training.train_planned",
    "compare_checkerboard": "fundus_unet.commands.compare_checkerboard.CheckerboardComparison.measure_all",
    "compare_speed": "fundus_unet.commands.compare_speed.compare_speed",
    "evaluate": "fundus_unet.runs.evaluate.evaluate",
    "export": "fundus_unet.commands.export.export_network",
    "predict": "fundus_unet.commands.predict.launched",
    "report": "fundus_unet.comparison.report.compose.write_text",
    "explain_upsampling": "fundus_unet.commands.explain_upsampling.upsampling_figure",
    "prepare_data": "fundus_unet.data.download.staging.Staging.finish",
    "check_data": "fundus_unet.commands.check_data.check_data_set",
    "cross_dataset": "fundus_unet.commands.cross_dataset.compare_datasets",
}
"""What is called with everything prepared."""
VALUES = (
    *("null", "", "''", "' '", "[]", "{}", "[[]]", "[null]", "[1,2]", "[1,1]", "[x]", "{a:1}", "x", "true", "false"),
    *("-1", "0", "1", "2", "-0.0", "0.5", "1e309", "-1e309", "nan", "inf", "-inf", "1e-320", "1e15", "'1'", "'nan'"),
    *("1" + "0" * 30, "-1" + "0" * 30, "1_000", "0x10", "[nan]", "[-1]", "[0]", "[true]", "[1" + "0" * 30 + "]"),
    *("file.txt", "file.txt/below", "/dev/null", "/dev/null/below", "/dev/full", "/proc/self/mem", "/proc", "closed/x"),
    *("../..", ".", "/", "~", "'~nobody/x'", "loop/x", "pipe", "x" * 5000, f"[{'x' * 300}]", "'*'", "'[*'"),
    *("'\u00fc\U0001f441'", "'\u202e'", "'a\tb'", "'../\u00e9/x'", "'=1+1'", "\u00fc", "a b", "'a b'", "a:b", "a=b"),
    *("${nope}", "${seed}", "${.x}", "${oc.env:NOPE}", "${oc.decode:'['}", "${paths}", "${model}", "${", "???", "1,2"),
    *(
        "sets",
        "sets/CHASE_DB1",
        "'sets/*/*.jpg'",
        "'*.jpg'",
        "'*_1stHO.png'",
        "'**'",
        "'../*.png'",
        "'[!'",
        "[run,run]",
    ),
    *("http://", "'http://['", "https://127.0.0.1:1/a.zip", "file:///etc/passwd", "http://127.0.0.1:1/", "~nobody_x/y"),
    *("chasedb1", "folder", "[chasedb1,folder]", "vessels", "run", "got.zip", "error", "warn", "off"),
    *("range(3)", "glob(*)", "choice(1,2)", "'", "[", "{", "\\", "auto", "all", "os.system", "torch.nn.ReLU", "torch"),
)


class _Accepted(BaseException):
    """Raised in place of what would take long."""


def attempts(seed: int, count: int, folder: Path, scripts: Sequence[str] = tuple(BASES)) -> list[Attempt]:
    """Make `count` attempts in a new folder below `folder`; what each was told begins with its outcome."""
    work = _prepare(folder / "one" / "two" / "work")
    defaults = {script: _defaults(script) for script in scripts}
    return [_attempt(random.Random(f"{seed} {number}"), defaults, work) for number in range(count)]


def run_one(script: str, overrides: tuple[str, ...], work: Path, *, fully: bool = False) -> Attempt:
    """Run a script in `work`, and put back what is there."""
    others = _listing(work.parents[1], without=work)
    kept, contents = set(os.listdir(work)), _listing(work)
    outcome, detail = _run(script, (*BASES[script], *overrides), work, fully)
    named = any(sign in override for override in overrides for sign in ("/", "..", "${", "~"))
    if _listing(work.parents[1], without=work) != others and not named:
        outcome, detail = OUTSIDE, "files beside the working folder"
    changed = {path for path, facts in contents.items() if _listing(work).get(path) != facts}
    if changed and not fully:
        outcome, detail = OUTSIDE, f"changed: {sorted(changed)[:3]}; {detail}"
    for name in set(os.listdir(work)) - kept:
        path = work / name
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    failure = None if outcome in (REFUSED, ACCEPTED) else outcome
    return Attempt(f"settings, {script}", " ".join(overrides), failure, f"{outcome} {detail}")


def _attempt(draw: random.Random, defaults: dict[str, dict[str, Any]], work: Path) -> Attempt:
    script = draw.choices(list(defaults), [WEIGHTS.get(name, 1) for name in defaults])[0]
    overrides = tuple(_override(draw, defaults[script]) for _ in range(2 if draw.random() < 0.25 else 1))
    return run_one(script, overrides, work, fully=draw.random() < FULLY)


def _near(draw: random.Random, value: Any) -> str:
    """Another value of the same type, which may be a good one."""
    if isinstance(value, bool):
        return draw.choice(["true", "false"])
    if isinstance(value, int | float):
        return str(draw.choice([value + 1, value - 1, 2 * value, value / 2, value]))
    if isinstance(value, list):
        return str([*value, *value[-1:]] if draw.random() < 0.5 else value[:1]).replace("'", "")
    return draw.choice(["null", "1", "new", "all", "auto"]) if isinstance(value, dict) or not value else f"'{value}'"


def _override(draw: random.Random, defaults: dict[str, Any]) -> str:
    key = draw.choice(list(defaults))
    value = _near(draw, defaults[key]) if draw.random() < 0.4 else draw.choice(VALUES)
    if draw.random() < 0.7:
        return f"{key}={value}"
    group = draw.choice(
        [
            "data",
            "augment",
            "model",
            "upsampler",
            "downsampler",
            "loss",
            "optimizer",
            "scheduler",
            "trainer",
            "callbacks",
        ]
    )
    group = draw.choice([group, "logger", "paths", "generator", "experiment", "debug", "hydra", key.split(".")[0]])
    changed = [f"~{key}", f"+{key}={value}", f"++{key}={value}", f"+{key}.extra={value}", f"{key}.x.y={value}"]
    odd = [key, f"+{key}", f"={value}", f"{key[:-1]}={value}", f"{key.upper()}={value}", f"{key}[0]={value}"]
    of_group = [f"~{group}", f"{group}=null", f"{group}={value}", f"+{group}={value}", f"{group}=[{value}]"]
    renamed = [f"{group}@{key}={value}", f"{group}@_global_={value}", f"hydra.{key}={value}", f"+extra={value}"]
    added = [f"+trainer.{key.split('.')[-1]}={value}", f"+callbacks.more={value}", f"+callbacks.more._target_={value}"]
    built = [f"{key}._target_={value}", f"++{key}._partial_={value}", f"++{key}._args_={value}"]
    return draw.choice([*changed, *odd, *of_group, *renamed, *added, *built])


def _run(script: str, arguments: tuple[str, ...], work: Path, fully: bool) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    GlobalHydra.instance().clear()
    code: Any = 0
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(), _unchanged_process():
        patch.chdir(work)
        patch.setattr(sys, "argv", [f"scripts/{script}.py", *arguments])
        if not fully:
            patch.setattr(STOPS[script], _accept)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), limited(SECONDS):
                runpy.run_path(str(ROOT / "scripts" / f"{script}.py"), run_name="__main__")
        except SystemExit as stop:
            code = stop.code
        except _Accepted:
            return ACCEPTED, ""
        except TooLongError:
            return (ACCEPTED, "still at work") if fully else (HUNG, traceback.format_exc()[-1500:])
        except BaseException:
            return TRACED, traceback.format_exc()[-1500:]
    printed = err.getvalue()
    if TRACEBACK in printed:
        return TRACED, printed[-1500:]
    if code in (0, 1, None):
        return ACCEPTED, printed[-500:]
    if code == 2 and "error: " in printed:
        return REFUSED, printed[printed.index("error: ") :]
    return TRACED, f"exit code {code} without a message: {printed[-500:]}"


def _accept(*arguments: Any, **named: Any) -> Any:
    raise _Accepted


@contextlib.contextmanager
def _unchanged_process() -> Iterator[None]:
    """Put back what scripts change for their whole process."""
    environment, threads = dict(os.environ), torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)


def _prepare(work: Path) -> Path:
    """A working folder with a data set, a finished run, a result to report, and places that are hard to use."""
    write_chasedb1(work / "sets" / "CHASE_DB1")
    write_zip(work / "got.zip", {f"CHASEDB1/{name}": data for name, data in contents(work / "sets/CHASE_DB1").items()})
    (work / "file.txt").write_text("the user's own")
    (work / "closed").mkdir(mode=0)
    (work / "loop").symlink_to("loop")
    os.mkfifo(work / "pipe")
    steps = (
        ("train", (*BASES["train"], "trainer.max_epochs=1", "paths.run_dir=run", "logger=none")),
        ("compare_speed", (*BASES["compare_speed"], "levels=[network]", "modes=[inference]", "out_dir=results")),
    )
    for script, arguments in steps:
        outcome, detail = _run(script, arguments, work, fully=True)
        assert outcome == ACCEPTED, detail
    return work


def _listing(folder: Path, without: Path | None = None) -> dict[str, tuple[int, int]]:
    """Size and time of every file, by path."""
    found = {}
    for current, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if Path(current, name) != without]
        for name in (*files, *folders):
            facts = os.lstat(os.path.join(current, name))
            found[os.path.join(current, name)] = (facts.st_size, facts.st_mtime_ns) if name in files else (0, 0)
    return found


def _defaults(script: str) -> dict[str, Any]:
    """Every dotted key of a script's configuration, and its value."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = compose(script, [item for item in BASES[script] if item.startswith("data=")])
    return dict(_dotted(OmegaConf.to_container(config)))


def _dotted(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        yield f"{prefix}{key}", value
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{key}.")
