"""What the user gave cannot be used: one message, exit code 2, and nothing written or overwritten."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from running import Exploit, Scripts, contents, refused


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["upsampler=bilinear_con"], ["did you mean 'bilinear_conv'", "transposed_k4s2p1"]),
        (["upsamplr=bilinear_conv"], ["did you mean 'upsampler'"]),
        (["trainer.max_epoch=3"], ["did you mean 'trainer.max_epochs'"]),
        (["model.width=[8,16]"], ["did you mean 'model.widths'"]),
        (["data.patchsize=3"], ["did you mean 'data.patch_size'"]),
        (["+model.foo=1"], ["foo"]),
        (["model.widths=[16]"], ["at least two positive integers", "model.widths"]),
        (["model.widths=[16,0]"], ["at least two positive integers"]),
        (["seed=-1"], ["seed"]),
        (["seed=one"], ["seed"]),
        (["trainer.precision=bf17"], ["bf16-mixed"]),
        (["data.batch_size=0"], ["data.batch_size"]),
        (["data.scale=2", "data.fov_diameter=100"], ["exactly one of data.scale and data.fov_diameter"]),
        (["augment.blur=2"], ["augment.blur"]),
        (["loss.dice_weight=-1"], ["dice_weight"]),
        (["optimizer.lr=fast"], ["optimizer"]),
        (["trainer.max_epochs=1", "data.steps_per_epoch=4"], ["scheduler", "4 training steps"]),
        (["trainer.max_epochs=1", "trainer.limit_train_batches=4"], ["scheduler", "4 training steps"]),
        (["trainer.limit_train_batches=few"], ["trainer.limit_train_batches"]),
        (["final_split=tset"], ["did you mean 'test'"]),
        (["paths.data_dir=nowhere"], ["nowhere", "Image_01L.jpg", "Kingston", "paths.data_dir"]),
        (["data.source.split=first21"], ["first20"]),
        (["resume=nowhere"], ["nowhere"]),
        (["resume=sets"], ["no run directory"]),
        (["paths.run_dir=sets"], ["not empty"]),
        (["trainer.accelerator=abacus"], ["abacus"]),
        (["+trainer.foo=1"], ["trainer", "foo"]),
        (["data.steps_per_epoch=many"], ["data.steps_per_epoch"]),
        (["data.scale=big"], ["data.scale"]),
        (["data.memory_limit_gb=some"], ["data.memory_limit_gb"]),
        (["trainer.max_epochs=null"], ["trainer.max_epochs"]),
        (["trainer.max_epochs=0"], ["trainer.max_epochs"]),
        (["key_without_value"], ["key_without_value"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_training_refuses(scripts: Scripts, overrides: list[str], expected: list[str]) -> None:
    before = contents(scripts.folder)
    refused(scripts("train", *overrides) if "resume" in overrides[0] else scripts.train(*overrides), *expected)
    assert {path: data for path, data in contents(scripts.folder).items() if "runs/" not in path} == before


def test_a_missing_file_is_named(scripts: Scripts) -> None:
    (scripts.folder / "sets/CHASE_DB1/Image_03R_1stHO.png").unlink()
    refused(scripts.train(), "Image_03R_1stHO.png")


@pytest.mark.parametrize(
    ("file", "spoil", "expected"),
    [
        ("Image_02L.jpg", lambda path: path.write_bytes(b"not an image"), "Image_02L.jpg"),
        ("Image_02L.jpg", lambda path: path.write_bytes(path.read_bytes()[:900]), "Image_02L.jpg"),
        ("Image_02L_1stHO.png", lambda path: Image.new("L", (20, 20), 255).save(path), "20 x 20"),
        ("Image_02L_1stHO.png", lambda path: grey(path), "neither background nor vessel"),
    ],
    ids=["unreadable", "truncated", "size", "grey"],
)
def test_a_bad_file_is_named_before_a_run_is_made(scripts: Scripts, file: str, spoil, expected: str) -> None:
    spoil(scripts.folder / "sets/CHASE_DB1" / file)
    refused(scripts.train(), file, expected)
    assert not (scripts.folder / "runs").exists()


def grey(path: Path) -> None:
    values = np.array(Image.open(path).convert("L"))
    values[:4] = 77
    Image.fromarray(values).save(path)


def test_an_empty_folder_is_refused(scripts: Scripts) -> None:
    (scripts.folder / "mine/images").mkdir(parents=True)
    (scripts.folder / "mine/labels").mkdir()
    refused(scripts.train("data=folder", "data.source.root=mine"), "no images", "mine/images")


@pytest.fixture
def trained(scripts: Scripts) -> Path:
    return scripts.tiny_run()


class TestRuns:
    def test_a_run_is_not_overwritten(self, scripts: Scripts, trained: Path) -> None:
        before = contents(trained)
        refused(scripts.train(f"paths.run_dir={trained}"), f"resume={trained}")
        assert contents(trained) == before

    def test_resuming_with_another_configuration_is_refused(self, scripts: Scripts, trained: Path) -> None:
        refused(scripts("train", f"resume={trained}", "trainer.max_epochs=5"), "trainer.max_epochs=5")

    @pytest.mark.parametrize("script", ["evaluate", "resume"])
    def test_a_checkpoint_of_another_architecture(self, scripts: Scripts, trained: Path, script: str) -> None:
        config = OmegaConf.load(trained / "config.yaml")
        config.model.widths = [4, 8, 16]
        OmegaConf.save(config, trained / "config.yaml")
        (trained / "data.json").unlink()  # it would tell that the configuration was changed
        before = contents(trained)
        finished = (
            scripts("evaluate", f"run_dir={trained}") if script == "evaluate" else scripts("train", f"resume={trained}")
        )
        refused(finished, "another architecture")
        assert contents(trained) == before

    @pytest.mark.parametrize("size", [0, 1000, 5000])
    def test_a_truncated_checkpoint(self, scripts: Scripts, trained: Path, size: int) -> None:
        best = trained / "checkpoints/best.ckpt"
        best.write_bytes(best.read_bytes()[:size])
        refused(scripts("evaluate", f"run_dir={trained}"), "damaged")

    def test_a_damaged_configuration(self, scripts: Scripts, trained: Path) -> None:
        (trained / "config.yaml").write_text("{{{: no")
        refused(scripts("evaluate", f"run_dir={trained}"), "cannot be read")

    def test_a_malicious_checkpoint_runs_no_code(self, scripts: Scripts, trained: Path) -> None:
        target = scripts.folder / "owned"
        torch.save({"state_dict": Exploit(str(target))}, trained / "checkpoints/best.ckpt", pickle_module=pickle)
        refused(scripts("evaluate", f"run_dir={trained}"), "best.ckpt")
        assert not target.exists()

    @pytest.mark.parametrize(
        "target", ["os.system", "fundus_unet.commands.entry.os.system", "torch.hub.load", "pickle.loads"]
    )
    def test_a_configuration_chooses_no_code(self, scripts: Scripts, trained: Path, target: str) -> None:
        config = OmegaConf.load(trained / "config.yaml")
        config.model.normalization._target_ = target
        OmegaConf.save(config, trained / "config.yaml")
        for finished in (scripts("evaluate", f"run_dir={trained}"), scripts("train", f"resume={trained}")):
            refused(finished, target)

    def test_evaluation_refuses(self, scripts: Scripts, trained: Path) -> None:
        for overrides, expected in (
            ([], "run_dir=RUN_DIRECTORY"),
            (["run_dir=nowhere"], "nowhere"),
            ([f"run_dir={trained}", "split=tets"], "did you mean 'test'"),
            ([f"run_dir={trained}", "checkpoint=bset"], "did you mean 'best'"),
            ([f"run_dir={trained}", "device=gpu9"], "auto"),
            ([f"run_dir={trained}", "tta=flip"], "did you mean 'flips'"),
            ([f"run_dir={trained}", "paths.data_dir=nowhere"], "nowhere"),
            ([f"run_dir={trained}", "chekpoint=last"], "did you mean 'checkpoint'"),
        ):
            refused(scripts("evaluate", *overrides), expected)
