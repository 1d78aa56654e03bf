"""compare accuracy budget=TIME: one length for all trainings, by the slowest variant, from first to last."""

import json
from pathlib import Path

import pytest
import torch

from fundus_unet.core.lock import alone_in
from fundus_unet.runs import train
from fundus_unet.runs.prepared_training import PreparedTraining
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.training.step_timing import Timings
from running import TINY, Finished, Scripts, refused, succeeded

OUT = Path("runs/comparison")
UNTIMED = [item for item in TINY if not item.startswith(("data.steps_per_epoch", "trainer.max_epochs"))]
SECONDS = {"TransposedConvUpsampler": 1.0, "InterpolateConvUpsampler": 2.0}
"""Of a step, by what the upsampler is."""


def compare(scripts: Scripts, *overrides: str) -> Finished:
    variants = "upsamplers=[transposed_k4s2p1,bilinear_conv]"
    return scripts("compare_accuracy", "data=chasedb1", "paths.data_dir=sets", *UNTIMED, variants, *overrides)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The upsamplers that were measured."""
    found: list[str] = []

    def told(config, trainer, model, datamodule, console) -> Timings:
        found.append(type(model.network.upsamplers[0]).__name__)
        return Timings(1.0, SECONDS[found[-1]], 2.0)

    monkeypatch.setattr(train, "measured", told)
    return found


def lengths(folder: Path) -> dict[str, tuple[int, int]]:
    """Steps, and what the schedule is for, by run."""
    found = {}
    for path in (folder / OUT / "runs").iterdir():
        state = torch.load(path / "checkpoints/last.ckpt", weights_only=True)
        found[path.name] = (state["global_step"], state["lr_schedulers"][0]["total_steps"])
    return found


def test_every_variant_has_the_steps_that_the_slowest_has_time_for(scripts: Scripts, measured: list[str]) -> None:
    finished = succeeded(compare(scripts, "budget=1min", "seeds=[0]", "folds=2"))
    assert sorted(measured) == sorted(SECONDS)
    assert "budget 60 s: 2 s a step, 8 s of validation: 20 steps in 4 epochs" in finished.out
    names = [f"{name}_seed0_fold{fold}" for name in ("transposed_k4s2p1", "bilinear_conv") for fold in (0, 1)]
    assert lengths(scripts.folder) == dict.fromkeys(names, (20, 20))
    result = json.loads((scripts.folder / OUT / "accuracy.json").read_text())
    assert result["command"][-2:] == ["data.steps_per_epoch=5", "trainer.max_epochs=4"]
    assert result["protocol"]["differing_settings"] == {}
    kept = json.loads((scripts.folder / OUT / "budget.json").read_text())
    assert (kept["budget"], kept["seconds_per_step"], kept["steps"]) == ("1min", 2.0, 20)
    run = RunDirectory(scripts.folder / OUT / "runs" / names[0])
    for words in (result["command"], run.overrides, json.loads((run.path / "run.json").read_text())["command"]):
        assert not [word for word in words if word.startswith("budget")]
    assert {"data.steps_per_epoch=5", "trainer.max_epochs=4"} < set(run.overrides)


def test_a_comparison_goes_on_with_its_length_and_no_other(scripts: Scripts, measured: list[str]) -> None:
    succeeded(compare(scripts, "budget=1min", "seeds=[0]"))
    measured.clear()
    again = succeeded(compare(scripts, "budget=60s", "seeds=[0,1]"))
    assert "run directory" in again.out
    assert not measured
    assert len(lengths(scripts.folder)) == 4
    assert set(lengths(scripts.folder).values()) == {(20, 20)}
    refused(compare(scripts, "budget=2min", "seeds=[0]"), "has another budget", "budget=1min", "choose another out_dir")
    refused(compare(scripts, "budget=1min", "seeds=[0]", "optimizer.lr=0.1"), "optimizer.lr: 0.03 in there; 0.1")
    (scripts.folder / OUT / "budget.json").write_text('{"budget": "1min", "steps": "many"}')
    refused(compare(scripts, "budget=1min", "seeds=[0]"), "budget.json is damaged")


def test_what_was_measured_for_others_settings_before_any_run_is_measured_again(
    scripts: Scripts, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PreparedTraining, "run", interrupted)
        patch.setattr(RunDirectory, "create", interrupted)
        assert compare(scripts, "budget=1min", "seeds=[0]").code == 130
        assert len(measured) == 2
        assert compare(scripts, "budget=1min", "seeds=[0]").code == 130
        assert len(measured) == 2
        assert compare(scripts, "budget=1min", "seeds=[0]", "data.batch_size=3").code == 130
        assert len(measured) == 4


def test_two_processes_do_not_choose_two_lengths(scripts: Scripts, measured: list[str]) -> None:
    out = scripts.folder / OUT
    out.mkdir(parents=True)
    with alone_in(out, "", ""):
        refused(compare(scripts, "budget=1min", "seeds=[0]"), "another process measures", "give the command again")
    assert not measured


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["budget=1min", "trainer.max_epochs=3"], ["said in two ways", "trainer.max_epochs=3"]),
        (["budget=1min", "run_dirs=[runs/one]"], ["budget is for runs that are trained here"]),
        (["budget=9"], ["9min or 9s"]),
    ],
    ids=str,
)
def test_what_is_no_budget_of_a_comparison(scripts: Scripts, overrides: list[str], words: list[str]) -> None:
    refused(compare(scripts, *overrides), *words)
    assert not (scripts.folder / OUT / "runs").exists()
