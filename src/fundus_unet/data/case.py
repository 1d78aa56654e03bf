"""What a dataset hands out: images with what belongs to them, in three splits."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fundus_unet.core.errors import InputError, together

Picture = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_]]
"""Image (H, W, 3) in RGB, label (H, W) in {0, 1} and field of view (H, W)."""


@dataclass(frozen=True)
class Renewal:
    """How one image to train on gives way to others, which are made in memory, without end.

    `following(version)` from 1 up is a function of the version alone; version 0 is the case's file.
    """

    patches: int
    """So many are taken of each, on average, before the next."""
    following: Callable[[int], Picture]


@dataclass(frozen=True)
class Case:
    """One image and what belongs to it."""

    name: str
    image: Path
    label: Path | None = None
    mask: Path | None = None  # field of view; None: estimated from the image
    second_label: Path | None = None  # second observer
    fov_diameter: float | None = None  # of the field of view at working resolution, in pixels; None: the run's own
    subject: str | None = None  # the person or eye that several images show: never in two parts of a split; None: alone
    group: str | None = None  # such as a disease: each fold gets its share of every group
    renewal: Renewal | None = None  # of an image to train on; None: it stays
    train_only: bool = False  # never to choose or to score by: in no fold's validation or test


@dataclass(frozen=True)
class Splits:
    """The cases to learn from, to choose by and to report.

    Raises:
        InputError: Where one name stands twice, since an image that is learned from must not be tested.
    """

    train: tuple[Case, ...]
    val: tuple[Case, ...]
    test: tuple[Case, ...]
    test_reason: str | None = None  # why test is empty, unlabelled or without some images, with what to do

    def __post_init__(self) -> None:
        split_of: dict[str, str] = {}
        for split, case in self._with_split():
            if case.name in split_of:
                raise InputError(
                    f"the image {case.name!r} stands in two places of the splits",
                    expected="every name once in train, val and test together",
                    got=f"{case.name!r} in {split_of[case.name]} and again in {split} ({case.image})",
                    fix="keep it in one split; if these are different images, give each its own name",
                )
            split_of[case.name] = split

    def _with_split(self) -> Iterator[tuple[str, Case]]:
        for split, cases in (("train", self.train), ("val", self.val), ("test", self.test)):
            for case in cases:
                yield split, case


class MissingFilesError(InputError):
    """Files of a data set are not there.

    Args:
        errors: What is missing, by the name of the image it belongs to.
        whole: The splits of the images that have all their files.
    """

    def __init__(
        self,
        problem: str,
        *,
        expected: object = None,
        got: object = None,
        fix: str | None = None,
        errors: Mapping[str, InputError] | None = None,
        whole: Splits | None = None,
    ) -> None:
        super().__init__(problem, expected=expected, got=got, fix=fix)
        self.errors, self.whole = dict(errors or {}), whole or Splits((), (), ())

    @classmethod
    def of(cls, errors: Mapping[str, InputError], whole: Splits) -> "MissingFilesError":
        told = together(list(errors.values()), "files of the data set are missing", lambda error: error.problem)
        return cls(told.problem, expected=told.expected, got=told.got, fix=told.fix, errors=errors, whole=whole)


@dataclass(frozen=True)
class SplitNames:
    """The membership of a split as pure data, known without a file."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def all(self) -> tuple[str, ...]:
        return self.train + self.val + self.test

    def map(self, case: Callable[[str], Case], test_reason: str | None = None) -> Splits:
        """The splits with `case` called for every name.

        Args:
            test_reason: As of `Splits`.

        Raises:
            MissingFilesError: That lists every name for which `case` raised an `InputError`.
            InputError: The first one's, where it did for all of them.
        """
        found: dict[str, Case] = {}
        errors: dict[str, InputError] = {}
        for name in self.all():
            try:
                found[name] = case(name)
            except InputError as error:
                errors[name] = error
        if errors and not found:
            raise next(iter(errors.values()))
        train, val, test = (
            tuple(found[name] for name in names if name in found) for names in (self.train, self.val, self.test)
        )
        splits = Splits(train, val, test, test_reason)
        if errors:
            raise MissingFilesError.of(errors, splits)
        return splits
