"""scripts/install.sh, which `make` calls: with a Python that writes down what it is asked to install."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from running import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
GPU_LIBRARIES = re.compile(r"(cuda|nvidia|triton)")


@dataclass(frozen=True)
class Installed:
    code: int
    asked: list[str]
    constraints: list[str]
    out: str


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Calls the script in a copy of the project's top; every command of the Python and of uv is a line of `asked`."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/install.sh").write_text((ROOT / "scripts/install.sh").read_text())
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "asked.txt"
    python = _program(
        tmp_path / "python",
        f"""echo "$@" >> {log}
        if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp uv "$3/bin/uv"; fi
        while [ $# -gt 0 ]; do if [ "$1" = --constraint ]; then cp "$2" constraints.txt; fi; shift; done
        exit ${{PIP_FAILS:-0}}""",
    )
    _program(tmp_path / "uv", f'echo uv "$@" >> {log}')

    def call(venv: str, torch: str = "default", fails: bool = False) -> Installed:
        log.write_text("")
        finished = subprocess.run(
            ["sh", "scripts/install.sh", venv, torch, "some.lock"],
            env=os.environ | {"PYTHON": str(python), "PIP_FAILS": str(int(fails))},
            capture_output=True,
            text=True,
        )
        fixed = tmp_path / "constraints.txt"
        constraints = fixed.read_text().splitlines() if fixed.exists() else []
        return Installed(
            finished.returncode, log.read_text().splitlines(), constraints, finished.stdout + finished.stderr
        )

    return call


def _program(path: Path, code: str) -> Path:
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
    return path


def _environment(folder: Path, packages: dict[str, str]) -> None:
    """An environment whose Python finds these packages, and the one of the tests nowhere."""
    site = folder / "site"
    for name, version in packages.items():
        (site / name.replace("-", "_")).mkdir(parents=True)
        (site / name.replace("-", "_") / "__init__.py").write_text("")
        information = site / f"{name.replace('-', '_')}-{version}.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (folder / "bin").mkdir(parents=True)
    _program(folder / "bin/python", f'PYTHONPATH={site} exec {sys._base_executable} -S "$@"')


def test_a_new_environment_is_made_from_the_lock(install) -> None:
    found = install(".venv")
    assert found.code == 0, found.out
    assert found.asked[0] == "-m venv .venv"
    assert any("install --quiet -r some.lock" in line for line in found.asked)
    assert "--no-deps --editable ." in found.asked[-1]


def test_without_the_libraries_for_gpus(install) -> None:
    found = install(".venv", "cpu")
    assert found.code == 0, found.out
    assert "uv pip install --quiet --python .venv/bin/python --torch-backend cpu -r some.lock" in found.asked


def test_an_environment_with_torch_keeps_it(install, tmp_path: Path) -> None:
    packages = {
        "torch": "2.12.0+cu126",
        "nvidia-cublas": "13.1",
        "triton": "3.1",
        "numpy": "2.2",
        "torchvision": "0.27",
    }
    _environment(tmp_path / "mine", packages)
    found = install("mine")
    assert found.code == 0, found.out
    assert set(found.constraints) == {
        "torch==2.12.0+cu126",
        "nvidia-cublas==13.1",
        "triton==3.1",
        "torchvision==0.27",
    }
    assert len(found.asked) == 1
    assert "-m venv" not in found.asked[0]
    assert "--editable .[dev]" in found.asked[0]


def test_an_environment_whose_torch_does_not_fit_is_told(install, tmp_path: Path) -> None:
    _environment(tmp_path / "mine", {"torch": "1.13"})
    found = install("mine", fails=True)
    assert found.code == 2
    assert "torch==1.13, which was not replaced" in found.out
    assert "torch >= 2.11" in found.out


def test_an_environment_without_torch_gets_the_lock(install, tmp_path: Path) -> None:
    _environment(tmp_path / "mine", {"numpy": "2.2"})
    found = install("mine")
    assert found.code == 0, found.out
    assert any("-r some.lock" in line for line in found.asked)


def test_another_torch_is_refused(install) -> None:
    found = install(".venv", "gpu")
    assert (found.code, found.asked) == (2, [])
    assert "TORCH is default or cpu" in found.out


def test_the_locks_differ_in_the_libraries_for_gpus_alone() -> None:
    whole, small = (
        (ROOT / name).read_text().splitlines()[1:] for name in ("requirements.lock", "requirements-cpu.lock")
    )
    assert small == [line for line in whole if not GPU_LIBRARIES.match(line)]
    assert any(line.startswith("torch==") for line in small)
    assert not any("://" in line for line in whole)
