"""Vessel maps from Python: `load_model("vessels").predict("photo.jpg")`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.invocation import PROGRAM
from fundus_unet.data.images.reading import read_image
from fundus_unet.inference.map_warnings import map_warnings
from fundus_unet.inference.new_image import prepare_new_image
from fundus_unet.inference.sources import Source
from fundus_unet.metrics.masks import MaskRule, Threshold
from fundus_unet.runs.device import choose_device
from fundus_unet.runs.first_look import vessel_scale
from fundus_unet.runs.mask_rule import AUTO, KINDS, OWN, VALIDATION, mask_rule
from fundus_unet.runs.trained_ensemble import TrainedEnsemble, together
from fundus_unet.runs.trained_model import OWN_WEIGHTS, TrainedModel, load_trained


@dataclass(frozen=True)
class VesselMaps:
    """What a network finds in one image, on the image's own pixels.

    Shapes:
        `probability` float32 (H, W), 0 to 1, and 0 outside the field of view; `mask` bool (H, W), True is vessel;
        `field_of_view` bool (H, W), as it was found in the image.

    Args:
        uncertainty: The standard deviation of the probability over test-time copies and networks, float32 (H, W), 0 to
            0.5; None where one network makes one map.
        warnings: Why the maps may be worth little.
    """

    probability: np.ndarray
    mask: np.ndarray
    field_of_view: np.ndarray
    warnings: tuple[str, ...]
    uncertainty: np.ndarray | None = None


class VesselModel:
    """A trained network, or several whose maps are averaged, that takes whole fundus images of any camera and size.

    Args:
        device, tta, tile, scale, mask: As the settings of `fundus-unet predict`.

    Attributes:
        rule: Of the mask: the network's own, the best of its kind on the validation images of training unless export
            was given another; of several networks, their mean.
        threshold: Likewise, that of a plain mask.
    """

    def __init__(
        self,
        model: TrainedModel | TrainedEnsemble,
        device: torch.device,
        *,
        tta: str = "none",
        tile: int | None = 1024,
        scale: str | float = "auto",
        mask: str = AUTO,
    ) -> None:
        self.predictor = model.predictor(device, "auto", tile, tta)
        self.preprocessor = model.preprocessor(scale)
        self.vessel_scale = vessel_scale(model, device, "auto", tile, scale)
        if mask not in KINDS:
            raise InputError(f"there is no mask {mask!r}", expected=KINDS, fix=did_you_mean(str(mask), KINDS))
        self.rule: MaskRule = mask_rule(model, mask, VALIDATION, OWN)
        self.threshold = model.threshold

    def predict(self, image: Any, threshold: float | None = None) -> VesselMaps:
        """Find the vessels in one image.

        Args:
            image: A path; or RGB or grey pixels as an array or a PIL image: uint8 or uint16, (H, W, 3) or (H, W).
            threshold: Of a plain mask, 0 to 1; None: the network's own rule.

        Raises:
            InputError: For an image that cannot be used, or a threshold out of range.
        """
        rule = self.rule if threshold is None else Threshold(threshold)
        is_path = isinstance(image, str | Path)
        path = Path(image) if is_path else Path("the image")
        pixels = read_image(path) if is_path else _pixels(image)
        sample = prepare_new_image(Source(path, PurePath(path.stem)), pixels, self.preprocessor)
        if self.vessel_scale is not None:
            sample = self.vessel_scale.fitted(sample)
        several = self.predictor.maps_per_image > 1
        (maps,) = self.predictor.maps([sample.working], [sample.field_of_view], uncertainty=several)
        mask = rule.mask(maps.probability, sample.field_of_view, sample.fov_diameter)
        warnings = (*sample.warnings, *map_warnings(maps.probability, mask, sample.field_of_view))
        return VesselMaps(maps.probability, mask, sample.field_of_view, warnings, maps.uncertainty)


def load_model(
    model: str | Path | Sequence[str | Path] = OWN_WEIGHTS,
    *,
    device: str = "auto",
    tta: str = "none",
    tile: int | None = 1024,
    scale: str | float = "auto",
    mask: str = AUTO,
) -> VesselModel:
    """Load a trained network. No code from a file is executed.

    Args:
        model: `vessels`, the weights that come with the project; a run directory; or a file that
            `fundus-unet export` wrote: `.safetensors`, or `.onnx` where onnxruntime is installed. Of several, the
            maps are averaged.
        device: `auto` (a GPU where there is one), `cpu` or `cuda`.
        tta: Test-time augmentation: `none`, `flips` (4 copies) or `d4` (8 copies).
        tile: Images with a side above this at working resolution are predicted in tiles; None: always whole.
        scale: `auto`, `field_of_view`, `native`, or working pixels per original pixel.
        mask: `threshold`; `hysteresis`, which has fewer loose pieces and gaps; or `auto`: what the file says.

    Raises:
        InputError: For an unknown name, an unfinished run, or a file that cannot be used.
    """
    chosen = choose_device(device)
    names = [model] if isinstance(model, str | Path) else list(model)
    trained = together([_loaded(name, chosen) for name in names])
    return VesselModel(trained, chosen, tta=tta, tile=tile, scale=scale, mask=mask)


def _loaded(model: str | Path, device: torch.device) -> TrainedModel:
    path = Path(model).expanduser()
    if not path.exists() and len(path.parts) > 1:
        raise InputError(
            f"there is no {path}",
            expected=f"a run directory, a file that {PROGRAM} export wrote, or {OWN_WEIGHTS!r}",
        )
    if path.is_dir():
        return load_trained(str(path))
    return load_trained(None, str(model), "onnx" if path.suffix == ".onnx" else "torch", device)


def _pixels(image: Any) -> np.ndarray:
    """As uint8 (H, W, 3)."""
    values = np.asarray(image)
    if values.dtype == np.uint16:
        values = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if values.dtype != np.uint8 or values.ndim not in (2, 3) or values.shape[2:] not in ((), (1,), (3,)):
        raise InputError(
            "these pixels are no image",
            expected="RGB or grey, uint8 or uint16, of the shape (H, W, 3) or (H, W)",
            got=f"{values.dtype} of the shape {values.shape}",
            fix="convert them: (255 * image).astype(numpy.uint8) for values from 0 to 1; image[..., :3] for RGBA",
        )
    return np.broadcast_to(values[..., None] if values.ndim == 2 else values, (*values.shape[:2], 3)).copy()
