"""The decoder stages of any network: its upsamplers, and what they give on an input."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fundus_unet.upsampling.upsampler import Upsampler


@dataclass(frozen=True)
class Stage:
    """`name` counts from the lowest resolution, `stage 1` first; `module` is where the network keeps the upsampler."""

    name: str
    module: str
    upsampler: Upsampler


def stages_of(network: nn.Module) -> list[Stage]:
    """The upsamplers in the order in which the network holds them; one inside another belongs to the outer one."""
    found: dict[str, Upsampler] = {}
    for name, module in network.named_modules():
        inner = any(name.startswith(f"{outer}.") or outer == "" for outer in found)
        if isinstance(module, Upsampler) and not inner:
            found[name] = module
    return [Stage(f"stage {number}", name, module) for number, (name, module) in enumerate(found.items(), 1)]


@torch.no_grad()
def outputs_of(network: nn.Module, stages: list[Stage], image: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """What each stage and the whole network give on one input; of a stage that is used repeatedly the last.

    Shapes:
        whatever `network` takes, as a batch of one -> (C, h, w) each.
    """
    kept: dict[str, Tensor] = {}

    def keeper(name: str):  # type: ignore[no-untyped-def]
        def keep(module: nn.Module, arguments: object, output: Tensor) -> None:
            kept[name] = output[0].float()

        return keep

    handles = [stage.upsampler.register_forward_hook(keeper(stage.name)) for stage in stages]
    try:
        output = network(image)
    finally:
        for handle in handles:
            handle.remove()
    return kept, output[0].float()
