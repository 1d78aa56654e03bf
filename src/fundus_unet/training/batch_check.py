"""Whether network and loss can be trained on patches of a size, found before any image is read."""

import copy

import torch

from fundus_unet.core.errors import InputError
from fundus_unet.training.segmenter import VesselSegmenter

LARGEST_SIDE = 512
"""Pixels; what is larger fails no other check, and takes long."""


@torch.no_grad()
def check_batch(model: VesselSegmenter, batch_size: int, patch_size: int) -> None:
    """Give copies of network and loss a batch of at most two empty patches; changes no weight and no random number.

    Raises:
        InputError: Where one of them cannot take it: an upsampler does not reach the size of the skip connection, or
            what is left of a small patch after all halvings cannot be normalised.
    """
    multiple = getattr(model.network, "size_multiple", 1)
    if patch_size < multiple:
        raise InputError(
            "a patch is smaller than one pixel at the network's lowest resolution",
            expected=f"data.patch_size of at least {multiple} for this network, and better of 64 to 256",
            got=patch_size,
            fix="set a larger data.patch_size, or fewer model.widths",
        )
    side = min(patch_size, LARGEST_SIDE)
    shape = (min(batch_size, 2), 1, side, side)
    with torch.random.fork_rng(devices=[]):
        network, loss = copy.deepcopy((model.network, model.loss))
        try:
            logits = network.train()(torch.zeros(shape).repeat(1, 3, 1, 1))
            loss(logits, torch.zeros(shape), torch.ones(shape, dtype=torch.bool))
        except InputError as error:
            raise InputError(
                f"the network cannot be trained: {error.problem}",
                expected=error.expected,
                got=error.got,
                fix="check model.upsampler and model.downsampler: stride 2 doubles every size with "
                "kernel_size = 2 * padding + 2, or with kernel_size = 2 * padding + 1 and output_padding null or 1",
            ) from error
        except Exception as error:  # a network may be anybody's, and its layers raise what they like
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise InputError(
                f"network and loss cannot take a batch of {batch_size} patches of {side} x {side}: {reason:.300}",
                fix="set a larger data.patch_size or data.batch_size, or check the settings of model and loss",
            ) from error
