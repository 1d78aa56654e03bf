"""`scripts/compare_speed.py`: the files it leaves, also when interrupted, and what it refuses."""

import csv
import json
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from fundus_unet.commands.upsamplers import check_upsamplers, network_for, upsampler_options
from fundus_unet.comparison.speed import compare, roofline
from fundus_unet.core.errors import InputError
from running import ROOT, Finished, Scripts

OPTIONS = sorted(path.stem for path in (ROOT / "configs" / "upsampler").glob("*.yaml"))
SMALL = (
    "model.widths=[4,8]",
    "dtypes=[float32]",
    "memory_formats=[contiguous]",
    "devices=[cpu]",
    "training.image_size=32",
    "training.batch_sizes=[2]",
    "inference.image_size=[32,48]",
    "rounds=2",
    "min_seconds=0.001",
    "memory=false",
    "threads=1",
)


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scripts:
    monkeypatch.setattr(roofline, "LARGEST", 512)  # seconds less
    return Scripts(tmp_path, monkeypatch, capsys)


def compared(scripts: Scripts, *overrides: str) -> tuple[Finished, dict]:
    finished = scripts("compare_speed", *SMALL, *overrides)
    assert finished.code == 0, finished.err
    return finished, json.loads((scripts.folder / "runs/comparison/speed.json").read_text())


def test_the_files_hold_every_combination(scripts: Scripts) -> None:
    finished, result = compared(scripts)
    rows = result["rows"]
    # two modes; one decoder stage, or the network; three upsamplers
    assert [(row["level"], row["mode"], row["upsampler"]) for row in rows] == [
        (level, mode, upsampler)
        for level in ("layer", "network")
        for mode in ("training", "inference")
        for upsampler in ("transposed_k4s2p1", "transposed_k3s2p1", "bilinear_conv")
    ]
    assert {row["status"] for row in rows} == {"measured"}
    assert all(row["median_seconds"] > 0 and row["rounds"] == 2 for row in rows)
    assert rows[0]["ratio_to_control"] == 1.0
    assert rows[0]["flops"] == 3 * 2 * 16 * 8 * 4 * (16 * 16) * 2
    assert rows[-1]["image_size"] == [32, 48]
    assert rows[0]["share_of_matrix_rate"] == pytest.approx(
        rows[0]["flops"] / rows[0]["median_seconds"] / result["matrix_product_rate"][0]["flops_per_second"]
    )
    assert (result["kind"], result["complete"], result["control"]) == ("speed", True, "transposed_k4s2p1")
    assert result["environment"]["torch_threads"] == 1
    assert result["settings"]["rounds"] == 2
    with (scripts.folder / "runs/comparison/speed.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [float(line["median_seconds"]) for line in lines] == [row["median_seconds"] for row in rows]
    text = (scripts.folder / "runs/comparison/speed.md").read_text()
    assert text.count("\n## ") == 4
    assert "stage 1, 8 -> 4 channels, 16 x 16 -> 32 x 32" in text
    assert "network training, cpu float32 contiguous eager, 2 x 32 x 32" in finished.out
    assert str(scripts.folder / "runs/comparison/speed.json") in finished.out


def test_other_choices(scripts: Scripts) -> None:
    _, result = compared(
        scripts,
        "upsamplers=[pixel_*,transposed_k2s2]",
        "control=transposed_k2s2",
        "levels=[layer]",
        "modes=[inference]",
        "inference.batch_sizes=[1,2]",
        "dtypes=[bfloat16]",
        "memory_formats=[contiguous,channels_last]",
        "devices=[auto,cpu]" if not torch.cuda.is_available() else "devices=[cpu]",
    )
    rows = result["rows"]
    assert [(row["batch_size"], row["memory_format"], row["upsampler"]) for row in rows] == [
        (batch_size, memory_format, upsampler)
        for batch_size in (1, 2)
        for memory_format in ("contiguous", "channels_last")
        for upsampler in ("pixel_shuffle_icnr", "transposed_k2s2")
    ]
    assert {row["ratio_to_control"] for row in rows[1::2]} == {1.0}
    assert {row["dtype"] for row in rows} == {"bfloat16"}


def test_memory_comes_from_a_process_of_its_own(scripts: Scripts) -> None:
    _, result = compared(scripts, "memory=true", "levels=[layer]", "modes=[inference]", "inference.image_size=512")
    for row in result["rows"]:
        assert row["reason"] is None
        assert row["process_memory_bytes"] > 4 * 512 * 512 * 4  # the output


def test_a_failure_is_told_beside_the_others(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler

    def forward(self, x, output_size):
        raise RuntimeError("no kernel\nfor this")

    monkeypatch.setattr(InterpolateConvUpsampler, "forward", forward)
    finished, result = compared(scripts, "levels=[network]")
    assert {(row["upsampler"], row["status"], row["reason"]) for row in result["rows"]} == {
        ("transposed_k4s2p1", "measured", None),
        ("transposed_k3s2p1", "measured", None),
        ("bilinear_conv", "failed", "RuntimeError: no kernel for this"),
    }
    assert result["complete"]
    assert finished.out.count("bilinear_conv: RuntimeError: no kernel for this") == 2
    assert "RuntimeError: no kernel for this" in (scripts.folder / "runs/comparison/speed.md").read_text()


def test_an_interruption_keeps_what_was_measured(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = compare.compare_under, []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(compare, "compare_under", interrupted)
    finished = scripts("compare_speed", *SMALL)
    assert finished.code == 130
    assert "not complete" in finished.out
    result = json.loads((scripts.folder / "runs/comparison/speed.json").read_text())
    assert not result["complete"]
    assert [row["mode"] for row in result["rows"]] == ["training"] * 3 + ["inference"] * 3
    assert "not complete" in (scripts.folder / "runs/comparison/speed.md").read_text()


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["upsamplers=[bilinear_con]"], "did you mean 'bilinear_conv'"),
        (["upsamplers=[]"], "upsamplers"),
        (["upsamplers=null"], "upsamplers"),
        (["control=bilinear_conv1x1"], "did you mean 'bilinear_conv'"),
        (["levels=[layers]"], "did you mean 'layer'"),
        (["modes=[train]"], "did you mean 'training'"),
        (["modes=[]"], "modes"),
        (["dtypes=[float]"], "did you mean 'float32'"),
        (["dtypes=float32"], "dtypes cannot be used"),
        (["memory_formats=[nhwc]"], "channels_last"),
        (["compile=[maybe]"], "compile cannot be used"),
        (["devices=[gpu]"], "auto"),
        (["rounds=0"], "rounds=0"),
        (["min_seconds=0"], "min_seconds=0"),
        (["threads=0"], "threads=0"),
        (["memory=perhaps"], "memory=perhaps"),
        (["seed=-1"], "seed=-1"),
        (["training.batch_sizes=[0]"], "training.batch_sizes cannot be used"),
        (["training.batch_sizes=8"], "training.batch_sizes"),
        (["training.image_size=0"], "training.image_size=0"),
        (["inference.image_size=[1,2,3]"], "inference.image_size"),
        (["training.gradient_clip_val=-1"], "training.gradient_clip_val"),
        (["optimizer.lr=-1"], "optimizer"),
        (["model.widths=[4]"], "model.widths"),
        (["rouns=1"], "did you mean 'rounds'"),
        (["upsampler=bilinear_conv"], "did you mean 'upsamplers'"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_refuses(scripts: Scripts, overrides: list[str], expected: str) -> None:
    finished = scripts("compare_speed", *SMALL, *overrides)
    assert finished.code == 2
    assert expected in finished.err
    assert "Traceback" not in finished.err
    assert list(scripts.folder.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told_at_once(scripts: Scripts) -> None:
    finished = scripts("compare_speed", *SMALL, "devices=[cpu,cuda]")
    assert finished.code == 2
    assert "no CUDA device" in finished.err
    assert list(scripts.folder.iterdir()) == []


class TestVariants:
    def test_names_patterns_and_all(self) -> None:
        assert upsampler_options() == OPTIONS
        assert check_upsamplers("all") == OPTIONS
        assert check_upsamplers(["bilinear_conv", "bilinear_*"]) == ["bilinear_conv", "bilinear_conv1x1"]
        with pytest.raises(InputError, match="dysample"):
            check_upsamplers(["dysampl"])

    @pytest.mark.parametrize("option", OPTIONS)
    def test_a_network_has_the_upsampler_of_its_option(self, option: str) -> None:
        config = OmegaConf.create({"model": OmegaConf.load(ROOT / "configs/model/unet.yaml")})
        config.model.downsampler = OmegaConf.load(ROOT / "configs/downsampler/max_pool.yaml")
        OmegaConf.set_struct(config, True)
        network = network_for(config, option)
        expected = instantiate(OmegaConf.load(ROOT / "configs/upsampler" / f"{option}.yaml"))(128, 64)
        assert repr(network.upsamplers[0]) == repr(expected)
        assert type(network.upsamplers[0]) is type(expected)
        assert "upsampler" not in config.model
