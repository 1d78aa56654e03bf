"""Many trainings from one command: counted, named by what differs, kept in one folder, and summed up in one table."""

from pathlib import Path

import pytest
from hydra import initialize_config_dir
from rich.console import Console

from fundus_unet.commands.config_files import CONFIG_DIR
from fundus_unet.commands.multirun import FAILED, FINISHED, Job, Multirun
from fundus_unet.commands.multirun_table import multirun_table
from running import Scripts, refused

SHORT = ("data.steps_per_epoch=2", "trainer.max_epochs=1")


def begun(*overrides: str) -> Multirun:
    found = Multirun()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        found.begin(overrides)
    return found


@pytest.mark.parametrize(
    ("overrides", "varied", "total"),
    [
        (["seed=0,1", "upsampler=bilinear_conv,dysample", "data=chasedb1"], ("seed", "upsampler"), 4),
        (["seed=range(0,5)"], ("seed",), 5),
        (["upsampler=glob(transposed_k3*)"], ("upsampler",), 2),
        (["+x=choice(a,b,c)"], ("+x",), 3),
        (["seed=0,1", "seed=4"], (), 1),
        (["model.widths=[4,8],[8,16]"], ("model.widths",), 2),
        (["model.widths=[4,8]"], (), 1),
        ([], (), 1),
    ],
    ids=str,
)
def test_jobs_are_counted_before_the_first_begins(overrides: list[str], varied: tuple[str, ...], total: int) -> None:
    found = begun(*overrides)
    assert (found.varied, found.total) == (varied, total)


def test_a_job_is_called_by_what_differs() -> None:
    assert begun("seed=0,1", "data=hrf").settings_of(["seed=1", "data=hrf"]) == "seed=1"
    assert begun("seed=1", "data=hrf").settings_of(["seed=1", "data=hrf"]) == "seed=1 data=hrf"


@pytest.mark.parametrize(
    "override", ["hydra/launcher=joblib", "hydra/sweeper=optuna", "hydra.sweeper.max_batch_size=2"]
)
@pytest.mark.parametrize("name", ["train", "benchmark_training", "evaluate"])
def test_what_hydra_would_ignore_without_m_is_refused(scripts: Scripts, name: str, override: str) -> None:
    pytest.importorskip("optuna", reason="needs the extra sweep")
    refused(scripts(name, override), f"{override} has no use for one job", "add -m, or leave it out")


def test_the_table_fits_80_columns_whatever_was_varied() -> None:
    long = " ".join(["upsampler=transposed_k4s2p1_bilinear_init", "optimizer.lr=0.001", "model.widths=[16,32,64,128]"])
    jobs = [
        Job("chasedb1_unet_seed0_76d2ec80", long, FINISHED, {"test": 0.81234}, 12.34),
        Job("chasedb1_unet_seed1_0f61aa31", long, FAILED, failure="out of memory"),
        Job("mine", "seed=2", FINISHED, {"val": 0.7}),
    ]
    console = Console(width=80, record=True)
    console.print(multirun_table(jobs))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    for part in ("*_76d2ec80", "*_0f61aa31", "mine", "0.8123", "0.7000", "12.3", "finished", "failed", "Dice"):
        assert part in text
    for word in long.removeprefix("upsampler=").split():
        assert any(word in line for line in lines), f"{word} is broken"


def test_a_multirun_says_which_run_and_ends_with_a_table_and_leaves_nothing_elsewhere(scripts: Scripts) -> None:
    before = {path.name for path in scripts.folder.iterdir()}
    finished = scripts.train("model.upsampler.kernel_size=4,1", "seed=3", *SHORT, multirun=True)
    assert finished.code == 1
    assert "run 1 of 2: model.upsampler.kernel_size=4\n" in finished.out
    assert "run 2 of 2: model.upsampler.kernel_size=1\n" in finished.out
    rows = [line.split() for line in finished.out.splitlines() if line.lstrip().startswith("*_")]
    assert [row[1] for row in rows] == ["model.upsampler.kernel_size=4", "model.upsampler.kernel_size=1"]
    assert [row[-1] for row in rows] == ["finished", "failed"]
    assert 0 <= float(rows[0][2]) <= 1
    assert "1 of 2 runs are finished, in runs/multirun" in finished.out
    assert "1 failed; the same command tries them again" in finished.err
    assert "Error executing job" not in finished.out + finished.err
    assert {path.name for path in scripts.folder.iterdir()} - before == {"runs"}
    assert {path.name for path in (scripts.folder / "runs").iterdir()} == {"multirun", ".data_checks"}
    folders = [path for path in Path(scripts.folder, "runs/multirun").iterdir() if path.is_dir()]
    assert [path.name.rpartition("_")[2] for path in folders] == [rows[0][0].removeprefix("*_")]
