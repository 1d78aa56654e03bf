"""What cannot be trained is found with an empty batch."""

from functools import partial

import pytest
import torch
from torch import nn

from fundus_unet.core.errors import InputError
from fundus_unet.losses.bce_dice import BCEDiceLoss
from fundus_unet.metrics.vessel_scores import VesselScores
from fundus_unet.models.downsampling import MaxPoolDownsampler
from fundus_unet.models.unet import UNet
from fundus_unet.training.batch_check import check_batch
from fundus_unet.training.segmenter import VesselSegmenter
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler


def segmenter(upsampler=InterpolateConvUpsampler, loss: nn.Module | None = None) -> VesselSegmenter:
    network = UNet(3, 1, [4, 8, 16], upsampler, MaxPoolDownsampler)
    return VesselSegmenter(network, loss or BCEDiceLoss(), torch.optim.AdamW, lambda *_: None, VesselScores())


def test_nothing_of_the_network_and_no_random_number_changes():
    model = segmenter()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    check_batch(model, 8, 32)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_kernel_that_cannot_double():
    with pytest.raises(InputError, match=r"(?s)cannot turn length 8 into 16.*check model.upsampler"):
        check_batch(segmenter(partial(TransposedConvUpsampler, kernel_size=4, padding=0)), 8, 32)


def test_a_patch_of_which_a_pixel_is_left_where_a_batch_is_one():
    check_batch(segmenter(), 2, 4)
    with pytest.raises(InputError, match=r"(?s)batch of 1 patches of 4 x 4.*larger data.patch_size or data.batch_size"):
        check_batch(segmenter(), 1, 4)


def test_a_patch_smaller_than_a_pixel_at_the_lowest_resolution():
    check_batch(segmenter(), 2, 4)
    with pytest.raises(InputError, match=r"(?s)data.patch_size of at least 4.*got: 3"):
        check_batch(segmenter(), 2, 3)


def test_a_loss_that_cannot_take_the_logits():
    class Broken(nn.Module):
        def forward(self, logits, label, region):
            return (logits[:, :, 1:] - label).mean()

    with pytest.raises(InputError, match="network and loss cannot take"):
        check_batch(segmenter(loss=Broken()), 8, 32)


def test_a_large_patch_is_tried_with_less():
    seen = []
    model = segmenter()
    model.network.register_forward_hook(lambda module, inputs, output: seen.append(tuple(inputs[0].shape)))
    check_batch(model, 64, 4096)
    assert seen == [(2, 3, 512, 512)]
