"""Rebuild what a run trained, from its directory alone."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from fundus_unet.app.build import build
from fundus_unet.app.run_directory import RunDirectory
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.data.preprocess import Preprocessor
from fundus_unet.inference.predictor import Predictor

PREFIX = "network."
DEVICES = ("auto", "cpu", "cuda")
AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16, "32-true": None, "64-true": None}
"""The number format of matrix products, by the name of the precision; None is float32."""


def load_predictor(run: RunDirectory, checkpoint: str, device: str, tta: str = "none") -> Predictor:
    """The run's network with the weights of `best` or `last`, in the number format it was trained with.

    Raises: `InputError` for a missing, damaged, unsafe or foreign checkpoint, a device that is not there, or an unknown
    test-time augmentation.
    """
    network = build(run.config.model, trusted=False)
    load_weights(network, run.checkpoint(checkpoint))
    autocast = AUTOCAST.get(str(run.config.trainer.precision))
    return Predictor(network, choose_device(device), autocast, symmetries=tta, multiple=2**network.depth)


def load_preprocessor(config: DictConfig) -> Preprocessor:
    return Preprocessor(scale=config.data.scale, fov_diameter=config.data.fov_diameter)


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network from a training checkpoint, without running code from the file.

    Raises: `InputError` where the file is damaged, holds more than weights, or fits another architecture.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        weights = {key.removeprefix(PREFIX): value for key, value in state.items() if key.startswith(PREFIX)}
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is damaged or no checkpoint of this project",
            expected="a checkpoint file made by training, which holds tensors and plain values only",
            got=str(error).split("\n")[0],
        ) from error
    fill(network, weights, path)


def fill(network: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Give a network the weights that were read from `path`.

    Raises: `InputError` where they are of another architecture.
    """
    own = network.state_dict()
    differing = [
        *(f"{key} is missing" for key in own.keys() - weights.keys()),
        *(f"{key} is not in the network" for key in weights.keys() - own.keys()),
        *(
            f"{key} is {tuple(weights[key].shape)} instead of {tuple(own[key].shape)}"
            for key in own.keys() & weights.keys()
            if weights[key].shape != own[key].shape
        ),
    ]
    if differing:
        raise InputError(
            f"the checkpoint {path} is from another architecture",
            expected="the weights of the network that the run's configuration describes",
            got="; ".join(sorted(differing)[:3]) + (f"; and {len(differing) - 3} more" if len(differing) > 3 else ""),
            fix="use the configuration that the checkpoint was trained with",
        )
    network.load_state_dict(weights)


def choose_device(device: str) -> torch.device:
    """`auto` is a GPU where there is one."""
    if device not in DEVICES:
        raise InputError(f"unknown device {device!r}", expected=DEVICES, fix=did_you_mean(device, DEVICES))
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("there is no CUDA device here", expected="a GPU that torch can use", fix="set device=cpu")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
