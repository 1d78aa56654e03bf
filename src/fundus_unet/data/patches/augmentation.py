"""Augmentation of training patches. The only module that knows Albumentations."""

import math
import os
import random

import cv2
import numpy as np

from fundus_unet.core.errors import InputError


class Augmentation:
    """Random flips, right angles, rotation and scale, elastic deformation, then colour, blur and noise.

    Geometric changes act on a crop larger than the patch, whose centre is then cut out; what a strong rotation still
    leaves open is filled by reflection, label and all. Colours change on the 8-bit image, before it is normalised
    by statistics of the unchanged image.

    Args:
        `flips` turns mirror images and right angles on; `affine`, `elastic`, `colour`, `blur` and `noise` are
        probabilities in [0, 1] per patch; `rotation` in degrees to either side; `scaling` (smallest, largest)
        factor. `strength` multiplies the amplitudes of colour, blur and noise.

    Raises:
        InputError: For a probability, factor or strength out of range.
    """

    def __init__(
        self,
        flips: bool = True,
        affine: float = 0.5,
        rotation: float = 45.0,
        scaling: tuple[float, float] = (0.8, 1.25),
        elastic: float = 0.1,
        colour: float = 0.8,
        blur: float = 0.1,
        noise: float = 0.2,
        strength: float = 1.0,
    ) -> None:
        probabilities = {"affine": affine, "elastic": elastic, "colour": colour, "blur": blur, "noise": noise}
        for name, value in probabilities.items():
            if not 0 <= value <= 1:
                raise InputError(f"augment.{name} is a probability", expected="0 to 1", got=value)
        smallest, largest = scaling
        if not (0 < smallest <= largest < math.inf and 0 <= strength < math.inf and 0 <= rotation <= 180):
            raise InputError(
                "an augmentation is out of range",
                expected="0 < scaling[0] <= scaling[1], strength >= 0, rotation 0 to 180",
                got=f"scaling={list(scaling)}, strength={strength}, rotation={rotation}",
            )
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network for a newer version at import
        import albumentations as A  # here, since a network is used without it

        def compose(*transforms: A.BasicTransform) -> A.Compose:
            used = [transform for transform in transforms if transform.p > 0]
            return A.Compose(used, seed=0, is_check_shapes=False)

        self.margin = 1.5 if affine > 0 or elastic > 0 else 1.0
        self.geometry = compose(
            A.Affine(rotate=(-rotation, rotation), scale=(smallest, largest), keep_ratio=True, p=affine, **_RESAMPLING),
            A.ElasticTransform(alpha=50, sigma=6, approximate=True, p=elastic, **_RESAMPLING),
        )
        self.appearance = compose(
            A.D4(p=float(flips)),
            A.RandomBrightnessContrast(0.15 * strength, 0.25 * strength, p=colour),
            A.RandomGamma((int(100 / (1 + 0.25 * strength)), int(100 * (1 + 0.25 * strength))), p=colour / 2),
            A.HueSaturationValue(int(6 * strength), int(20 * strength), 0, p=colour / 2),
            A.RGBShift(*[int(12 * strength)] * 3, p=colour / 2),
            A.GaussianBlur(blur_limit=0, sigma_limit=(0.2, max(0.2, 0.9 * strength)), p=blur),
            A.GaussNoise(std_range=(0.0, min(1.0, 0.03 * strength)), p=noise),
        )

    def source_size(self, patch_size: int) -> int:
        """Side in pixels of the crop that a patch is made from; even as `patch_size` is, so that it has a centre."""
        size = math.ceil(patch_size * self.margin)
        return size + (size - patch_size) % 2

    def __call__(
        self, image: np.ndarray, label: np.ndarray, field_of_view: np.ndarray, *, patch_size: int, seed: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Shapes: uint8 (S, S, 3), (S, S), (S, S), masks 0..255 -> the same of side `patch_size`."""
        data = {"image": image, "mask": np.dstack([label, field_of_view])}
        # `set_random_seed` would give every transform the same numbers, so that a blurred patch is always noisy too
        numbers = np.random.default_rng(seed), random.Random(seed)
        self.geometry.set_random_state(*numbers)
        self.appearance.set_random_state(*numbers)
        data = self.geometry(**data)
        cut = (image.shape[0] - patch_size) // 2
        window = slice(cut, cut + patch_size)
        data = self.appearance(image=data["image"][window, window], mask=data["mask"][window, window])
        return data["image"], data["mask"][..., 0], data["mask"][..., 1]


_RESAMPLING = {
    "interpolation": cv2.INTER_LINEAR,
    "mask_interpolation": cv2.INTER_LINEAR,
    "border_mode": cv2.BORDER_REFLECT_101,
}
