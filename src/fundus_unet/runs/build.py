"""From configuration to objects, with a guard for configurations that came with a run."""

from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.overrides import TorchFunctionMode

from fundus_unet.core.counting import parameter_count
from fundus_unet.core.errors import InputError
from fundus_unet.models.network import SegmentationNetwork, as_network
from fundus_unet.runs.allowed_parts import PLACES, check_part, is_trusted

MOST_PARAMETERS = 250_000_000
"""Of a network that someone else describes; a gigabyte, eight times the U-Net of the original paper."""


def build(config: DictConfig, *, trusted: bool, **arguments: Any) -> Any:
    """Instantiate a node with its `_target_`s.

    Args:
        trusted: True for what the user typed, false for what a run directory or a model file says: it may have come
            from someone else, and must not choose code to run. What may stand at which place is checked where they
            are read; here it must be one that may stand somewhere. Pretrained weights that a network names are not
            fetched then: its own are in the checkpoint or the file.

    Raises:
        InputError: For a class or a setting that is not allowed, settings the class cannot be built with, or a
            network that is too large.
    """
    if trusted:
        return instantiate(config, **arguments)
    key = _key(config)
    check_part(OmegaConf.to_container(config, resolve=True), tuple(PLACES), key)
    if _is_own_network(config):
        sketch(config)
        arguments = _without_pretraining(config)
    return _instantiate(config, key, arguments)


def build_network(config: DictConfig, *, trusted: bool) -> SegmentationNetwork:
    """The network of a configuration, which takes images of any size; raises as `build` and `as_network`."""
    return as_network(build(config, trusted=trusted))


def sketch(config: DictConfig) -> SegmentationNetwork:
    """A network without memory for its weights, to look at their shapes. Untrusted, as in `build`.

    One of another package, which the user trusts, is built as it is.

    Raises:
        InputError: As `build` and `as_network`.
    """
    key = _key(config)
    check_part(OmegaConf.to_container(config, resolve=True), tuple(PLACES), key)
    if is_trusted(config.get("_target_")):
        return as_network(_instantiate(config, key, {}))
    with torch.device("meta"), _NoValues():
        network = as_network(_instantiate(config, key, _without_pretraining(config)))
    count = parameter_count(network)
    if count > MOST_PARAMETERS:
        raise InputError(
            f"{key} describes too large a network",
            expected=f"at most {MOST_PARAMETERS:,} parameters",
            got=f"{count:,}",
            fix="use a run that you or someone you trust made with this project",
        )
    return network


class _NoValues(TorchFunctionMode):
    """Leaves tensors on the meta device unfilled: torch would import its compiler, for seconds, to fill nothing."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in (torch.Tensor.normal_, torch.Tensor.uniform_):
            return args[0]
        return function(*args, **(kwargs or {}))


def _is_own_network(config: DictConfig) -> bool:
    return str(config.get("_target_")).startswith("fundus_unet.models.")


def _without_pretraining(config: DictConfig) -> dict[str, Any]:
    return {"weights": None} if "weights" in config else {}


def _key(config: DictConfig) -> str:
    return config._get_full_key("") or "the configuration"


def _instantiate(config: DictConfig, key: str, arguments: dict[str, Any]) -> Any:
    try:
        return instantiate(config, **arguments)
    except Exception as error:
        raise _reason(error, key) from error


def _reason(error: BaseException, key: str) -> InputError:
    """The project's own error behind a library's, or one that tells the innermost."""
    cause: BaseException = error
    while not isinstance(cause, InputError) and cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, InputError):
        return cause
    text = (str(cause).splitlines() or [type(cause).__name__])[0]
    return InputError(f"{key} cannot be built: {text:.300}")
