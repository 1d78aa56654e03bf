"""The wheel, in an environment of its own that sees torch, used from a folder of its own: what most users have."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml
from PIL import Image

from data.layouts import draw, write_chasedb1
from running import ROOT, TINY

pytestmark = pytest.mark.slow
TINY_TRAINING = ("data=chasedb1", "paths.data_dir=sets", *TINY)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed `fundus-unet`."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"  # hatchling writes nothing into the clone, but reads what lies around in it
    kept = ("src", "configs", "weights", "pyproject.toml", "README.md", "LICENSE")
    for name in kept:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        source.mkdir(exist_ok=True)
        copy(ROOT / name, source / name)
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=source)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    _run(sys.executable, "-m", "venv", environment)
    packages = sysconfig.get_path("purelib", vars={"base": str(environment), "platbase": str(environment)})
    Path(packages, "seen.pth").write_text(sysconfig.get_path("purelib"))  # its own .pth files are not followed
    scripts = Path(sysconfig.get_path("scripts", vars={"base": str(environment)}))
    _run(scripts / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    shutil.rmtree(source)
    return scripts / "fundus-unet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a folder of its own")
    write_chasedb1(folder / "sets" / "CHASE_DB1")
    (folder / "it's").mkdir()
    Image.fromarray(draw(5)[0]).save(folder / "it's/a photo (2).png")
    return folder


def _run(*command: object, cwd: Path | None = None) -> str:
    without = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "COLUMNS")}
    finished = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, env=without)
    assert finished.returncode == 0, f"{command}\n{finished.stdout}{finished.stderr}"
    return finished.stdout


WALK = """
import json, sys
from fundus_unet.commands.program import main
program, *commands = sys.argv[1:]
for words in map(json.loads, commands):
    sys.argv[:] = [program, *words]
    print("begins", *words, flush=True)
    main()
"""
"""Commands one after another: only the first has to import torch."""


def test_a_walk_through_every_command(program: Path, folder: Path) -> None:
    def fundus_unet(*commands: tuple[str, ...]) -> str:
        return _run(program.with_name("python"), "-c", WALK, program, *map(json.dumps, commands), cwd=folder)

    _run(program, "predict", "images=it's", "device=cpu", cwd=folder)
    assert (folder / "predictions/mask/a photo (2).png").is_file()
    transposed, bilinear = (
        ("train", *TINY_TRAINING, f"upsampler={name}", f"paths.run_dir=runs/{name}")
        for name in ("transposed_k4s2p1", "bilinear_conv")
    )
    _run(program, *transposed, cwd=folder)
    run = folder / "runs/bilinear_conv"
    runs = "run_dirs=[runs/transposed_k4s2p1,runs/bilinear_conv]"
    sizes = ("model.widths=[2,4]", "training.image_size=8", "training.batch_sizes=[1]", "inference.image_size=8")
    told = fundus_unet(
        bilinear,
        ("evaluate", f"run_dir={run}", "split=val"),
        ("summarize", "runs"),
        ("export", f"run_dir={run}"),
        ("predict", f"weights={run}/export/model.safetensors", "images=it's", "out_dir=maps", "device=cpu"),
        ("explain", "upsampler=transposed_k3s2p1", "size=3"),
        ("compare", "accuracy", runs, "paths.data_dir=sets"),
        ("compare", "checkerboard", runs, "images=1", "max_shifts=2", "paths.data_dir=sets"),
        ("compare", "speed", *sizes, "rounds=1", "min_seconds=0.001", "memory=false", "dtypes=[float32]"),
        ("report", "paths.data_dir=sets"),
    )
    assert str(program.parents[1]) not in (run / "config.yaml").read_text()  # a run can move to another machine
    assert (run / "evaluation/val/metrics.json").is_file()
    assert "2 of 2 runs are finished" in told
    assert f"{program} predict 'weights={run}" in told
    assert (folder / "maps/mask/a photo (2).png").is_file()
    assert (folder / "explain_transposed_k3s2p1.png").is_file()
    assert (folder / "runs/comparison/report.html").stat().st_size > 10_000


def test_the_sweeper_comes_with_it(program: Path, folder: Path) -> None:
    if not Path(sysconfig.get_path("purelib"), "optuna").is_dir():
        pytest.skip("needs the extra sweep, beside torch")
    sweeper = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=1", "hydra.sweep.dir=runs/study")
    assert "1 of 1 trials have ended" in _run(program, "train", "-m", *sweeper, *TINY_TRAINING, "seed=0,1", cwd=folder)


def test_two_processes_are_given_the_command_too(program: Path, folder: Path) -> None:
    out = _run(program, "predict", "images=it's", "out_dir=shared", "device=cpu", "devices=2", cwd=folder)
    assert "0 failed" in out


def test_configurations_of_the_user(program: Path, folder: Path) -> None:
    (folder / "mine/experiment").mkdir(parents=True)
    given = {"model": {"widths": [3, 5]}, "seed": 7}
    (folder / "mine/experiment/small.yaml").write_text("# @package _global_\n" + yaml.safe_dump(given))
    composed = _run(program, "train", "--config-dir", "mine", "experiment=small", "--cfg", "job", cwd=folder)
    assert yaml.safe_load(composed)["model"]["widths"] == [3, 5]


def test_from_python(program: Path, folder: Path) -> None:
    code = """
import fundus_unet
maps = fundus_unet.load_model("vessels").predict("it's/a photo (2).png")
print(fundus_unet.__version__, fundus_unet.UNet.__name__, maps.mask.shape, fundus_unet.__file__)
"""
    told = _run(program.with_name("python"), "-c", code, cwd=folder)
    assert told.startswith("0.")
    assert "UNet" in told
    assert str(program.parents[1]) in told
