"""Rebuild what a run trained, from its directory alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.inference.predictor import Predictor
from fundus_unet.models.network import SegmentationNetwork
from fundus_unet.runs.build import build_network, sketch
from fundus_unet.runs.device import PRECISIONS, choose_device
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.training.checkpoint_file import damaged_checkpoint, read_checkpoint

PREFIX = "network."


def load_predictor(run: RunDirectory, checkpoint: str, device: str, tta: str = "none") -> Predictor:
    """The run's network with the weights of `best` or `last`, in the dtype it was trained with.

    Raises:
        InputError: For a missing, damaged, unsafe or foreign checkpoint, a device that is not there, or an unknown
            test-time augmentation.
    """
    network = load_network(run.config.model, run.checkpoint(checkpoint))
    autocast = PRECISIONS.get(str(run.config.trainer.precision))
    return Predictor(network, choose_device(device), autocast, symmetries=tta)


def load_preprocessor(config: DictConfig) -> Preprocessor:
    """What brings images to the working resolution of a run."""
    return Preprocessor(scale=config.data.scale, fov_diameter=config.data.fov_diameter)


def load_network(model: DictConfig, path: Path) -> SegmentationNetwork:
    """The network of a run's configuration with the weights of a training checkpoint.

    Raises:
        InputError: For a configuration or a file that is not allowed, or where they do not fit.
    """
    weights = read_weights(path)
    check_fits(sketch(model), weights, path)
    network = build_network(model, trusted=False)
    fill(network, weights, path)
    return network


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network from a training checkpoint, without running code from the file.

    Raises:
        InputError: Where the file is damaged, holds more than weights, or fits another architecture.
    """
    fill(network, read_weights(path), path)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The network's weights in a training checkpoint, without running code from the file.

    Raises:
        InputError: Where it is no regular file, or damaged, or holds more than tensors and plain values.
    """
    try:
        state = read_checkpoint(path)["state_dict"]
        return {key.removeprefix(PREFIX): value for key, value in state.items() if key.startswith(PREFIX)}
    except (LookupError, TypeError, AttributeError) as error:
        raise damaged_checkpoint(path, error) from error


def fill(network: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Give a network the weights that were read from `path`.

    Raises:
        InputError: Where they are of another architecture, or not finite.
    """
    check_fits(network, weights, path)
    check_finite(weights, path)
    network.load_state_dict(weights)


def check_finite(weights: Mapping[str, Tensor], path: Path) -> None:
    """Raise `InputError` where weights that were read from `path` are not finite."""
    wrong = [key for key, value in weights.items() if not bool(torch.isfinite(value).all())]
    if wrong:
        raise InputError(
            f"the weights in {path} are damaged",
            expected="finite numbers",
            got=f"NaN or infinity in {', '.join(sorted(wrong)[:3])}" + (" and others" if len(wrong) > 3 else ""),
            fix="use another checkpoint or file: no network can predict with these",
        )


def check_fits(network: nn.Module, weights: Mapping[str, Any], path: Path) -> None:
    """Compare names, shapes and kinds of weights with those of a network, which may be a sketch.

    Raises:
        InputError: Where they are of another architecture.
    """
    own = network.state_dict()
    differing = [
        *(f"{key} is missing" for key in own.keys() - weights.keys()),
        *(f"{key:.100} is not in the network" for key in weights.keys() - own.keys()),
        *(
            f"{key} is {_described(weights[key])} instead of {_described(own[key])}"
            for key in own.keys() & weights.keys()
            if _described(weights[key]) != _described(own[key])
        ),
    ]
    if differing:
        raise InputError(
            f"the checkpoint {path} is from another architecture",
            expected="the weights of the network that the run's configuration describes",
            got="; ".join(sorted(differing)[:3]) + (f"; and {len(differing) - 3} more" if len(differing) > 3 else ""),
            fix="use the configuration that the checkpoint was trained with",
        )


def _described(value: Any) -> str:
    """Shape and kind of a tensor; one that has no plain numbers in memory is described otherwise than any weight."""
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_quantized:
        return type(value).__name__ if not isinstance(value, Tensor) else f"{value.layout} {value.dtype}"
    kind = "" if value.is_floating_point() else f" of {value.dtype}"
    return f"{tuple(value.shape)}{kind}"
