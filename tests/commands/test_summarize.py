"""One table of a folder of runs, whatever is in it."""

import csv
import json
import shutil

import pytest

from fundus_unet.commands.run_summary import RunSummary, differing_settings
from fundus_unet.commands.summary_table import best_of
from running import Exploit, Finished, Scripts, contents, refused, succeeded


def summarized(scripts: Scripts, *overrides: str) -> tuple[Finished, dict[str, dict[str, str]]]:
    finished = succeeded(scripts("summarize", "dir=runs", *overrides))
    with (scripts.folder / "runs/summary.csv").open(newline="") as file:
        return finished, {row["run"]: row for row in csv.DictReader(file)}


@pytest.fixture
def two_runs(scripts: Scripts) -> Scripts:
    """`runs/a` and `runs/b`, which differ in their upsampler and in how good they are on validation."""
    first = scripts.tiny_run()
    second = scripts.folder / "runs/b"
    first.rename(scripts.folder / "runs/a")
    shutil.copytree(scripts.folder / "runs/a", second)
    config = (second / "config.yaml").read_text()
    (second / "config.yaml").write_text(
        config.replace("kernel_size: 4", "kernel_size: 2").replace("seed: 0", "seed: 5")
    )
    facts = json.loads((second / "run.json").read_text())
    facts["choices"]["upsampler"] = "transposed_k2s2"
    (second / "run.json").write_text(json.dumps(facts))
    rows = (second / "validation.csv").read_text().splitlines()
    column = rows[0].split(",").index("average_precision")
    cells = rows[-1].split(",")
    cells[column] = "0.987"
    (second / "validation.csv").write_text("\n".join([*rows[:-1], ",".join(cells)]) + "\n")
    return scripts


def test_settings_that_differ_and_the_best_on_validation(two_runs: Scripts) -> None:
    finished, rows = summarized(two_runs)
    assert list(rows) == ["b", "a"]
    assert (rows["b"]["best"], rows["a"]["best"]) == ("*", "")
    assert (rows["b"]["upsampler"], rows["a"]["upsampler"]) == ("transposed_k2s2", "transposed_k4s2p1")
    assert (rows["b"]["seed"], rows["a"]["seed"]) == ("5", "0")
    assert rows["b"]["val/average_precision"] == "0.987"
    metrics = json.loads((two_runs.folder / "runs/a/evaluation/test/metrics.json").read_text())
    assert float(rows["a"]["test/dice"]) == metrics["field_of_view"]["network at 0.5"]["pooled"]["dice"]
    assert not any("kernel" in name or "path" in name for name in rows["a"]), "what a choice says is told once"
    assert "2 of 2 runs are finished" in finished.out


def test_the_table_fits_80_columns(two_runs: Scripts) -> None:
    from rich.console import Console

    from fundus_unet.commands.summarize import _runs_below
    from fundus_unet.commands.summary_table import summary_tables

    console = Console(width=80, record=True)
    console.print(next(iter(summary_tables(list(_runs_below(two_runs.folder / "runs"))))))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert sum("finished" in line for line in lines) == 2


def test_damaged_and_unfinished_runs_are_rows_and_nothing_of_them_is_executed(two_runs: Scripts) -> None:
    runs = two_runs.folder / "runs"
    (runs / "a/threshold.json").unlink()
    for name, file, text in (
        ("no_json", "run.json", "{"),
        ("no_yaml", "config.yaml", "a: ["),
        ("acts", "config.yaml", f'a: !!python/object/apply:os.system ["touch {two_runs.folder}/acted"]\n'),
        ("resolves", "config.yaml", "a: ${oc.env:HOME}\n"),
        ("text", "config.yaml", "just text\n"),
        ("unborn", "run.json", '{"created": "2026-01-01"}'),
    ):
        (runs / name).mkdir()
        (runs / name / file).write_text(text)
    for name, file, text in (("b1", "training.json", "[]"), ("b2", "validation.csv", "epoch\nx\n")):
        shutil.copytree(runs / "b", runs / name)
        (runs / name / file).write_text(text)
    shutil.copytree(runs / "b", runs / "b3")
    (runs / "b3/evaluation/test/metrics.json").write_text("{}")
    import pickle

    (runs / "b3/checkpoints/best.ckpt").write_bytes(pickle.dumps(Exploit(str(two_runs.folder / "acted"))))
    before = contents(runs)
    finished, rows = summarized(two_runs)
    states = {name: row["state"] for name, row in rows.items()}
    assert states == {"a": "unfinished", "b": "finished", "b3": "finished", "unborn": "unfinished"} | dict.fromkeys(
        ("no_json", "no_yaml", "acts", "resolves", "text", "b1", "b2"), "damaged"
    )
    assert all(row["problem"] for row in rows.values() if row["state"] == "damaged")
    assert "damaged" in rows["b3"]["problem"]
    assert not (two_runs.folder / "acted").exists()
    after = contents(runs)
    assert after.keys() - before.keys() == {"summary.csv"}
    assert {name: after[name] for name in before} == before
    assert "2 of 11 runs are finished" in finished.out


def test_another_file_is_not_replaced(two_runs: Scripts) -> None:
    mine = two_runs.folder / "mine.csv"
    mine.write_text("my,own\n")
    refused(two_runs("summarize", "dir=runs", f"path={mine}"), "mine.csv", "not changed")
    assert mine.read_text() == "my,own\n"
    summarized(two_runs)
    summarized(two_runs)  # its own is


def test_no_runs_are_said(scripts: Scripts) -> None:
    refused(scripts("summarize", "dir=nowhere"), "no folder nowhere")
    refused(scripts("summarize", "dir=sets"), "no run below sets")


def test_a_setting_below_a_choice_is_told_where_runs_of_one_choice_differ() -> None:
    def run(name: str, upsampler: str, groups: int, lr: float) -> RunSummary:
        settings = {"model.upsampler.groups": groups, "optimizer.lr": lr, "paths.run_dir": name, "data.workers": groups}
        return RunSummary(name, "finished", choices={"upsampler": upsampler}, settings=settings)

    runs = [run("a", "x", 1, 0.1), run("b", "y", 2, 0.1), run("c", "y", 2, 0.2)]
    assert differing_settings(runs) == {"upsampler": ["x", "y", "y"], "optimizer.lr": ["0.1", "0.1", "0.2"]}
    assert differing_settings([*runs[:2], run("c", "y", 3, 0.1)]) == {
        "upsampler": ["x", "y", "y"],
        "model.upsampler.groups": ["1", "2", "3"],
    }


@pytest.mark.parametrize(
    ("key", "comparable"),
    [("data.batch_size", True), ("data.steps_per_epoch", True), ("data.source.split", False), ("data.fold", False)],
)
def test_the_best_is_marked_where_all_validate_on_the_same_images(key: str, comparable: bool) -> None:
    runs = [
        RunSummary(name, "finished", settings={key: name}, validation=score) for name, score in (("a", 0.8), ("b", 0.9))
    ]
    assert best_of(runs) is (runs[1] if comparable else None)
