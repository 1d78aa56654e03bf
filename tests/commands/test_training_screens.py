"""What a training prints and leaves for a person: what it is, how far it is, how good it became, what to do next."""

import re
import shlex

import numpy as np
import pytest
from PIL import Image

from data.layouts import draw, save
from running import Scripts, refused, succeeded

WITH_PROGRESS = "callbacks.progress={_target_:fundus_unet.training.progress.TrainingProgress}"


@pytest.fixture
def printed(scripts: Scripts) -> str:
    changed = ("upsampler=bilinear_conv", "model.upsampler.mode=bicubic", WITH_PROGRESS)
    return succeeded(scripts.train(*changed)).out


def test_a_training_through_a_pipe(scripts: Scripts, printed: str) -> None:
    lines = printed.splitlines()
    assert "network   unet: U-Net [4, 8]" in lines
    assert "upsampler bilinear_conv mode=bicubic" in re.sub(r"\s+", " ", printed)
    assert "model.upsampler.mode=bicubic" in printed.partition("changed ")[2].partition("training ")[0]
    assert "data      chasedb1: 16 images to train on, 4 for validation, 8 for test" in lines
    assert "training  16 steps of 2 patches of 32 x 32 pixels, 32-true on cpu" in lines
    run = next((scripts.folder / "runs").glob("[!.]*"))
    assert "_chasedb1_unet_bilinear_conv-mode-bicubic_" in run.name
    assert f"run directory runs/{run.name}" in lines
    epochs = [line for line in lines if line.startswith("epoch")]
    assert [line[:9] for line in epochs] == ["epoch 1/2", "epoch 2/2"]
    assert epochs[0].endswith(" left")
    assert len([line for line in lines if "AUROC" in line]) == 1, "one table"
    rows = [line for line in lines if line.startswith(("network at", "second observer"))]
    assert [row.split()[0] for row in rows] == ["network", "network", "second"]
    too_long = [line for line in lines if len(line) > 80 and run.name not in line]
    assert not too_long
    assert "\x1b" not in printed
    assert "lightning" not in printed.lower()


def test_the_commands_run_as_they_are_printed(scripts: Scripts, printed: str) -> None:
    commands = re.sub(r"#.*", "", printed[printed.index("# vessel maps") :]).replace("\\\n", " ")
    predict, export, watch = map(shlex.split, filter(str.strip, commands.splitlines()))
    assert predict[1].endswith("scripts/predict.py")
    succeeded(scripts("predict", *predict[2:]))
    (table,) = (scripts.folder / "runs").glob("*/predictions/predictions.csv")
    assert "Image_11L" in table.read_text()
    assert export[1].endswith("scripts/export.py")
    succeeded(scripts("export", *export[2:]))
    assert watch[1:] == ["--logdir", "runs"]
    figure = next(line for line in printed.splitlines() if line.startswith("figure ")).split()[1]
    assert Image.open(scripts.folder / figure).width > 1000


def test_evaluation_prints_the_table_of_training(scripts: Scripts) -> None:
    run = scripts.tiny_run()
    out = succeeded(scripts("evaluate", f"run_dir={run}")).out
    assert out.count("AUROC") == 1
    assert "test, 8 images, in the field of view" in out
    assert len([line for line in out.splitlines() if line.startswith(("network at", "second observer"))]) == 3
    assert all(len(line) <= 80 for line in out.splitlines())


def test_all_bad_labels_are_told_before_anything_is_trained(scripts: Scripts) -> None:
    label = draw(0)[1]
    save(scripts.folder / "sets/CHASE_DB1/Image_14L_1stHO.png", label[:40])
    save(scripts.folder / "sets/CHASE_DB1/Image_02R_2ndHO.png", np.zeros_like(label))
    finished = scripts.train()
    refused(finished, "2 files", "Image_14L_1stHO.png", "another size", "Image_02R_2ndHO.png", "no vessel")
    assert not (scripts.folder / "runs").exists()


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.upsampler.padding=0", "cannot turn length"),
        ("trainer.limit_train_batches=2", "4 training steps"),
        ("augment.scaling=[2,1]", "scaling"),
    ],
)
def test_what_cannot_work_is_told_before_data_are_looked_for(scripts: Scripts, override: str, expected: str) -> None:
    refused(scripts.train(override, "paths.data_dir=nowhere"), expected)


def test_a_run_of_an_older_version_is_resumed_and_keeps_its_events_where_they_were(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fundus_unet.training.segmenter import VesselSegmenter

    original = VesselSegmenter.training_step

    def interrupted(self, batch, batch_idx):
        if self.global_step == 11:
            raise KeyboardInterrupt
        return original(self, batch, batch_idx)

    older = "{_target_:lightning.pytorch.loggers.TensorBoardLogger,save_dir:'${paths.run_dir}',name:'',"
    older += "version:tensorboard,default_hp_metric:false}"
    monkeypatch.setattr(VesselSegmenter, "training_step", interrupted)
    stopped = scripts.train("logger=none", f"logger={older}", "paths.run_dir=runs/old")
    monkeypatch.setattr(VesselSegmenter, "training_step", original)
    assert stopped.code == 130, stopped.err
    before = len(list((scripts.folder / "runs/old/tensorboard").glob("events.*")))
    assert before
    succeeded(scripts("train", "resume=runs/old"))
    assert len(list((scripts.folder / "runs/old/tensorboard").glob("events.*"))) > before
    assert not list((scripts.folder / "runs/old").glob("events.*"))
