"""Printed commands run as pasted."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from fundus_unet.core.invocation import (
    command,
    from_here,
    installed,
    lines_of,
    record_as_typed,
    record_instead,
    recorded,
    setting,
)

NAMES = [
    "eye.jpg",
    "a b.jpg",
    "it's (2).jpg",
    'say "x".jpg',
    "a,b=c.jpg",
    "[1].jpg",
    "é.jpg",
    "back\\",
    "2024",
    "a$HOME",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_is_read_by_hydra_as_what_it_is(name):
    override = OverridesParser.create().parse_override(setting("images", name))
    assert override.key_or_group == "images"
    assert override.value() == name


@pytest.mark.parametrize("name", NAMES)
def test_a_shell_gives_each_argument_as_it_is(name):
    text = lines_of("predict", setting("run_dir", "runs/a"), setting("images", name))
    shown = subprocess.run(["bash", "-c", f"set -- {text}; printf '%s\\n' \"$@\""], capture_output=True, text=True)
    assert shown.stdout.splitlines()[-1] == setting("images", name)
    assert shlex.split(text.replace("\\\n", " ")) == shlex.split(
        command("predict", "run_dir=runs/a", setting("images", name))
    )


def test_paths_are_told_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert from_here(tmp_path / "runs/a") == "runs/a"
    assert from_here("runs/a") == "runs/a"
    assert from_here(tmp_path) == "."
    assert from_here(tmp_path.parent / "b") == str(tmp_path.parent / "b")
    assert from_here(f"{tmp_path}x/runs") == f"{tmp_path}x/runs"


def test_a_program_beside_python_is_found_where_the_shell_finds_another_or_none(tmp_path, monkeypatch):
    (tmp_path / "tensorboard").touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert installed("tensorboard") == str(Path(tmp_path / "tensorboard"))
    assert installed("absent") == "absent"


def test_what_is_recorded_in_place_of_a_setting_can_be_undone(monkeypatch):
    monkeypatch.setattr("sys.argv", ["train.py", "budget=5min", "seed=1", "paths.data_dir=/here"])
    monkeypatch.setattr("fundus_unet.core.invocation._running", "train")
    record_instead("budget", ["trainer.max_epochs=3"])
    assert recorded() == ["fundus-unet", "train", "seed=1", "trainer.max_epochs=3"]
    record_as_typed("budget")
    assert recorded() == ["fundus-unet", "train", "budget=5min", "seed=1"]
