"""Stages are the outermost upsamplers, counted from 1 in the order in which an image passes them."""

import torch
from torch import Tensor, nn

from fundus_unet.comparison.decoder_stages import outermost_upsamplers, pass_through
from fundus_unet.upsampling.blur import BlurredUpsampler
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler


def k4(in_channels: int, out_channels: int) -> TransposedConvUpsampler:
    return TransposedConvUpsampler(in_channels, out_channels, kernel_size=4, padding=1)


class Decoder(nn.Module):
    """Holds the last stage first, and uses it twice."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = k4(2, 2)
        self.coarse = BlurredUpsampler(3, 2, upsampler=k4)

    def forward(self, x: Tensor) -> Tensor:
        for upsampler in (self.coarse, self.fine, self.fine):
            x = upsampler(x, (2 * x.shape[-2], 2 * x.shape[-1]))
        return x


def test_one_inside_another_belongs_to_the_outer_one() -> None:
    assert list(outermost_upsamplers(Decoder())) == ["fine", "coarse"]
    assert list(outermost_upsamplers(k4(1, 1))) == [""]


def test_stages_are_counted_as_an_image_passes_them() -> None:
    decoder = Decoder()
    stages, maps, output = pass_through(decoder, torch.zeros(1, 3, 4, 5))
    assert [(stage.name, stage.path) for stage in stages] == [("stage 1", "coarse"), ("stage 2", "fine")]
    assert [(stage.in_channels, stage.out_channels) for stage in stages] == [(3, 2), (2, 2)]
    assert [(stage.size, stage.output_size) for stage in stages] == [((4, 5), (8, 10)), ((16, 20), (32, 40))]
    assert [tuple(own.shape) for own in maps] == [(1, 2, 8, 10), (1, 2, 32, 40)]
    assert torch.equal(maps[-1], output)
    assert not any(module._forward_hooks for module in decoder.modules())
