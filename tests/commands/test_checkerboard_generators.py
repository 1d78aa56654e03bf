"""The measures are the same for a DCGAN generator, a VAE decoder and an FCN head."""

import json

import pytest

from running import Finished, Scripts

SMALL = (
    "data=chasedb1",
    "paths.data_dir=sets",
    "data.fov_diameter=96",
    "data.workers=0",
    "upsamplers=[transposed_k3s2p1,bilinear_conv]",
    "seeds=[0]",
    "images=1",
    "max_shifts=2",
    "out_dir=out",
)


def measured(scripts: Scripts, *overrides: str) -> tuple[Finished, dict]:
    finished = scripts("compare_checkerboard", *SMALL, *overrides)
    assert finished.code == 0, finished.err
    return finished, json.loads((scripts.folder / "out/checkerboard.json").read_text())


@pytest.mark.parametrize(("generator", "stages"), [("dcgan", 4), ("fcn", 5), ("vae", 3)])
def test_every_generator_is_measured_at_every_stage(scripts: Scripts, generator: str, stages: int) -> None:
    training = ("vae_training.steps=2", "vae_training.batch_size=2", "vae_training.patch_size=32")
    _, result = measured(scripts, f"generator={generator}", *training)
    assert set(result["variants"]) == {"transposed_k3s2p1", "bilinear_conv"}
    for variant, states in result["variants"].items():
        assert list(states) == (["init", "trained"] if generator == "vae" else ["init"])
        for measures in states.values():
            gains = measures["gain_imbalance"]
            assert len(gains) == stages
            assert all((cell["mean"] > 0.3) == (variant == "transposed_k3s2p1") for cell in gains.values())
            assert measures["phase_energy"]["output, period 2"]["excess"] is not None
            from_image = generator == "fcn"
            assert (measures["gradient_phase_energy"]["period 2"]["mean"] is not None) == from_image
    # the known truth: interpolation cannot make a grid of period 2 that kernel 3 makes
    grids = {
        variant: states["init"]["phase_energy"]["output, period 2"]["excess"]
        for variant, states in result["variants"].items()
    }
    assert grids["transposed_k3s2p1"] > 10 * abs(grids["bilinear_conv"])
    assert (scripts.folder / "out/checkerboard/residual.png").is_file()


def test_training_changes_the_vae_and_only_the_trained_state(scripts: Scripts) -> None:
    few = ("generator=vae", "vae_training.batch_size=2", "vae_training.patch_size=32")
    _, short = measured(scripts, *few, "vae_training.steps=1")
    _, longer = measured(scripts, *few, "vae_training.steps=3")
    for result in (short, longer):
        assert result["protocol"]["networks"] == "VAE"
    first, second = (result["variants"]["transposed_k3s2p1"] for result in (short, longer))
    assert first["init"] == second["init"]
    assert first["trained"]["phase_energy"] != second["trained"]["phase_energy"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("generator=gan",), "did you mean 'dcgan'"),
        (("generator=vae", "run_dirs=[somewhere]"), "set only one of run_dirs, generator"),
        (("generator=vae", "vae_training.steps=0"), "vae_training.steps cannot be used"),
        (("generator=vae", "vae_training.learning_rate=0"), "vae_training.learning_rate cannot be used"),
        (("upsamplers=[bilinear]",), "did you mean 'bilinear_conv'"),
        (("seeds=[]",), "seeds cannot be used"),
        (("seeds=3",), "seeds cannot be used"),
    ],
)
def test_bad_settings(scripts: Scripts, overrides: tuple[str, ...], message: str) -> None:
    finished = scripts("compare_checkerboard", *SMALL, *overrides)
    assert finished.code == 2
    assert message in finished.err
