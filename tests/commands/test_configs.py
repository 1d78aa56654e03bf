"""Every YAML is composed and every object in it is built."""

import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from fundus_unet.commands.settings import check_settings
from fundus_unet.runs.allowed_config import check_run_config
from fundus_unet.runs.build import build
from fundus_unet.runs.config_file import portable
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from fundus_unet.upsampling.upsampler import Upsampler
from running import ROOT, succeeded

CONFIGS = ROOT / "configs"
READMES = ("README.md", "docs/upsampling.md", "docs/faults.md")
ENTRIES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
OPTIONS = sorted(
    (path.parent.name, path.stem)
    for path in CONFIGS.glob("*/*.yaml")
    # composed with every run; no part of a training run; only included by others; names no network by itself
    if path.parent.name not in ("hydra", "generator") and path.stem not in ("_loading", "external")
)
GENERATORS = sorted(path.stem for path in (CONFIGS / "generator").glob("*.yaml"))


def composed(name: str, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = compose(name, list(overrides))
    if name == "train":
        config.paths.run_dir = "run"
    return config


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_composes_and_has_a_script(name: str) -> None:
    composed(name)
    assert (ROOT / "scripts" / f"{name}.py").is_file()


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_composes_and_its_objects_are_built(group: str, option: str, tmp_path: Path) -> None:
    if option in ("wandb", "mlflow"):
        pytest.importorskip(option, reason=f"needs the extra {option}")
    config = composed("train", f"{group}={option}", f"paths.data_dir={tmp_path}")
    check_settings(config, "train")
    OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    check_run_config(portable(config))
    config.paths.run_dir = str(tmp_path / "run")
    for key in ("model", "augment", "callbacks", "logger", "loss", "optimizer", "scheduler"):
        if config[key] is not None:
            instantiate(config[key])
    instantiate(config.data.source)


@pytest.mark.parametrize("generator", GENERATORS)
def test_every_generator_is_built_with_the_upsampler_it_is_handed(generator: str) -> None:
    config = composed("train", f"+generator={generator}", "upsampler=bilinear_conv")
    built = build(config.generator, trusted=True, upsampler=build(config.model.upsampler, trusted=False))
    upsamplers = [module for module in built.modules() if isinstance(module, Upsampler)]
    assert len(upsamplers) >= 3
    assert all(isinstance(upsampler, InterpolateConvUpsampler) for upsampler in upsamplers)


def test_the_command_line_lists_what_runs(scripts) -> None:
    finished = succeeded(scripts("train", "--cfg", "job", "upsampler=bilinear_conv"))
    assert "InterpolateConvUpsampler" in finished.out


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE).group(1).split()
    documented = re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE)
    assert sorted(phony) == sorted(documented)
