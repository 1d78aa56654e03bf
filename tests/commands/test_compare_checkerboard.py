"""`scripts/compare_checkerboard.py` on tiny networks: what it writes, what it refuses, what it keeps."""

import json
import shutil

import pytest
from PIL import Image

from fundus_unet.comparison.checkerboard import compare as comparing
from fundus_unet.comparison.checkerboard.engine import MEASURES, measure_network
from running import Finished, Scripts

NEW = (
    "model.widths=[4,8]",
    "data.source.train=1",
    "data.source.val=1",
    "data.source.test=2",
    "data.source.size=128",
    "upsamplers=[transposed_k3s2p1,bilinear_conv]",
    "seeds=[0,1]",
    "max_shifts=4",
    "out_dir=out",
)


def result(scripts: Scripts) -> dict:
    return json.loads((scripts.folder / "out/checkerboard.json").read_text())


def compare(scripts: Scripts, *overrides: str) -> Finished:
    return scripts("compare_checkerboard", *overrides)


def test_new_networks(scripts: Scripts) -> None:
    finished = compare(scripts, *NEW)
    assert finished.code == 0, finished.err
    written = result(scripts)
    assert written["kind"] == "checkerboard"
    assert written["protocol"]["images"] == ["0003", "0004"]
    assert set(written["variants"]) == {"transposed_k3s2p1", "bilinear_conv"}
    uneven, even = (written["variants"][name]["init"] for name in ("transposed_k3s2p1", "bilinear_conv"))
    assert tuple(uneven) == MEASURES
    assert uneven["overlap_unevenness"]["stage 1"]["mean"] == pytest.approx(4 / 3)
    assert uneven["gain_imbalance"]["stage 1"]["mean"] > 0.7 > 1e-6 > even["gain_imbalance"]["stage 1"]["mean"]
    energy = uneven["phase_energy"]["stage 1"]
    assert energy["excess"] > 0.05 > 100 * abs(even["phase_energy"]["stage 1"]["excess"])
    assert [one["seed"] for one in energy["per_seed"]] == [0, 1]
    assert energy["mean"] == pytest.approx(sum(one["value"] for one in energy["per_seed"]) / 2)
    assert len(energy["per_seed"][0]["per_image"]) == 2
    assert even["subgrid_shift_sensitivity"]["probability"]["null"] < 1e-4
    text = (scripts.folder / "out/checkerboard.md").read_text()
    assert "1.333" in text
    assert "`bilinear_conv`" in text
    for name in ("phase_means", "residual", "spectrum"):
        with Image.open(scripts.folder / f"out/checkerboard/{name}.png") as figure:
            assert len(figure.convert("RGB").getcolors(1 << 24)) > 20
    assert "transposed_k3s2p1" in finished.out


def test_runs_are_measured_trained_and_at_their_initialization(scripts: Scripts) -> None:
    run = scripts.train("upsampler=transposed_k2s2", "seed=3").run_directory
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    finished = compare(scripts, f"run_dirs=[{run}]", "images=1", "max_shifts=4", "out_dir=out")
    assert finished.code == 0, finished.err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    states = result(scripts)["variants"]["transposed_k2s2"]
    assert set(states) == {"init", "trained"}
    gains = [states[state]["gain_imbalance"]["stage 1"] for state in ("init", "trained")]
    assert gains[0]["mean"] != gains[1]["mean"]
    assert gains[0]["per_seed"][0]["seed"] == 3
    # the initialization is that of the seed
    other = compare(
        scripts, *NEW, "upsamplers=[transposed_k2s2]", "seeds=[3]", "images=1", "data.scale=1", "out_dir=out"
    )
    assert other.code == 0, other.err
    again = result(scripts)["variants"]["transposed_k2s2"]["init"]["gain_imbalance"]["stage 1"]["mean"]
    assert again == pytest.approx(gains[0]["mean"], rel=1e-9)


def test_bad_runs_are_named_and_the_others_go_on(scripts: Scripts) -> None:
    run = scripts.train().run_directory
    damaged = scripts.folder / "damaged"
    damaged.mkdir()
    (damaged / "config.yaml").write_bytes((run / "config.yaml").read_bytes())
    small = ("images=1", "max_shifts=4", "out_dir=out")
    refused = compare(scripts, f"run_dirs=[{damaged},nowhere]", *small)
    assert refused.code == 2
    assert "nowhere" in refused.err
    assert "is not finished" in refused.err
    assert not (scripts.folder / "out").exists()
    broken = shutil.copytree(run, scripts.folder / "broken")
    (broken / "checkpoints/best.ckpt").write_bytes(b"no checkpoint")
    partly = compare(scripts, f"run_dirs=[nowhere,{run},{damaged},{broken}]", *small)
    assert partly.code == 1
    assert "nowhere" in partly.out
    assert "is not finished" in partly.out
    assert "is damaged" in partly.out
    assert set(result(scripts)["variants"]["transposed_k4s2p1"]) == {"init", "trained"}


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["upsamplers=[bilinear_con]"], "did you mean 'bilinear_conv'"),
        (["upsamplers=[]"], "upsamplers"),
        (["seeds=[]"], "seeds"),
        (["seeds=[one]"], "seeds"),
        (["max_shifts=1"], "max_shifts"),
        (["images=0"], "images"),
        (["split=tset"], "did you mean 'test'"),
        (["device=abacus"], "abacus"),
        (["run_dirs=[nowhere]"], "nowhere"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_refuses(scripts: Scripts, overrides: list[str], expected: str) -> None:
    finished = compare(scripts, *NEW, *overrides)
    assert finished.code == 2
    assert expected in finished.err
    assert "Traceback" not in finished.err
    assert not (scripts.folder / "out").exists()


def test_an_interruption_keeps_what_was_measured(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def interrupted_at_the_third(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return measure_network(*arguments, **options)

    monkeypatch.setattr(comparing, "measure_network", interrupted_at_the_third)
    finished = compare(scripts, *NEW, "images=1")
    assert finished.code == 130
    assert "2 of 4 networks measured" in finished.out
    kept = result(scripts)["variants"]
    assert list(kept) == ["bilinear_conv"] or list(kept) == ["transposed_k3s2p1"]
    assert (scripts.folder / "out/checkerboard/spectrum.png").is_file()
