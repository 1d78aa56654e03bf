"""The arms of a comparison: options of configs/upsampler, each put into the same network."""

import fnmatch
from collections.abc import Iterable
from contextlib import nullcontext

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from fundus_unet.app.build import build
from fundus_unet.app.entry import CONFIG_DIR
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.models.unet import UNet

GROUP = "upsampler"
ALL = "all"


def upsampler_options() -> list[str]:
    return sorted(path.stem for path in (CONFIG_DIR / GROUP).glob("*.yaml"))


def check_upsamplers(names: str | Iterable[str]) -> list[str]:
    """The options that `names` mean, in their order and each once; a name may be a pattern (`*`, `?`), or `all`.

    Raises: `InputError` for a name that is no option, or none at all.
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
    if not found:
        raise InputError("there is no upsampler to compare", expected="upsamplers=[NAME,...]", fix=f"upsamplers={ALL}")
    return list(found)


def check_control(control: str | None, upsamplers: list[str]) -> str:
    """The upsampler that the others are compared with: the first where `control` is None.

    Raises: `InputError` where it is not among them.
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


def upsampler_config(name: str) -> DictConfig:
    """The settings of an option, as `upsampler=NAME` would compose them."""
    running = GlobalHydra.instance().is_initialized()
    with nullcontext() if running else initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        return compose(f"{GROUP}/{name}").model.upsampler


def network_for(config: DictConfig, upsampler_name: str, trusted: bool = True) -> UNet:
    """The network of `config.model` (groups model and downsampler) with an upsampler of that name."""
    model = config.model.copy()
    OmegaConf.set_struct(model, False)  # a comparison's configuration has no upsampler
    model.upsampler = upsampler_config(upsampler_name)
    return build(model, trusted=trusted)
