"""Networks that differ in the upsampler alone."""

from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf
from torch import nn

from fundus_unet.app.build import build
from fundus_unet.app.entry import CONFIG_DIR
from fundus_unet.core.errors import InputError, did_you_mean


def upsampler_names() -> list[str]:
    """The options of the group `upsampler`."""
    return sorted(path.stem for path in (CONFIG_DIR / "upsampler").glob("*.yaml"))


def check_upsamplers(names: Sequence[str], least: int = 1) -> None:
    """Raises: `InputError` for an unknown name, one given twice, or fewer than `least`."""
    known = upsampler_names()
    for name in names:
        if name not in known:
            raise InputError(f"unknown upsampler {name!r}", expected=known, fix=did_you_mean(str(name), known))
    if len(set(names)) < max(least, len(names)):
        raise InputError(
            "these upsamplers do not make a comparison",
            expected=f"at least {least} different names, such as upsamplers=[transposed_k4s2p1,bilinear_conv]",
            got=list(names),
        )


def with_upsampler(config: DictConfig, name: str) -> DictConfig:
    """A copy of a configuration with another upsampler in its model."""
    changed = config.copy()
    changed.model.upsampler = OmegaConf.load(CONFIG_DIR / "upsampler" / f"{name}.yaml")
    return changed


def arm_name(upsampler: str, upsampled_width: float) -> str:
    return upsampler if upsampled_width == 1 else f"{upsampler}_width{upsampled_width:g}"


def network_for(config: DictConfig, name: str) -> nn.Module:
    """The network of a configuration that the user gave, with another upsampler in it."""
    return build(with_upsampler(config, name).model, trusted=True)
