"""The decoder's upsampling layers: what comes into each and what goes out, seen in the network at work."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fundus_unet.comparison.speed.conditions import Setting
from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.upsampler import Upsampler


@dataclass(frozen=True)
class DecoderStage:
    """One upsampling layer in its network.

    Args:
        stage: Counts from 0, the layer of the smallest feature map.
        path: The layer's name in the network.
    """

    stage: int
    path: str
    in_channels: int
    out_channels: int
    size: tuple[int, int]
    output_size: tuple[int, int]
    dtype: torch.dtype
    output_dtype: torch.dtype


def decoder_stages(network: nn.Module, in_channels: int, setting: Setting) -> list[DecoderStage]:
    """Every outermost `Upsampler` in the order in which one image passes them; `network` itself stays as it is.

    Raises:
        InputError: For a network without any.
    """
    network = copy.deepcopy(network).to(setting.device).to(memory_format=setting.layout).eval()
    stages: list[DecoderStage] = []

    def watch(path: str, layer: Upsampler) -> None:
        def keep(_: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> None:
            x = arguments[0]
            stages.append(
                DecoderStage(
                    len(stages),
                    path,
                    x.shape[1],
                    output.shape[1],
                    (x.shape[-2], x.shape[-1]),
                    (output.shape[-2], output.shape[-1]),
                    x.dtype,
                    output.dtype,
                )
            )

        layer.register_forward_hook(keep)

    for path, layer in _outermost_upsamplers(network):
        watch(path, layer)
    image = torch.zeros(1, in_channels, *setting.image_size, device=setting.device)
    with torch.inference_mode(), setting.autocast():
        network(image.contiguous(memory_format=setting.layout))
    if not stages:
        raise InputError("the network has no upsampling layer to measure", expected="a network with Upsampler modules")
    return stages


def _outermost_upsamplers(module: nn.Module, path: str = "") -> list[tuple[str, Upsampler]]:
    """An upsampler may be made of another one: that is not a stage of its own."""
    if isinstance(module, Upsampler):
        return [(path, module)]
    children = module.named_children()
    return [found for name, child in children for found in _outermost_upsamplers(child, f"{path}.{name}".lstrip("."))]
