"""The upsamplers of a comparison: options of configs/upsampler, each put into the same network."""

import fnmatch
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from fundus_unet.commands.config_files import CONFIG_DIR, group_options
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.models.network import SegmentationNetwork
from fundus_unet.runs.build import build_network

GROUP = "upsampler"
ALL = "all"


def upsampler_options() -> list[str]:
    """Every option of configs/upsampler."""
    return group_options(GROUP)


def check_upsamplers(names: str | Iterable[str], least: int = 1) -> list[str]:
    """The options that `names` mean, in their order and each once; a name may be a pattern (`*`, `?`), or `all`.

    Raises:
        InputError: For a name that is no option, or fewer than `least`.
    """
    options = upsampler_options()
    found: dict[str, None] = {}
    for name in [names] if isinstance(names, str) else names:
        matching = fnmatch.filter(options, "*" if name == ALL else str(name))
        if not matching:
            raise InputError(
                f"{GROUP} has no option {str(name)!r}",
                expected=f"one of {', '.join(options)}; a pattern such as transposed_*; or {ALL}",
                fix=did_you_mean(str(name), options),
            )
        found |= dict.fromkeys(matching)
    if len(found) < least:
        raise InputError(
            "there are too few upsamplers to compare",
            expected=f"at least {least}, such as upsamplers=[transposed_k4s2p1,bilinear_conv]",
            got=list(found),
            fix=f"upsamplers={ALL} takes every one",
        )
    return list(found)


def check_control(control: str | None, upsamplers: list[str]) -> str:
    """The upsampler that the others are compared with: the first where `control` is None.

    Raises:
        InputError: Where it is not among them.
    """
    if control is None:
        return upsamplers[0]
    if control not in upsamplers:
        raise InputError(
            f"the control {control!r} is not among the upsamplers",
            expected=f"one of {', '.join(upsamplers)}",
            fix=did_you_mean(str(control), upsamplers),
        )
    return control


def changed_copy(config: DictConfig, changes: Mapping[str, Any]) -> DictConfig:
    """A copy of a configuration with other values at some dotted keys, which need not be there yet."""
    changed = config.copy()
    for key, value in changes.items():
        OmegaConf.update(changed, key, value, merge=False, force_add=True)
    return changed


def with_upsampler(config: DictConfig, name: str) -> DictConfig:
    """A copy of a configuration whose model has the upsampler that `upsampler=NAME` would compose."""
    running = GlobalHydra.instance().is_initialized()
    with nullcontext() if running else initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        upsampler = compose(f"{GROUP}/{name}").model.upsampler
    return changed_copy(config, {"model.upsampler": upsampler})


def network_for(config: DictConfig, upsampler_name: str) -> SegmentationNetwork:
    """The network of `config.model` (groups model and downsampler) with an upsampler of that name."""
    return build_network(with_upsampler(config, upsampler_name).model, trusted=True)
