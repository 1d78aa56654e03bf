"""Training: one shared step, a loss that falls, and validation that evaluation reproduces."""

from functools import partial

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from data.layouts import write_folder
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import ImageStore
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.data.sets.folder import Folder
from fundus_unet.inference.evaluation import NETWORK, evaluate
from fundus_unet.inference.predictor import Predictor
from fundus_unet.losses.bce_dice import BCEDiceLoss
from fundus_unet.metrics.mask_choice import ChosenMasks
from fundus_unet.metrics.vessel_scores import VesselScores
from fundus_unet.models.downsampling import MaxPoolDownsampler
from fundus_unet.models.unet import UNet
from fundus_unet.training.segmenter import VesselSegmenter
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler

pytestmark = pytest.mark.filterwarnings("ignore")

HALF = Preprocessor(scale=0.5)
SCORES = ("dice", "sensitivity", "specificity", "accuracy", "mcc", "auroc", "average_precision")


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    splits = Folder(write_folder(tmp_path_factory.mktemp("eyes"), count=6), val_fraction=0.4).splits()
    stores = [ImageStore(cases, HALF) for cases in (splits.train, splits.val)]
    for store in stores:
        store.load()
    return stores


def datamodule(stores, steps_per_epoch: int) -> FundusDataModule:
    return FundusDataModule(
        *stores, Augmentation(), patch_size=32, batch_size=4, steps_per_epoch=steps_per_epoch, workers=0, seed=0
    )


def segmenter(network: nn.Module | None = None, channels_last: bool = True) -> VesselSegmenter:
    torch.manual_seed(0)
    return VesselSegmenter(
        network or UNet(3, 1, [8, 16], InterpolateConvUpsampler, MaxPoolDownsampler),
        BCEDiceLoss(),
        partial(torch.optim.AdamW, lr=0.02),
        partial(OneCycleLR, max_lr=0.02, pct_start=0.25),
        VesselScores(),
        channels_last=channels_last,
    )


def trainer(max_epochs: int = 1, callbacks: list[Callback] | None = None) -> Trainer:
    return Trainer(
        accelerator="cpu",
        max_epochs=max_epochs,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=7,
        use_distributed_sampler=False,
    )


class Recorder(Callback):
    def __init__(self) -> None:
        self.losses: list[float] = []
        self.rates: list[float] = []
        self.probabilities: list[torch.Tensor] = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if trainer.global_step % trainer.log_every_n_steps == 0 or trainer.is_last_batch:
            assert trainer.callback_metrics["loss/train"] == outputs["loss"]
        self.losses.append(float(outputs["loss"]))
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    def on_validation_epoch_start(self, trainer, pl_module):
        self.probabilities.clear()

    def on_validation_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
        self.probabilities.append(outputs)


@pytest.fixture(scope="module")
def trained(stores):
    recorder, model = Recorder(), segmenter()
    fitted = trainer(max_epochs=2, callbacks=[recorder])
    fitted.fit(model, datamodule(stores, steps_per_epoch=30))
    return fitted, model, recorder


def test_the_loss_falls(trained):
    losses = trained[2].losses
    assert len(losses) == 60
    assert sum(losses[-8:]) < 0.65 * sum(losses[:8])


def test_the_rate_follows_the_schedule_step_by_step(trained):
    rates = trained[2].rates
    peak = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.02, rel=1e-3)
    assert peak in (13, 14)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[-1] < 0.001


def test_what_is_logged(trained):
    logged = trained[0].callback_metrics
    expected = {f"loss/{stage}{part}" for stage in ("train", "val") for part in ("", "_bce", "_dice")}
    assert set(logged) >= expected | {f"val/{name}" for name in SCORES}
    assert {name for name in logged if name.startswith("loss/")} == expected
    for stage in ("train", "val"):
        parts = logged[f"loss/{stage}_bce"] + 0.5 * logged[f"loss/{stage}_dice"]
        assert float(logged[f"loss/{stage}"]) == pytest.approx(float(parts), rel=1e-5)


def test_the_validation_loss_is_the_mean_over_images(trained, stores):
    fitted, model, _ = trained
    model.eval()
    with torch.no_grad():
        losses = [
            model.loss(model(batch["image"]), batch["label"], batch["field_of_view"])["loss"]
            for batch in datamodule(stores, 1).val_dataloader()
        ]
    assert len(losses) == 2
    assert float(fitted.callback_metrics["loss/val"]) == pytest.approx(float(sum(losses) / 2), rel=1e-5)


def test_evaluation_gives_the_validation_scores(trained, stores):
    fitted, model, recorder = trained
    shown = []
    cases = stores[1].cases
    predictor = Predictor(model.network, torch.device("cpu"), None)
    evaluation = evaluate(predictor, HALF, cases, ChosenMasks(0.5), lambda _, probability: shown.append(probability))
    for validated, evaluated in zip(recorder.probabilities, shown, strict=True):
        torch.testing.assert_close(validated[0, 0], torch.from_numpy(evaluated), rtol=0, atol=1e-6)
    pooled = evaluation.metrics()["field_of_view"][NETWORK]["pooled"]
    assert pooled["dice"] > 0.5, "a network that has learned something"
    validated = {name: float(fitted.callback_metrics[f"val/{name}"]) for name in SCORES}
    assert validated == pytest.approx({name: pooled[name] for name in SCORES}, abs=1e-4)


def test_validating_twice_does_not_count_twice(trained, stores):
    _, model, _ = trained
    again = trainer()
    first = again.validate(model, datamodule(stores, 1), verbose=False)
    assert again.validate(model, datamodule(stores, 1), verbose=False) == first
    assert int(model.val_scores.histogram.sum()) == sum(int(photo.field_of_view.sum()) for photo in stores[1])


def test_the_memory_format_does_not_change_the_loss(stores):
    batch = next(iter(datamodule(stores, 1).train_dataloader()))
    losses = []
    for channels_last in (True, False):
        model = segmenter(channels_last=channels_last)
        weight = model.network.stem.layers[3].weight
        assert weight.is_contiguous(memory_format=model.memory_format)
        loss = model.loss(model(batch["image"]), batch["label"], batch["field_of_view"])["loss"]
        losses.append(loss.detach())
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-5, atol=1e-6)


class Constant(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, image):
        return image[:, :1] * 0 + self.value


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_divergence_says_what_to_do(stores, value):
    with pytest.raises(InputError, match=r"(?s)not finite.*optimizer\.lr.*32-true"):
        trainer().validate(segmenter(Constant(value)), datamodule(stores, 1), verbose=False)


def test_a_schedule_that_does_not_fit_the_number_of_steps(stores):
    with pytest.raises(InputError, match=r"(?s)scheduler.* 4 training steps.*trainer\.max_epochs"):
        trainer().fit(segmenter(Constant(0.0)), datamodule(stores, 4))
