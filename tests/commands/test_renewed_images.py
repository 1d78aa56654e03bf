"""A training whose images are followed by others without end, from the command line."""

import pytest
import torch

from fundus_unet.training.segmenter import VesselSegmenter
from running import TINY, Scripts, refused, succeeded

RENEWED = (
    "data=synthetic",
    "data.source.train=3",
    "data.source.val=1",
    "data.source.test=1",
    "data.source.size=64",
    "data.source.variety=wide",
    "data.source.renew_after=2",
    "paths.data_dir=sets",
    *TINY,
)


def weights(run):
    return torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"]


def test_resumed_it_ends_as_uninterrupted_and_as_with_workers(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = succeeded(scripts("train", *RENEWED))
    assert "3 of them followed by others without end" in whole.out
    workers = succeeded(scripts("train", *RENEWED, "data.workers=2"))
    original = VesselSegmenter.training_step

    def interrupted(self, batch, batch_idx):
        if self.global_step == 11:  # in the second epoch
            raise KeyboardInterrupt
        return original(self, batch, batch_idx)

    monkeypatch.setattr(VesselSegmenter, "training_step", interrupted)
    stopped = scripts("train", *RENEWED)
    monkeypatch.setattr(VesselSegmenter, "training_step", original)
    assert stopped.code == 130
    resumed = succeeded(scripts("train", f"resume={stopped.run_directory}"))
    expected = weights(whole.run_directory)
    for run in (workers.run_directory, resumed.run_directory):
        got = weights(run)
        assert all(torch.equal(expected[key], got[key]) for key in expected)
    stays = succeeded(scripts("train", *RENEWED, "data.source.renew_after=null"))
    got = weights(stays.run_directory)
    assert any(not torch.equal(expected[key], got[key]) for key in expected)


def test_a_misspelt_variety_is_refused_with_the_name_that_is_meant(scripts: Scripts) -> None:
    refused(scripts("train", *RENEWED, "data.source.variety=wyde"), "plain or wide", "variety=wide")
    refused(scripts("train", *RENEWED, "data.source.renew_after=0"), "data.source.renew_after", "at least 1 patch")
