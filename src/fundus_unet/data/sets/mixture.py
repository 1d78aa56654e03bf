"""Several data sets as one, each at its own working resolution."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, MissingFilesError, Splits


class MixedSet:
    """One set of a mixture: `source` is any data set, an object with `splits()`.

    With `train_only`, such as for generated images beside real ones, its images for training are all that is taken.

    Units:
        `fov_diameter` in working pixels, the diameter that the field of view of its images shall have; None: what
        the run sets for all.
    """

    # no dataclass: Hydra makes a configuration of one that stands in a mapping

    def __init__(self, source: Any, fov_diameter: float | None = None, train_only: bool = False) -> None:
        self.source = source
        self.fov_diameter = fov_diameter
        self.train_only = train_only


class Mixture:
    """The images of several sets by name, in the order of the sets; a set that is None is left out.

    An image is called `SET_NAME`, such as `hrf_01_dr`. Patches are sampled uniformly from all images for
    training, so a set's share follows from its number of images. Test images without a label are left out,
    and `test_reason` says which sets have some or have no test images, and why.

    Raises:
        InputError: For no set, a name that makes no file name, an object that is no `MixedSet` or whose source has
            no `splits()`, and a `fov_diameter` not above 0; from `splits()` for an image that is in two sets, and for
            missing files.
    """

    def __init__(self, sets: Mapping[str, MixedSet | None] | None) -> None:
        sets = sets or {}
        self.sets = {str(name): mixed for name, mixed in sets.items() if mixed is not None}
        if not self.sets:
            raise InputError(
                "a mixture of no data sets",
                expected="at least one in data.source.sets",
                got=f"left out: {', '.join(map(str, sets))}" if sets else "none",
            )
        for name, mixed in self.sets.items():
            _check(name, mixed)

    def splits(self) -> Splits:
        train: list[Case] = []
        val: list[Case] = []
        test: list[Case] = []
        reasons: list[str] = []
        missing: dict[str, InputError] = {}
        for name, mixed in self.sets.items():
            try:
                splits = mixed.source.splits()
            except MissingFilesError as error:
                missing |= {f"{name}_{case}": one for case, one in error.errors.items()}
                splits = error.whole
            train += _renamed(splits.train, name, mixed)
            if mixed.train_only:
                continue
            labelled = [case for case in splits.test if case.label is not None]
            val += _renamed(splits.val, name, mixed)
            test += _renamed(labelled, name, mixed)
            if splits.test_reason:
                reasons.append(f"{name}: {splits.test_reason}")
            elif not labelled or len(labelled) < len(splits.test):
                reasons.append(f"{name}: {len(labelled)} of {len(splits.test)} test images have labels")
        _check_apart([*train, *val, *test])
        mixture = Splits(tuple(train), tuple(val), tuple(test), test_reason="; ".join(reasons) or None)
        if missing:
            raise MissingFilesError.of(missing, mixture)
        return mixture


def _renamed(cases: Sequence[Case], name: str, mixed: MixedSet) -> list[Case]:
    return [
        replace(
            case,
            name=f"{name}_{case.name}",
            fov_diameter=mixed.fov_diameter or case.fov_diameter,
            subject=None if case.subject is None else f"{name}_{case.subject}",
            train_only=mixed.train_only or case.train_only,
            group=name if case.group is None else f"{name}_{case.group}",  # each fold gets its share of every set
        )
        for case in cases
    ]


def _check(name: str, mixed: Any) -> None:
    key = f"data.source.sets.{name}"
    if not re.fullmatch(r"[\w.-]+", name):
        raise InputError(
            f"a set of a mixture cannot be called {name!r}",
            expected="letters, digits, '_', '-' and '.', since files are called after it",
            got=key,
        )
    if not isinstance(mixed, MixedSet) or not callable(getattr(mixed.source, "splits", None)):
        raise InputError(
            f"{key} is no data set",
            expected=f"a {__name__}.MixedSet whose source is one of configs/data",
            got=type(mixed.source if isinstance(mixed, MixedSet) else mixed).__name__,
            fix=f"set {key}._target_ and {key}.source._target_ as configs/data/mix.yaml does",
        )
    if not isinstance(mixed.train_only, bool):
        raise InputError(f"{key}.train_only cannot be used", expected="true or false", got=mixed.train_only)
    diameter = mixed.fov_diameter
    if diameter is not None and (not isinstance(diameter, int | float) or not 0 < diameter < math.inf):
        raise InputError(
            f"{key}.fov_diameter cannot be used",
            expected="pixels, above 0, or null for data.fov_diameter or data.scale",
            got=diameter,
        )


def _check_apart(cases: Sequence[Case]) -> None:
    """Raise where two sets hold one image, which their different names for it would hide."""
    name_of: dict[Path, str] = {}
    for case in cases:
        path = case.image.resolve()
        if path in name_of:
            raise InputError(
                f"the image {case.image} is in two sets of the mixture",
                expected="every image once in train, val and test together",
                got=f"{name_of[path]} and {case.name}",
                fix="leave one of the sets out (data.source.sets.NAME=null)",
            )
        name_of[path] = case.name
