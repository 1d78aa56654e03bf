"""Where curves go, by one word: `logger=csv`, `logger=wandb`, `logger=mlflow`."""

import csv
import json
from pathlib import Path

import pytest
from lightning.pytorch.utilities import rank_zero_only

from fundus_unet.training.curves_file import CurvesFile
from running import Scripts, refused, succeeded

FINAL = "result/final_dice"


def final_dice(run: Path) -> float:
    metrics = json.loads((run / "evaluation/test/metrics.json").read_text())
    return metrics["field_of_view"]["network at 0.5"]["pooled"]["dice"]


def resumed_after_one_epoch(scripts: Scripts, *overrides: str, name: str = "mine") -> Path:
    """A run whose first session ended after its first epoch, but for what it had logged of the second."""
    run = scripts.folder / f"runs/{name}"
    succeeded(scripts.train(f"paths.run_dir={run}", *overrides))
    (run / "threshold.json").unlink()
    (run / "checkpoints/previous.ckpt").replace(run / "checkpoints/last.ckpt")
    return run


def curves(run: Path) -> dict[str, list[int]]:
    """The steps of every curve."""
    found: dict[str, list[int]] = {}
    with (run / "curves.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            float(row["value"])
            found.setdefault(row["name"], []).append(int(row["step"]))
    return found


def test_csv(scripts: Scripts) -> None:
    run = resumed_after_one_epoch(scripts, "logger=csv")
    before = curves(run)
    assert before["val/average_precision"] == [7, 15]
    assert before["loss/train"] == [1, 3, 5, 7, 9, 11, 13, 15]
    assert before[FINAL] == [16]
    first = (run / "curves.csv").read_text()
    assert f"{final_dice(run)}" in first
    assert not list(run.glob("events.*"))

    succeeded(scripts("train", f"resume={run}"))
    assert curves(run) == before, "every step once"
    again = (run / "curves.csv").read_text()
    assert again.startswith(first[: first.index("\n7,")]), "what was logged before stays"


def test_of_several_processes_the_first_one_writes_the_curves(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    CurvesFile(tmp_path).log_metrics({"loss": 1.0}, 0)
    assert not list(tmp_path.iterdir())


def test_wandb_offline(scripts: Scripts, monkeypatch) -> None:
    pytest.importorskip("wandb", reason="needs the extra wandb")
    monkeypatch.setenv("HOME", str(scripts.folder))
    run = resumed_after_one_epoch(scripts, "logger=wandb")
    refused(scripts("train", f"resume={run}"), "beside its own", "add logger=wandb")
    succeeded(scripts("train", f"resume={run}", "logger=wandb"))
    sessions = sorted((run.parent / "wandb").glob("offline-run-*"))
    assert len(sessions) == 2
    assert len({path.name.rpartition("-")[2] for path in sessions}) == 1, "one run for whoever syncs it"
    other = scripts.folder / "elsewhere/mine"
    succeeded(scripts.train(f"paths.run_dir={other}", "logger=wandb", "trainer.max_epochs=1"))
    (third,) = (other.parent / "wandb").glob("offline-run-*")
    assert third.name.rpartition("-")[2] != sessions[0].name.rpartition("-")[2], "a run of the same name is another one"
    for session in sessions:
        assert next(session.glob("run-*.wandb")).stat().st_size > 0


def test_mlflow_in_a_folder_beside_the_runs(scripts: Scripts) -> None:
    pytest.importorskip("mlflow", reason="needs the extra mlflow")
    from mlflow.tracking import MlflowClient

    run = resumed_after_one_epoch(scripts, "logger=mlflow", name="it's")
    refused(scripts("train", f"resume={run}"), "beside its own", "add logger=mlflow")
    refused(scripts("train", f"resume={run}", "logger=csv"), "logger=csv cannot be applied")
    succeeded(scripts("train", f"resume={run}", "logger=mlflow"))
    succeeded(scripts.train("paths.run_dir=runs/other", "logger=mlflow", "seed=1"))
    client = MlflowClient(f"sqlite:///{scripts.folder / 'runs/mlflow/mlflow.db'}")
    experiment = client.get_experiment_by_name("fundus-unet")
    found = {one.info.run_name: one for one in client.search_runs([experiment.experiment_id])}
    assert found.keys() == {"it's", "other"}
    assert found["it's"].data.metrics[FINAL] == pytest.approx(final_dice(run))
    assert found["other"].data.params["seed"] == "1"
    assert {one.info.status for one in found.values()} == {"FINISHED"}


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_package_that_is_missing_is_said(scripts: Scripts, monkeypatch, name: str) -> None:
    import sys

    monkeypatch.setitem(sys.modules, name, None)
    refused(scripts.train(f"logger={name}"), f"{name} is not installed", f"pip install 'fundus-unet[{name}]'")
