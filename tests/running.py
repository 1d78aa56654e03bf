"""Run a script as its user does, but inside the test's process, and small."""

import functools
import os
import re
import runpy
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra

ROOT = Path(__file__).resolve().parents[1]
TINY = (
    "model.widths=[4,8]",
    "data.scale=1",
    "data.fov_diameter=null",
    "data.patch_size=32",
    "data.batch_size=2",
    "data.steps_per_epoch=8",
    "data.workers=0",
    "trainer=cpu",
    "trainer.precision=32-true",
    "trainer.max_epochs=2",
    "trainer.log_every_n_steps=2",
    "callbacks.progress=null",
)


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str
    folder: Path

    @property
    def run_directory(self) -> Path:
        line = next(line for line in self.out.splitlines() if line.startswith("run directory "))
        return self.folder / line.removeprefix("run directory ")


def succeeded(finished: Finished) -> Finished:
    assert finished.code == 0, finished.out + finished.err
    return finished


def refused(finished: Finished, *words: str) -> None:
    """It ended with one message, which holds all of `words`."""
    assert finished.code == 2, finished.out + finished.err
    assert "Traceback" not in finished.err, finished.err
    for word in words:
        assert word in finished.err, f"{word!r} is not in the message:\n{finished.err}"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path from there."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def untraced(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a library does by itself: not seen by the tracer of coverage, with which Python 3.11 is slow everywhere."""

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        tracer = sys.gettrace()
        sys.settrace(None)
        try:
            return function(*arguments, **options)
        finally:
            sys.settrace(tracer)

    return call


class Exploit:
    """A pickle of it makes a file when it is loaded."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return Path(self.path).touch, ()


class Scripts:
    """Calls `scripts/NAME.py OVERRIDES...` in a working directory.

    Args:
        shared: a folder with images in `sets`, for the runs of `tiny_run`.
    """

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        shared: Path | None = None,
    ) -> None:
        self.folder, self.monkeypatch, self.capsys, self.shared = folder, monkeypatch, capsys, shared

    def __call__(self, name: str, *overrides: str) -> Finished:
        GlobalHydra.instance().clear()
        self.capsys.readouterr()
        code = 0
        with self.monkeypatch.context() as patch:
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", [f"scripts/{name}.py", *overrides])
            patch.setenv("COLUMNS", "300")
            patch.setattr(ConfigLoaderImpl, "load_configuration", untraced(ConfigLoaderImpl.load_configuration))
            if not any("hydra.mode" in override for override in overrides):
                # Hydra composes everything once more, to find that nothing sets `hydra.mode`
                patch.setattr(Hydra, "get_mode", lambda *_, **__: None)
            try:
                runpy.run_path(str(ROOT / "scripts" / f"{name}.py"), run_name="__main__")
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        os.environ.pop("HYDRA_FULL_ERROR", None)
        captured = self.capsys.readouterr()
        return Finished(code, captured.out, captured.err, self.folder)

    def train(self, *overrides: str, multirun: bool = False) -> Finished:
        """A tiny training on the generated CHASE_DB1 below the working directory."""
        return self("train", *["-m"] * multirun, "data=chasedb1", "paths.data_dir=sets", *TINY, *overrides)

    def tiny_run(self, *overrides: str) -> Path:
        """`runs/tiny`: a copy of the run of `train(*overrides)`, which is trained once in a session.

        Its images are the session's, so change none of them and give `paths.data_dir=sets` where they are to change.
        """
        assert self.shared is not None
        trained = self.shared / "runs" / re.sub(r"\W+", "_", " ".join(["run", *overrides]))
        if not trained.exists():
            session = Scripts(self.shared, self.monkeypatch, self.capsys)
            succeeded(session.train(*overrides, f"paths.run_dir={trained}"))
        return Path(shutil.copytree(trained, self.folder / "runs/tiny"))

    def make_once(self, kept: Path, make: Callable[[], None]) -> None:
        """Fill `runs` below the working directory: by `make` the first time, later with a copy of what it made."""
        runs = self.folder / "runs"
        if kept.exists():
            shutil.copytree(kept, runs)
        else:
            make()
            shutil.copytree(runs, kept)
