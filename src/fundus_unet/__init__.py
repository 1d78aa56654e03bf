"""fundus-unet: U-Nets that segment blood vessels in fundus images, with a choice of decoder upsampling."""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"
__all__ = ["UNet", "VesselMaps", "VesselModel", "__version__", "load_model"]

if TYPE_CHECKING:
    from fundus_unet.models.unet import UNet
    from fundus_unet.runs.vessel_model import VesselMaps, VesselModel, load_model

_HOME = {
    "UNet": "fundus_unet.models.unet",
    "VesselMaps": "fundus_unet.runs.vessel_model",
    "VesselModel": "fundus_unet.runs.vessel_model",
    "load_model": "fundus_unet.runs.vessel_model",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, since torch takes seconds and `fundus-unet --help` needs none of it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
