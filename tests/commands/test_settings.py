"""Settings that a user types: one message that names the setting, exit code 2, and nothing written."""

import pytest

from running import TINY, Scripts

EXPLAIN = ("explain_upsampling", "size=3")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["data=null"], ["data cannot be null", "chasedb1"]),
        (["logger=null"], ["logger cannot be null", "none"]),
        (["callbacks=5"], ["callbacks cannot be 5"]),
        (["~data.source"], ["data.source is missing"]),
        (["~seed"], ["seed is missing"]),
        (["data.source=null"], ["data.source", "_target_"]),
        (["data.source.root={}"], ["data.source.root"]),
        (["model.activation=x"], ["model.activation", "_target_"]),
        (["model.normalization=null"], ["model.normalization", "_target_"]),
        (["callbacks.figures=x"], ["callbacks.figures cannot be used"]),
        (["resume="], ["resume cannot be used", "a path, or null"]),
        (["resume=[]"], ["resume cannot be used"]),
        (["resume=5"], ["two pairs of quotes"]),
        (["+foo=1"], ["there is no setting foo"]),
        (["+data.patchsize=1"], ["data.patchsize", "did you mean 'data.patch_size'"]),
        (["+trainer.gradient_clip=1"], ["trainer", "did you mean 'gradient_clip_"]),
        (["+trainer.strategy=dpp"], ["did you mean 'ddp'"]),
        (["trainer.accelerator=gpuu"], ["did you mean 'gpu'"]),
        (["seed=true"], ["seed", "got: seed=true"]),
        (["seed=1e309"], ["seed"]),
        (["data.workers=" + "1" * 30], ["data.workers", "from 0 to 256"]),
        (["augment.blur=nan"], ["augment.blur", "a finite number"]),
        (["augment.strength=inf"], ["augment.strength"]),
        (
            ["augment.scaling=[1]"],
            ["augment.scaling", "a list of 2 such as augment.scaling=[A,B], each a finite number"],
        ),
        (["++augment._partial_=true"], ["augment._partial_", "expected: false"]),
        (["optimizer.lr=inf"], ["optimizer.lr"]),
        (["optimizer.lr=nan"], ["optimizer.lr"]),
        (["loss._target_=torch.nn.ReLUU"], ["names nothing that can be made"]),
        (["+callbacks.more._target_=torch.nn.ReLU"], ["callbacks.more", "Callback"]),
        (["+logger.sub_dir=runs", "logger.save_dir=sets/CHASE_DB1/Image_01L.jpg"], ["logger.save_dir", "no folder"]),
        (["trainer.deterministic=${model}"], ["trainer.deterministic"]),
        (["augment.flips=${model}"], ["augment.flips"]),
        (["data.patch_size='32'"], ["data.patch_size='32'"]),
        (["paths.data_dir=7"], ["paths.data_dir"]),
        (["paths.runs_dir=sets/CHASE_DB1/Image_01L.jpg/x"], ["paths.runs_dir", "Image_01L.jpg"]),
        (["seed=${seed}"], ["seed"]),
        (["seed=${nope}"], ["nope", "plain value"]),
        (["seed=${oc.env:NOPE_}"], ["NOPE_"]),
        (["+x"], ["+x is no setting", "KEY=VALUE"]),
        (["seed='a"], ["two pairs of quotes"]),
        (["data=[chasedb1,1.5]"], ["data"]),
        (["+data.images=x"], ["images is for a set of your own, data=folder"]),
        (["data.folds=1"], ["data.folds", "from 2"]),
        (["data.fold=2"], ["data.fold=2 means nothing without data.folds"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_training_refuses(scripts: Scripts, overrides: list[str], expected: list[str]) -> None:
    finished = scripts("train", "data=chasedb1", "paths.data_dir=sets", *TINY, *overrides)
    assert finished.code == 2
    for words in expected:
        assert words in finished.err
    assert "Traceback" not in finished.err
    assert not (scripts.folder / "runs").exists()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["evaluate", "run_dir=5"], "run_dir"),
        (["evaluate", "tta=flip", "run_dir=x"], "did you mean 'flips'"),
        (["export", "run_dir=x", "tolerance=nan"], "tolerance"),
        (["export", "run_dir=x", "overwrite=1"], "overwrite"),
        (["predict", "images=[1]"], "images"),
        (["predict", "images=x", "threshold=2"], "threshold"),
        (["predict", "images=x", "strategy=dddp"], "did you mean 'ddp'"),
        (["report", "dir=x", "title=[]"], "title"),
        (["report", "dir=x", "show_images=2"], "true or false"),
        (["compare_speed", "rounds=true"], "rounds"),
        (["compare_speed", "seed=-1"], "seed"),
        (["compare_checkerboard", "vae_training.learning_rate=inf"], "vae_training.learning_rate"),
        (["compare_accuracy", "match_parameters=5"], "match_parameters"),
        ([*EXPLAIN, "figure=5"], "figure"),
        ([*EXPLAIN, "model.upsampler.groups=x"], "model.upsampler.groups"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_every_script_refuses(scripts: Scripts, command: list[str], expected: str) -> None:
    finished = scripts(*command)
    assert finished.code == 2
    assert expected in finished.err
    assert "cannot be used" in finished.err
    assert not (scripts.folder / "runs").exists()


def test_additions_are_taken(scripts: Scripts) -> None:
    finished = scripts.train(
        *("+trainer.accumulate_grad_batches=1", "+trainer.max_time='00:01:00:00'", "callbacks.figures=null"),
        *("+callbacks.stop._target_=lightning.pytorch.callbacks.EarlyStopping", "+callbacks.stop.monitor=loss/val"),
        *("optimizer=adamw", "optimizer._target_=torch.optim.Adam", "trainer.max_epochs=1", "logger=none"),
    )
    assert finished.code == 0, finished.err
