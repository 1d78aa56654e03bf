"""Run a script as its user does, but inside the test's process, and small."""

import os
import runpy
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
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

    @property
    def run_directory(self) -> Path:
        line = next(line for line in self.out.splitlines() if line.startswith("run directory "))
        return Path(line.removeprefix("run directory "))


class Scripts:
    """Calls `scripts/NAME.py OVERRIDES...` in a working directory."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.monkeypatch, self.capsys = folder, monkeypatch, capsys

    def __call__(self, name: str, *overrides: str) -> Finished:
        GlobalHydra.instance().clear()
        self.capsys.readouterr()
        code = 0
        with self.monkeypatch.context() as patch:
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", [f"scripts/{name}.py", *overrides])
            patch.setenv("COLUMNS", "300")
            try:
                runpy.run_path(str(ROOT / "scripts" / f"{name}.py"), run_name="__main__")
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        os.environ.pop("HYDRA_FULL_ERROR", None)
        captured = self.capsys.readouterr()
        return Finished(code, captured.out, captured.err)

    def train(self, *overrides: str, multirun: bool = False) -> Finished:
        """A tiny training on the generated CHASE_DB1 below the working directory."""
        return self("train", *["-m"] * multirun, "data=chasedb1", "paths.data_dir=sets", *TINY, *overrides)

    def make_once(self, kept: Path, make: Callable[[], None]) -> None:
        """Fill `runs` below the working directory: by `make` the first time, later with a copy of what it made."""
        runs = self.folder / "runs"
        if kept.exists():
            shutil.copytree(kept, runs)
        else:
            make()
            shutil.copytree(runs, kept)
