"""A resumed run is the same run, or it is refused and says why; a damaged checkpoint is not the end of it."""

import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from data.layouts import draw, save
from running import Scripts, contents, refused, succeeded


@pytest.fixture
def stopped(scripts: Scripts, kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of four epochs that was interrupted in the fourth."""
    from fundus_unet.training.segmenter import VesselSegmenter

    original = VesselSegmenter.training_step

    def interrupted(self, batch, batch_idx):
        if self.global_step == 27:
            raise KeyboardInterrupt
        return original(self, batch, batch_idx)

    def make() -> None:
        monkeypatch.setattr(VesselSegmenter, "training_step", interrupted)
        finished = scripts.train("trainer.max_epochs=4", "paths.run_dir=runs/stopped")
        assert finished.code == 130
        assert "the state after epoch 3 is kept" in finished.out
        monkeypatch.setattr(VesselSegmenter, "training_step", original)

    scripts.make_once(kept, make)
    run = scripts.folder / "runs/stopped"
    config = OmegaConf.load(run / "config.yaml")
    config.paths.data_dir = str(scripts.folder / "sets")  # the fixture's folder is another one for each test
    OmegaConf.save(config, run / "config.yaml")
    return run


def change(path: Path, how: Callable[[dict[str, Any]], None]) -> None:
    checkpoint = torch.load(path, weights_only=True)
    how(checkpoint)
    torch.save(checkpoint, path)


@pytest.fixture(scope="module")
def resumed() -> dict[str, Any]:
    """What the run ends with that is resumed undamaged; filled by the first test that needs it."""
    return {}


@pytest.mark.parametrize("damage", ["cut", "empty", "missing"])
def test_a_damaged_last_checkpoint_falls_back_to_the_one_before(
    scripts: Scripts, stopped: Path, resumed: dict[str, Any], damage: str
) -> None:
    if not resumed:
        undamaged = Path(shutil.copytree(stopped, stopped.with_name("undamaged")))
        succeeded(scripts("train", f"resume={undamaged}"))
        resumed |= torch.load(undamaged / "checkpoints/last.ckpt", weights_only=True)
    last = stopped / "checkpoints/last.ckpt"
    if damage == "missing":
        last.unlink()
    else:
        last.write_bytes(last.read_bytes()[: 2000 if damage == "cut" else 0])
    finished = succeeded(scripts("train", f"resume={stopped}"))
    assert "continuing from previous.ckpt, the state after epoch 2" in finished.out
    got = torch.load(stopped / "checkpoints/last.ckpt", weights_only=True)
    assert got["epoch"] == resumed["epoch"] == 3
    assert got["state_dict"].keys() == resumed["state_dict"].keys()
    assert all(torch.equal(value, resumed["state_dict"][key]) for key, value in got["state_dict"].items())


def test_without_any_whole_checkpoint_nothing_is_started_over(scripts: Scripts, stopped: Path) -> None:
    for name in ("last", "previous"):
        (stopped / f"checkpoints/{name}.ckpt").write_bytes(b"PK")
    before = contents(stopped)
    refused(scripts("train", f"resume={stopped}"), "previous.ckpt is damaged")
    assert contents(stopped) == before


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (lambda state: state.update(epoch=-1), "damaged"),
        (lambda state: state.update(epoch=True), "damaged"),
        (lambda state: state.update(epoch=10**30), "damaged"),
        (lambda state: state.update(global_step="many"), "damaged"),
        (lambda state: state.pop("optimizer_states"), "damaged"),
        (lambda state: state.update(callbacks=[1]), "damaged"),
        (lambda state: state["lr_schedulers"][0].update(total_steps=64), "planned for 64 steps"),
        (lambda state: state["lr_schedulers"][0].update(_last_lr=[float("nan")] * 2), "finite"),
        (lambda state: state["lr_schedulers"][0].update(base_lrs="fast"), "schedule"),
        (lambda state: state["optimizer_states"][0].update(param_groups=[]), "optimizer"),
        (lambda state: state["optimizer_states"][0]["state"][0].update(exp_avg=torch.zeros(3)), "parameter 0"),
        (lambda state: state["optimizer_states"][0]["state"][0].update(exp_avg="x"), "parameter 0"),
        (lambda state: state["optimizer_states"][0]["state"].update({99: {}}), "optimizer"),
        (lambda state: state["optimizer_states"][0]["param_groups"][0].update(lr="x"), "optimizer"),
    ],
)
def test_a_state_that_is_not_this_runs_is_refused_before_anything_is_written(
    scripts: Scripts, stopped: Path, how: Callable[[dict[str, Any]], None], expected: str
) -> None:
    for name in ("last", "previous"):
        change(stopped / f"checkpoints/{name}.ckpt", how)
    before = contents(stopped)
    refused(scripts("train", f"resume={stopped}"), expected)
    assert contents(stopped) == before


def test_callbacks_get_no_paths_from_a_checkpoint(scripts: Scripts, stopped: Path) -> None:
    precious = scripts.folder / "precious"
    precious.mkdir()
    (precious / "file").touch()

    def attack(state: dict[str, Any]) -> None:
        own = next(value for key, value in state["callbacks"].items() if key.startswith("RunCheckpoints"))
        own |= {"folder": str(precious), "dirpath": str(precious), "best_k_models": {str(precious): 0}}
        state["callbacks"]["ModelCheckpoint{'monitor': 'val/average_precision', 'mode': 'max'}"] = {
            "dirpath": str(precious),
            "best_k_models": {str(precious): torch.tensor(0.0)},
            "best_model_score": torch.tensor(0.0),
            "best_model_path": str(precious),
            "last_model_path": str(precious),
        }
        state["hyper_parameters"] = {"path": str(precious)}

    for name in ("last", "best"):
        change(stopped / f"checkpoints/{name}.ckpt", attack)
    succeeded(scripts("train", f"resume={stopped}"))
    assert [path.name for path in precious.iterdir()] == ["file"]


def test_a_longer_schedule_is_a_new_run(scripts: Scripts, stopped: Path) -> None:
    config = OmegaConf.load(stopped / "config.yaml")
    config.trainer.max_epochs = 6
    OmegaConf.save(config, stopped / "config.yaml")
    refused(scripts("train", f"resume={stopped}"), "trainer.max_epochs: 4 before, 6 now", "start a new run")
    (stopped / "data.json").unlink()  # as in runs of earlier versions
    refused(scripts("train", f"resume={stopped}"), "another schedule", "48 steps", "a new schedule, and so a new run")


@pytest.mark.parametrize(("key", "value"), [("augment.blur", 0.5), ("seed", 1), ("optimizer.weight_decay", 0.5)])
def test_a_changed_configuration_is_another_run(scripts: Scripts, stopped: Path, key: str, value: float) -> None:
    config, before = OmegaConf.load(stopped / "config.yaml"), contents(stopped)
    OmegaConf.update(config, key, value)
    OmegaConf.save(config, stopped / "config.yaml")
    refused(scripts("train", f"resume={stopped}"), f"{key}: ", f"{value} now", "was changed since it began")
    assert contents(stopped) == before | {"config.yaml": (stopped / "config.yaml").read_bytes()}


@pytest.mark.parametrize(("part", "index"), [("image", 0), ("label", 1)])
def test_changed_data_are_not_resumed_without_a_word(scripts: Scripts, stopped: Path, part: str, index: int) -> None:
    suffix = {"image": ".jpg", "label": "_1stHO.png"}[part]
    path, before = scripts.folder / f"sets/CHASE_DB1/Image_02L{suffix}", contents(stopped)
    kept = path.read_bytes()
    values = draw(1234)[index]
    save(path, values > 0 if part == "label" else values)
    refused(scripts("train", f"resume={stopped}"), f"the {part} of Image_02L is another", "start a new run")
    assert contents(stopped) == before
    path.write_bytes(kept)
    succeeded(scripts("train", f"resume={stopped}"))


def test_a_run_without_a_record_of_its_data_is_resumed_and_says_so(scripts: Scripts, stopped: Path) -> None:
    (stopped / "data.json").unlink()
    finished = succeeded(scripts("train", f"resume={stopped}"))
    assert "data.json is missing" in finished.out
    other = json.loads((stopped / "run.json").read_text())
    assert other["choices"]["data"] == "chasedb1"


@pytest.mark.parametrize("record", ["5", "{}", '{"train": 5, "val": {}}', "[" * 5000])
def test_a_damaged_record_of_the_data(scripts: Scripts, stopped: Path, record: str) -> None:
    (stopped / "data.json").write_text(record)
    refused(scripts("train", f"resume={stopped}"), "data.json is damaged")


def test_a_checkpoint_without_the_project_s_own_state_is_refused(scripts: Scripts, stopped: Path) -> None:
    def as_of_others(state: dict[str, Any]) -> None:
        state["callbacks"] = {"ModelCheckpoint{'monitor': 'val/dice'}": {"best_model_score": torch.tensor(0.999)}}

    for name in ("last", "previous"):
        change(stopped / f"checkpoints/{name}.ckpt", as_of_others)
    refused(scripts("train", f"resume={stopped}"), "no checkpoint of this project")


def test_a_full_disk_keeps_the_epoch_before(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    from fundus_unet.training import checkpoints

    write, calls = checkpoints.write_bytes, iter(range(100))

    def full(path: Path, data: bytes) -> None:
        if next(calls) >= 4:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, data)

    monkeypatch.setattr(checkpoints, "write_bytes", full)
    finished = scripts.train("trainer.max_epochs=4", "paths.run_dir=runs/full")
    refused(finished, "No space left on device", "make room")
    assert "is kept" in finished.out
    monkeypatch.setattr(checkpoints, "write_bytes", write)
    run = scripts.folder / "runs/full"
    assert torch.load(run / "checkpoints/last.ckpt", weights_only=True)["epoch"] >= 0
    succeeded(scripts("train", f"resume={run}"))


def test_a_run_is_trained_by_one_process_at_a_time(scripts: Scripts, stopped: Path) -> None:
    hold = (
        "import fcntl, sys; f = open(sys.argv[1], 'ab'); fcntl.lockf(f, fcntl.LOCK_EX); print(1, flush=True); input()"
    )
    command = [sys.executable, "-c", hold, str(stopped / ".training.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"1\n"
        before = contents(stopped)
        refused(scripts("train", f"resume={stopped}"), "another process is training in")
        assert contents(stopped) == before
        other.kill()
    succeeded(scripts("train", f"resume={stopped}"))
