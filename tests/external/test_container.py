"""The Dockerfile: what `make lint` cannot see, since it is about this project. Docker is not needed."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from running import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def instructions() -> list[tuple[str, str]]:
    """Such as ("USER", "1000"), in their order; comments left out, continued lines joined as a shell reads them."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", "")
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in joined.splitlines()]


def arguments(name: str) -> list[str]:
    return [argument for instruction, argument in instructions() if instruction == name]


def copied() -> set[str]:
    """What comes from the clone."""
    words = [argument.split() for argument in arguments("COPY") if not argument.startswith("--from=")]
    return {source for sources in words for source in sources[:-1]}


def test_every_stage_has_one_python_that_the_project_is_tested_with() -> None:
    (base,) = {argument.split()[0] for argument in arguments("FROM")}
    version = re.fullmatch(r"python:(3\.\d+)-slim-[a-z]+", base)
    assert version, base
    assert f"Programming Language :: Python :: {version[1]}" in PROJECT["classifiers"]


def test_what_is_copied_is_there_and_sent_to_the_builder() -> None:
    ignored, *kept = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert ignored == "*"
    assert {line.removeprefix("!") for line in kept if line.startswith("!")} == copied()
    for source in copied():
        assert (ROOT / source).exists(), source


def test_it_has_what_the_wheel_is_made_of() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {folder.split("/")[0] for folder in wheel["only-include"]} < copied()
    assert {PROJECT["readme"], "pyproject.toml"} < copied()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize(("libraries", "lock"), [("cpu", "requirements-cpu.lock"), ("cuda", "requirements.lock")])
def test_the_lock_follows_the_libraries(libraries: str, lock: str, tmp_path: Path) -> None:
    code, asked = install(libraries, tmp_path)
    assert code == 0, asked
    words = asked.split()
    assert words[:2] == ["pip", "install"]
    assert words[words.index("--constraint") + 1] == lock
    assert ("--torch-backend cpu" in asked) == (libraries == "cpu")
    assert lock in copied()
    extras = [words[at + 1] for at, word in enumerate(words) if word == "--extra"]
    assert extras
    assert set(extras) < PROJECT["optional-dependencies"].keys() - {"dev"}


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_other_libraries_are_refused(tmp_path: Path) -> None:
    code, said = install("rocm", tmp_path)
    assert code == 2
    assert said == "error: LIBRARIES is cpu or cuda, not rocm"


def install(libraries: str, folder: Path) -> tuple[int, str]:
    """The instruction that installs what the project needs, with a uv that says what it is asked."""
    (command,) = [argument for argument in arguments("RUN") if "$LIBRARIES" in argument]
    (folder / "uv").write_text('#!/bin/sh\necho "$@"\n')
    (folder / "uv").chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "LIBRARIES": libraries}
    finished = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True)
    return finished.returncode, (finished.stdout + finished.stderr).strip()


def test_it_runs_the_program_as_a_user_who_checked_it() -> None:
    names = [name for name, _ in instructions()]
    user = arguments("USER")[-1]
    assert int(user) > 0
    assert names.index("USER") > len(names) - 1 - names[::-1].index("FROM")  # in the last stage
    check = next(argument for name, argument in instructions()[names.index("USER") :] if name == "RUN")
    assert "fundus-unet --help" in check
    assert "import cv2" in check
    assert ".predict(" in check
    (entry,) = arguments("ENTRYPOINT")
    (program,) = json.loads(entry)
    assert program in PROJECT["scripts"]
    assert arguments("WORKDIR")[-1] == "/work"


def test_nothing_is_kept_that_only_installing_needs() -> None:
    for command in arguments("RUN"):
        assert "apt-get install" not in command or command.endswith("rm -rf /var/lib/apt/lists/*")
        assert not re.search(r"(^|[^v] )pip install", command) or "--no-cache-dir" in command
    assert "UV_NO_CACHE=1" in " ".join(arguments("ENV"))
    assert arguments("COPY")[-1].startswith("--from=build")  # the stage with uv and the sources is left behind


@pytest.mark.skipif(sys.platform != "linux", reason="looks into the libraries of Linux")
def test_opencv_needs_no_window_system() -> None:
    """The image has neither libGL nor X11. What a library needs stands in it by name."""
    specification = find_spec("cv2")
    assert specification is not None
    assert specification.origin is not None
    package = Path(specification.origin).parent
    libraries = [*package.glob("*.so"), *package.parent.glob("opencv_python_headless.libs/*.so*")]
    assert libraries
    for library in libraries:
        assert not re.search(rb"\0lib(GL|EGL|X11|xcb|gtk|Qt)[\w-]*\.so", library.read_bytes()), library.name
