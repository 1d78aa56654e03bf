"""HRF, the High-Resolution Fundus image database: 45 images, a third each healthy, diabetic and glaucomatous.

Images: `images/01_h.jpg` to `15_h.jpg` (healthy), `01_dr.JPG` (diabetic retinopathy), `01_g.jpg` (glaucoma),
3504 x 2336 pixels (width x height), 45 degree field of view, Canon CR-1.
Labels: `manual1/01_h.tif`, 0 and 255, one set drawn by a group of experts; there is no second observer.
Masks: `mask/01_h_mask.tif`, three-channel TIFF; a missing one is estimated from its image.
Variants: the site's archives of each group, `healthy/01_h.jpg`, `healthy_manualsegm/01_h.tif`, `healthy_fovmask/...`
and so on, beside each other or each in the folder of its group. Where there is no `manual1/`, the artery/vein maps of
HRF-AV are the labels, `HRF_AV_GT/01_h_AVmanual.png`: every colour is vessel; they are the same tracing, coloured.
Splits: `official`: 01 to 05 of each group to learn from (of these 05 is validation), 06 to 15 to test.
Licence: CC BY 4.0.
Source: A. Budai et al., "Robust Vessel Segmentation in Fundus Images", International Journal of Biomedical Imaging,
2013:154860.
Caveats: the diabetic images end in `.JPG`, the others in `.jpg`; scores at a quarter of the resolution are often given
without saying so.
"""

from pathlib import Path

from fundus_unet.data.case import Case, SplitNames, Splits
from fundus_unet.data.sets.locate import DatasetFiles, Origin, pick_split, variants

ORIGIN = Origin.of("hrf")
GROUPS = {"h": "healthy", "dr": "diabetic_retinopathy", "g": "glaucoma"}
"""The groups' letters in the names of images, and their names in those of the site's archives."""

VESSEL_FRACTION = (0.060, 0.125)
"""The least and the largest share of the field of view that is vessel, measured on all 45 images."""


def _of_each_group(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"{number:02d}_{group}" for group in GROUPS for number in range(first, last + 1))


def group_of(name: str) -> str:
    """`01_dr` -> `dr`."""
    return name.partition("_")[2]


SPLITS = {"official": SplitNames(train=_of_each_group(1, 4), val=_of_each_group(5, 5), test=_of_each_group(6, 15))}


def _of_group(name: str, kind: str) -> tuple[str, ...]:
    """The folders of a group's own archive: `healthy_manualsegm`, `healthy/healthy_manualsegm`."""
    group = GROUPS[group_of(name)]
    return f"{group}{kind}", f"{group}/{group}{kind}"


def _image(name: str) -> tuple[str, ...]:
    return variants(["images", *_of_group(name, ""), ""], [name], [".jpg", ".png", ".tif"])


def _label(name: str) -> tuple[str, ...]:
    own = variants(["manual1", *_of_group(name, "_manualsegm"), "manual"], [name], [".tif", ".png", ".gif"])
    return (*own, *variants(["HRF_AV_GT", "manual_av", "av"], [f"{name}_AVmanual", name], [".png"]))


def _mask(name: str) -> tuple[str, ...]:
    return variants(["mask", *_of_group(name, "_fovmask"), "masks"], [f"{name}_mask"], [".tif", ".png", ".gif"])


class HRF:
    """HRF below `root`, the folder that holds `images/` and `manual1/`, or its parent.

    Without a single test image there is the training part alone, with a `test_reason`.

    Raises:
        InputError: For an unknown split, and from `splits()` for a missing file.
    """

    vessel_fraction = VESSEL_FRACTION

    def __init__(self, root: str | Path, split: str = "official") -> None:
        self.root = root
        self.names = pick_split("HRF", split, SPLITS)

    def splits(self) -> Splits:
        files = DatasetFiles(
            self.root, ORIGIN, expected=[_image(name) for name in self.names.all()], also_called=["all"]
        )

        def case(name: str) -> Case:
            return Case(
                name=name,
                image=files.require(*_image(name)),
                label=files.require(*_label(name)),
                mask=files.find(*_mask(name)),
                group=group_of(name),
            )

        if not files.has_any(map(_image, self.names.test)):
            reason = (
                f"HRF: none of the {len(self.names.test)} test images (06 to 15 of each group) is in "
                f"{files.root / 'images'}: {files.advice_for_the_whole}"
            )
            return SplitNames(self.names.train, self.names.val, test=()).map(case, reason)
        return self.names.map(case)
