import copy

import lightning
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.histogram import probability_histogram
from fundus_unet.metrics.registry import Counts, scores_of
from fundus_unet.metrics.vessel_scores import VesselScores


def batch(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    probability, label, region = torch.rand(3, 2, 1, 20, 17, generator=generator)
    return probability, label.round(), region > 0.3


def pooled(*batches: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(torch.cat(parts) for parts in zip(*batches, strict=True))


def values(computed: dict[str, torch.Tensor]) -> dict[str, float]:
    return {name: float(value) for name, value in computed.items()}


@pytest.mark.parametrize("threshold", [0.5, 0.3])
def test_two_updates_score_as_their_pixels_pooled(threshold):
    metric = VesselScores(threshold=threshold)
    metric.update(*batch(0))
    metric.update(*batch(1))
    histogram = probability_histogram(*pooled(batch(0), batch(1)))
    assert torch.equal(metric.histogram, histogram)
    computed = metric.compute()
    assert all(value.shape == () and value.dtype == torch.float32 for value in computed.values())
    assert values(computed) == pytest.approx(scores_of(Counts(histogram, threshold)), rel=1e-6)


def test_reset_forgets():
    metric = VesselScores()
    metric.update(*batch(0))
    metric.compute()
    metric.reset()
    assert metric.histogram.sum() == 0
    metric.update(*batch(1))
    assert values(metric.compute()) == pytest.approx(scores_of(Counts(probability_histogram(*batch(1)), 0.5)), rel=1e-6)


def test_calling_scores_the_batch_and_keeps_the_sum():
    metric = VesselScores()
    metric(*batch(0))
    assert values(metric(*batch(1))) == pytest.approx(
        scores_of(Counts(probability_histogram(*batch(1)), 0.5)), rel=1e-6
    )
    assert torch.equal(metric.histogram, probability_histogram(*pooled(batch(0), batch(1))))


def test_a_copy_counts_on_its_own():
    metric = VesselScores()
    other = copy.deepcopy(metric)
    other.update(*batch(0))
    assert metric.histogram.sum() == 0


def test_processes_are_summed():
    elsewhere = probability_histogram(*batch(1))
    metric = VesselScores(
        distributed_available_fn=lambda: True, dist_sync_fn=lambda state, group=None: [state, elsewhere]
    )
    metric.update(*batch(0))
    expected = scores_of(Counts(probability_histogram(*pooled(batch(0), batch(1))), 0.5))
    assert values(metric.compute()) == pytest.approx(expected, rel=1e-6)
    assert torch.equal(metric.histogram, probability_histogram(*batch(0)))


def test_batches_outside_the_field_of_view_add_nothing():
    metric = VesselScores()
    probability, label, region = batch(0)
    metric.update(probability, label, torch.zeros_like(region))
    with pytest.raises(InputError, match="no pixel"):
        metric.compute()
    metric.update(probability, label, region)
    assert values(metric.compute()) == pytest.approx(scores_of(Counts(metric.histogram, 0.5)), rel=1e-6)


def test_a_threshold_that_is_not_a_probability_is_refused():
    with pytest.raises(InputError, match="threshold"):
        VesselScores(threshold=50)


class Validating(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.scores = VesselScores()

    def validation_step(self, data: list[torch.Tensor], index: int) -> None:
        self.scores.update(*data)

    def on_validation_epoch_end(self) -> None:
        self.log_dict(self.scores.compute())
        self.scores.reset()


@pytest.mark.filterwarnings("ignore")
def test_lightning_logs_the_scores_of_the_epoch():
    trainer = lightning.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    data = pooled(batch(0), batch(1))
    logged = trainer.validate(Validating(), DataLoader(TensorDataset(*data), batch_size=1), verbose=False)
    assert logged[0] == pytest.approx(scores_of(Counts(probability_histogram(*data), 0.5)), rel=1e-6)
