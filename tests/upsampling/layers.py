"""Transposed convolutions of every kind, drawn at random for the tests of the arithmetic."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor

from fundus_unet.upsampling.arithmetic import transposed_output_size

Pair = tuple[int, int]


@dataclass(frozen=True)
class Layer:
    """Options of a two-dimensional transposed convolution and the size of its input."""

    size: Pair
    kernel_size: Pair
    stride: Pair
    padding: Pair
    output_padding: Pair
    dilation: Pair
    groups: int = 1
    group_inputs: int = 1
    group_outputs: int = 1

    @property
    def options(self) -> dict[str, Any]:
        names = ("stride", "padding", "output_padding", "dilation", "groups")
        return {name: asdict(self)[name] for name in names}

    def axis(self, which: int) -> tuple[int, ...]:
        """The arguments of `transposed_output_size`."""
        fields = (self.size, self.kernel_size, self.stride, self.padding, self.output_padding, self.dilation)
        return tuple(field[which] for field in fields)

    @property
    def output_size(self) -> Pair:
        return transposed_output_size(*self.axis(0)), transposed_output_size(*self.axis(1))

    def tensors(self) -> tuple[Tensor, Tensor]:
        """Input and weight, float64."""
        inputs = self.groups * self.group_inputs
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(2, inputs, *self.size, generator=generator, dtype=torch.float64)
        weight = torch.randn(inputs, self.group_outputs, *self.kernel_size, generator=generator, dtype=torch.float64)
        return x, weight

    def torch_output(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.conv_transpose2d(x, weight, None, **self.options)


@st.composite
def axes(draw: st.DrawFn) -> tuple[int, ...]:
    size, kernel_size = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    stride, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    most_cropped = ((size - 1) * stride + dilation * (kernel_size - 1)) // 2
    padding = draw(st.integers(0, most_cropped))
    output_padding = draw(st.integers(0, max(stride, dilation) - 1))
    return size, kernel_size, stride, padding, output_padding, dilation


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    """Every layer with an output of at least one pixel: axes that differ, dilation, groups."""
    few = st.integers(1, 2)
    geometry = Layer(*zip(draw(axes()), draw(axes()), strict=True))
    return replace(geometry, groups=draw(few), group_inputs=draw(few), group_outputs=draw(few))


ARTICLE = Layer((5, 10), (3, 5), (2, 1), (4, 2), (0, 0), (1, 1), 1, 16, 33)
"""`ConvTranspose2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2))`, on an image that is smaller than the article's."""
