"""`measures.csv`: numbers of every image's vessels, for whoever studies them; kept as the rows of predictions are.

Tools that measure vessels agree poorly. Of 665 images two well-known ones had intraclass correlations of 0.16 to 0.41,
for widths, fractal dimension and tortuosity alike (McGrory et al., Translational Vision Science & Technology 7(2):12,
2018). So numbers of one table may be compared with each other, and not with those of other tools.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fundus_unet.core.errors import InputError
from fundus_unet.inference.new_image import NewImage
from fundus_unet.inference.record import Journal, Table, write_table
from fundus_unet.inference.rows import Rows, remove_journals
from fundus_unet.inference.sources import SourceList
from fundus_unet.metrics.topology import skeleton_length, skeleton_of
from fundus_unet.metrics.vessel_measures import calibres, fractal_dimension, tortuosity
from fundus_unet.metrics.vessel_tree import vessel_tree

CAUTION = "compare its numbers with each other, not with those of other tools"


@dataclass(frozen=True)
class Measures:
    """One image's row; empty where there is no vessel to measure.

    Units:
        `fov_diameter_px` and the calibres, the widths of vessels over all their length, in original pixels;
        `vessel_density` the share of the field of view; `vessel_length_per_fov_diameter` of the centrelines;
        `branch_points` a number, crossings included; `fractal_dimension` by boxes from a quarter to a 64th of the
        field of view, over its centrelines; `tortuosity_arc_per_chord` 1 for straight vessels.
    """

    image: str
    fov_diameter_px: float | None = None
    vessel_density: float | None = None
    vessel_length_per_fov_diameter: float | None = None
    calibre_mean_px: float | None = None
    calibre_median_px: float | None = None
    branch_points: int | None = None
    fractal_dimension: float | None = None
    tortuosity_arc_per_chord: float | None = None


MEASURES = Table("measures.csv", ".measures_", Measures, ("image",), ("branch_points",))


def measured(sample: NewImage, mask: np.ndarray) -> Measures:
    """Measure the vessels of an image.

    Lengths, branches and ways are those of the mask at working resolution where that is smaller, as in
    predictions.csv; widths are those of the mask itself.

    Shapes:
        mask bool (H, W), of the image's size.
    """
    scale, small = min(sample.scale, 1.0), mask
    if scale < 1:
        size = max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale))
        small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
    skeleton = skeleton_of(small)
    tree = vessel_tree(small, skeleton)
    centres = np.concatenate([np.empty((0, 2), int), *tree.segments])
    widths = calibres(mask, centres, scale)
    diameter = sample.fov_diameter
    winding, dimension = tortuosity(tree.segments), fractal_dimension(skeleton, diameter * scale)
    return Measures(
        str(sample.source.path),
        fov_diameter_px=round(diameter, 1),
        vessel_density=round(float(mask.sum() / sample.field_of_view.sum()), 5),
        vessel_length_per_fov_diameter=round(skeleton_length(skeleton) / scale / diameter, 3),
        calibre_mean_px=round(float(widths.mean()), 2) if len(widths) else None,
        calibre_median_px=round(float(np.median(widths)), 2) if len(widths) else None,
        branch_points=tree.branch_points,
        fractal_dimension=None if dimension is None else round(dimension, 4),
        tortuosity_arc_per_chord=None if winding is None else round(winding, 4),
    )


class MeasuresTable:
    """One process's share of the table; the first process writes it. An image without a row is not done."""

    def __init__(self, folder: Path, rank: int) -> None:
        self.path = folder / MEASURES.name
        self._folder = folder
        self._journal = Journal(folder, rank, MEASURES)
        self._rows: Rows[Measures] | None = None

    def add(self, row: Measures) -> None:
        """Keep a row, from any thread; raise `OSError` where it cannot be written."""
        self._journal.add(row)

    def has(self, image: str) -> bool:
        """Whether the image has a row on the disk, which is looked up once."""
        self._rows = self._rows or Rows(self._folder, MEASURES)
        return self._rows.status(image) is not None

    def read_again(self) -> None:
        """Look at the disk anew when next asked; until then nothing of it is in memory."""
        self._rows = None

    def write(self, sources: SourceList, *, others_go_on: bool = False) -> None:
        """Write the table from what is on the disk: other images' rows, then those of the sources in their order.

        Args:
            others_go_on: Whether other processes may still add rows; then the journals stay.

        Raises:
            InputError: For files of these names that predict did not write; `OSError` where it cannot be written.
        """
        rows = Rows(self._folder, MEASURES)
        with rows.reading():
            found = itertools.chain(rows.of_others(sources.paths()), _of(rows, sources))
            write_table(self._folder, MEASURES, found)
        if not others_go_on:
            remove_journals(self._folder, MEASURES)


def check_measures_stay_true(folder: Path, *, overwrite: bool) -> None:
    """Raise `InputError` where new maps would leave the measures of old ones beside them."""
    try:
        is_there = overwrite and bool(Rows(folder, MEASURES))
    except InputError:  # it is another program's
        return
    if is_there:
        raise InputError(
            f"{folder / MEASURES.name} would go on to tell of the maps that are replaced",
            fix="set measures=true, choose another out_dir, or move the table elsewhere",
        )


def _of(rows: Rows[Measures], sources: SourceList) -> Iterator[Measures]:
    for image in sources.paths():
        row = rows.record(image)
        if row is not None:
            yield row
