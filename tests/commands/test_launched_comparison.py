"""A comparison whose runs go through a launcher: `compare accuracy hydra/launcher=joblib`."""

import json
import re
import signal
from pathlib import Path

import pytest

from commands.launching import DATA, ended, killed_when, started
from running import Scripts, succeeded

pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="needs the extra sweep")
COMPARISON = ("hydra/launcher=joblib", *DATA, "upsamplers=[transposed_k4s2p1,bilinear_conv]", "seeds=[0,1]")


def result(folder: Path) -> dict:
    return json.loads((folder / "accuracy.json").read_text())


@pytest.mark.slow
def test_it_is_the_comparison_of_one_process_and_goes_on_after_a_kill(scripts: Scripts) -> None:
    folder = scripts.folder

    def first_is_finished() -> bool:
        return any((folder / "runs/comparison/runs").glob("*/threshold.json"))

    killed_when(started(folder, "compare_accuracy", *COMPARISON), first_is_finished, signal.SIGKILL)
    runs = folder / "runs/comparison/runs"
    kept = {path: path.stat().st_mtime_ns for path in runs.glob("*/threshold.json")}
    out = ended(folder, "compare_accuracy", *COMPARISON)
    told = re.search(r"(\d) of 4 runs are finished; (\d) go to the launcher", out)
    assert told, out
    assert len(kept) <= int(told[1]) < 4, "jobs live for a second longer than the process that started them"
    assert int(told[1]) + int(told[2]) == 4
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "finished runs are kept"
    assert {path.name for path in runs.iterdir()} == {
        f"{name}_seed{seed}" for name in ("transposed_k4s2p1", "bilinear_conv") for seed in (0, 1)
    }
    assert {path.name for path in (folder / "runs").iterdir()} == {"comparison", ".data_checks"}
    for path in runs.iterdir():
        facts = json.loads((path / "run.json").read_text())
        assert facts["command"][:3] == ["fundus-unet", "compare", "accuracy"]
    succeeded(scripts("compare_accuracy", *COMPARISON[1:], "out_dir=runs/alone"))
    launched, alone = (result(folder / "runs" / name) for name in ("comparison", "alone"))
    assert launched["differences"] == alone["differences"]

    diverged = runs / "bilinear_conv_seed1"
    (diverged / "threshold.json").unlink()
    sessions = json.loads((diverged / "training.json").read_text())
    sessions["sessions"][-1]["ended"] = "diverged"
    (diverged / "training.json").write_text(json.dumps(sessions))
    out = ended(folder, "compare_accuracy", *COMPARISON, code=1)
    assert [failure["run"] for failure in result(folder / "runs/comparison")["failures"]] == [diverged.name]
    assert "diverged in an earlier comparison" in out
