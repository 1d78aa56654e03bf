"""A run is called what it is, in characters that are safe in a path, and not too many."""

import re

import pytest

from fundus_unet.runs.run_name import LONGEST_NAME, changes, run_name, upsampler_name

CHOICES = {"data": "chasedb1", "model": "unet", "upsampler": "bilinear_conv", "loss": "bce_dice", "trainer": "smoke"}


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "chasedb1_unet_bilinear_conv_seed3"),
        (["upsampler=bilinear_conv", "seed=3", "data=chasedb1"], "chasedb1_unet_bilinear_conv_seed3"),
        (["model.upsampler.mode=bicubic"], "chasedb1_unet_bilinear_conv-mode-bicubic_seed3"),
        (["model.widths=[4,8]", "trainer=smoke"], "chasedb1_unet_bilinear_conv_widths-4-8_smoke_seed3"),
        (["++optimizer.lr=1e-3"], "chasedb1_unet_bilinear_conv_lr-1e-3_seed3"),
        (["~augment.blur"], "chasedb1_unet_bilinear_conv_no-blur_seed3"),
        (["paths.run_dir=a/b", "callbacks.progress=null", "data.workers=0"], "chasedb1_unet_bilinear_conv_seed3"),
        (["data.source.root=../../x y"], "chasedb1_unet_bilinear_conv_root-..-..-x-y_seed3"),
    ],
)
def test_names(overrides, name):
    assert run_name(CHOICES, overrides, 3) == name


def test_a_network_of_another_package_without_an_upsampler():
    choices = {"data": "hrf", "model": "external", "upsampler": None}
    assert run_name(choices, ["model=external", "model._target_=toys.Net"], 0) == "hrf_external_Net_seed0"
    assert upsampler_name(choices, []) is None


def test_a_long_name_is_cut_and_stays_another_for_other_changes():
    several = [f"model.setting_{number}=value" for number in range(30)]
    names = {run_name(CHOICES, changed, 0) for changed in (several, several[1:], [*several, "+model.x=1"])}
    names.add(run_name(CHOICES, ["model.upsampler.mode=" + "x" * 200], 0))
    assert len(names) == 4
    for name in names:
        assert len(name) <= LONGEST_NAME
        assert name.endswith("_seed0")
        assert name.startswith("chasedb1_unet_bilinear_conv")


@pytest.mark.parametrize("value", ["a/b", "..", "é (2)", "$(touch x)", "a\nb", "'\"`", "${seed}"])
def test_no_value_makes_an_unsafe_name(value):
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", run_name(CHOICES, [f"model.x={value}"], 0))


def test_what_counts_as_a_change():
    told = ["model.upsampler.mode=bicubic", "trainer.max_epochs=3", "+callbacks.stop.monitor=loss/val", "loss=new"]
    silent = ["data=hrf", "seed=1", "logger=none", "trainer.accelerator=cpu", "final_split=val", "trust=a.B"]
    silent += ["trainer.devices=8", "+trainer.num_nodes=4", "+trainer.strategy=ddp"]
    assert changes([*told, *silent]) == told
    assert upsampler_name(CHOICES, told) == "bilinear_conv mode=bicubic"
