"""Images decoded once and held in memory, within a bound."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case
from fundus_unet.data.images.field_of_view import estimate_field_of_view
from fundus_unet.data.images.preprocessing import Preprocessor, WorkingImage, resize_array
from fundus_unet.data.images.reading import read_image, read_label, read_mask

LANES = 4
"""Renewed images are divided into so many groups, as many as there are workers beside a GPU."""


@dataclass(frozen=True)
class LabelledImage:
    """A decoded case with its label: what the network sees, and what its prediction is compared with.

    Shapes:
        `working_label` uint8 (h, w), the share of vessel in each working pixel times 255; `label` uint8 (H, W) in
        {0, 1}; `field_of_view` bool (H, W). (h, w) is the working resolution, (H, W) the original one.
    """

    case: Case
    working: WorkingImage
    working_label: np.ndarray
    label: np.ndarray
    field_of_view: np.ndarray

    @property
    def nbytes(self) -> int:
        arrays = (self.working.image, self.working.field_of_view, self.working_label, self.label, self.field_of_view)
        return sum(array.nbytes for array in arrays)


def decode(case: Case, preprocessor: Preprocessor) -> LabelledImage:
    """Read a case's files and bring them to the working resolution: the case's own, where it has one.

    Raises:
        InputError: Naming the file that is missing, unreadable or does not fit.
    """
    if case.label is None:
        raise InputError(f"{case.name} has no label", expected="a label file", got=f"only {case.image}")
    image = read_image(case.image)
    shape = image.shape[:2]
    field_of_view = read_mask(case.mask, shape) if case.mask else estimate_field_of_view(image)
    return _labelled(case, preprocessor, image, read_label(case.label, shape), field_of_view)


def _labelled(
    case: Case, preprocessor: Preprocessor, image: np.ndarray, label: np.ndarray, field_of_view: np.ndarray
) -> LabelledImage:
    working = preprocessor.for_case(case).prepare(image, field_of_view)
    working_label = resize_array(label * np.uint8(255), working.image.shape[:2])
    return LabelledImage(case, working, working_label, label, field_of_view)


class ImageStore(Sequence[LabelledImage]):
    """The images of one split, held decoded up to `memory_limit_gb`; the rest is decoded at each use."""

    def __init__(self, cases: Sequence[Case], preprocessor: Preprocessor, memory_limit_gb: float = 4.0) -> None:
        if not isinstance(memory_limit_gb, int | float) or not memory_limit_gb >= 0:
            raise InputError(
                "data.memory_limit_gb cannot be used", expected="gigabytes, 0 or more", got=memory_limit_gb
            )
        self.cases = tuple(cases)
        self.preprocessor = preprocessor
        self.memory_limit = memory_limit_gb * 1e9
        self.held: dict[int, LabelledImage] = {}
        self._renewed: dict[int, tuple[int, LabelledImage]] = {}
        self._renewing = [index for index, case in enumerate(self.cases) if case.renewal is not None]

    def load(self, track: Callable[[Sequence[Case]], Iterable[Case]] = iter) -> None:
        """Decode every case, which also checks its files, and hold as many as the limit allows.

        Args:
            track: Passes the cases through a progress display.
        """
        for index, case in enumerate(track(self.cases)):
            sample = decode(case, self.preprocessor)
            if self.nbytes + sample.nbytes <= self.memory_limit:
                self.held[index] = sample

    @property
    def nbytes(self) -> int:
        return sum(sample.nbytes for sample in self.held.values())

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        held = self.held.get(index)
        return held if held is not None else decode(self.cases[index], self.preprocessor)

    def for_patch(self, index: int, patch: int, batch: int) -> LabelledImage:
        """The image that a patch is taken of: the chosen one or, where it is renewed, what stands in its place by then.

        A function of these numbers alone, whatever was asked for before. One image is kept for each that is renewed.

        Args:
            index: The chosen image.
            patch: The patch's number among all of a training.
            batch: The number of its batch.
        """
        if self.cases[index].renewal is None:
            return self[index]
        index = self._in_lane(index, batch)
        case = self.cases[index]
        assert case.renewal is not None
        period = case.renewal.patches * len(self.cases)
        version = (patch + index * period // len(self.cases)) // period  # not all at once
        if version == 0:
            return self[index]
        held = self._renewed.get(index)
        if held is None or held[0] != version:
            held = version, _labelled(case, self.preprocessor, *case.renewal.following(version))
            self._renewed[index] = held
        return held[1]

    def _in_lane(self, index: int, batch: int) -> int:
        """Another renewed image, of those that this batch may use.

        Batches are dealt out to workers in turn: where these are as many as there are lanes, each makes the images of
        its own lane alone.
        """
        lanes = max(1, min(LANES, len(self._renewing) // LANES))
        place = self._renewing.index(index)
        place += batch % lanes - place % lanes
        return self._renewing[place if place < len(self._renewing) else place - lanes]

    def describe(self) -> str:
        """What is held, in words."""
        rest = len(self) - len(self.held)
        text = f"{len(self.held)} images, {self.nbytes / 1e6:.0f} MB in memory"
        if self._renewing:
            text += f", {len(self._renewing)} of them followed by others without end"
        return text + (f", {rest} more decoded at each use (raise data.memory_limit_gb to hold them)" if rest else "")
