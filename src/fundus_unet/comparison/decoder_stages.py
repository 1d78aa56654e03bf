"""The stages of a decoder, seen while an image passes them: one upsampler each, counted from 1."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fundus_unet.upsampling.upsampler import Upsampler


@dataclass(frozen=True)
class DecoderStage:
    """What comes into an upsampler and what goes out.

    Args:
        number: From 1, the stage of the lowest resolution.
        path: The upsampler's name in the network.
    """

    number: int
    path: str
    in_channels: int
    out_channels: int
    size: tuple[int, int]
    output_size: tuple[int, int]
    dtype: torch.dtype
    output_dtype: torch.dtype

    @property
    def name(self) -> str:
        """As tables call it."""
        return f"stage {self.number}"


class Pass(NamedTuple):
    """What one input gave: the stages in the order in which it passed them, their outputs, and the network's."""

    stages: list[DecoderStage]
    maps: list[Tensor]
    output: Tensor


def outermost_upsamplers(network: nn.Module, path: str = "") -> dict[str, Upsampler]:
    """The upsamplers of a network by name; one inside another belongs to the outer one."""
    if isinstance(network, Upsampler):
        return {path: network}
    found: dict[str, Upsampler] = {}
    for name, child in network.named_children():
        found |= outermost_upsamplers(child, f"{path}.{name}".lstrip("."))
    return found


@torch.no_grad()
def pass_through(network: nn.Module, x: Tensor) -> Pass:
    """One forward pass; a stage that is used repeatedly counts once, with its last output.

    Shapes:
        whatever `network` takes; maps and output have the same batch.
    """
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def watch(path: str, upsampler: Upsampler) -> Any:
        def keep(_: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> None:
            seen[path] = arguments[0], output

        return upsampler.register_forward_hook(keep)

    handles = [watch(path, upsampler) for path, upsampler in outermost_upsamplers(network).items()]
    try:
        output = network(x)
    finally:
        for handle in handles:
            handle.remove()
    stages = [_stage(number, path, *maps) for number, (path, maps) in enumerate(seen.items(), 1)]
    return Pass(stages, [after for _, after in seen.values()], output)


def _stage(number: int, path: str, before: Tensor, after: Tensor) -> DecoderStage:
    size, output_size = ((maps.shape[-2], maps.shape[-1]) for maps in (before, after))
    return DecoderStage(number, path, before.shape[1], after.shape[1], size, output_size, before.dtype, after.dtype)
