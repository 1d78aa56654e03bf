"""The sets of a comparison across sets, and which of their images every network may be scored on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fundus_unet.comparison.datasets.networks import Network, cases_learned
from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, Splits
from fundus_unet.runs.data_record import digests

UNSEEN, TEST = "unseen", "test"
IMAGES = (UNSEEN, TEST)


@dataclass(frozen=True)
class ImageSet:
    """The labelled images of a set.

    Args:
        cases: Without field-of-view diameters of their own: each network has its own.
        splits: The split of every case, by name.
        files: SHA-256 of the image of every case and of what belongs to it, by the name of the case.
        sources: The classes of the sets in it.
        settings: What it was composed of.
        test_reason: Why its test split is empty or without some images.
    """

    name: str
    cases: tuple[Case, ...]
    splits: Mapping[str, str]
    files: Mapping[str, Mapping[str, str]]
    sources: frozenset[str]
    settings: Mapping[str, Any]
    test_reason: str | None = None

    @classmethod
    def of(cls, name: str, splits: Splits, sources: frozenset[str], settings: Mapping[str, Any]) -> "ImageSet":
        """The labelled images of all splits.

        Raises:
            InputError: Where there is none, or a file cannot be read.
        """
        split_of = {case.name: split for split in ("train", "val", "test") for case in getattr(splits, split)}
        found = (*splits.train, *splits.val, *splits.test)
        cases = tuple(replace(case, fov_diameter=None) for case in found if case.label is not None)
        if not cases:
            raise InputError(f"the set {name} has no labelled image", got=splits.test_reason)
        files = digests(cases, "test")
        return cls(name, cases, split_of, files, sources, settings, splits.test_reason)

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of every image, by the name of its case."""
        return {name: files["image"] for name, files in self.files.items()}


@dataclass(frozen=True)
class Column:
    """The images of a set that are scored, the same for every network.

    Args:
        left_out: Of the other labelled images: the networks that learned from each.
        spoilt: Networks that learned from images that are scored, and how many: they are not scored on this set.
        own: Networks that learned from other images of the set.
        doubtful: Networks that may have learned from images that are scored: it is not recorded.
    """

    images: ImageSet
    cases: tuple[Case, ...]
    left_out: Mapping[str, tuple[str, ...]]
    spoilt: Mapping[str, int]
    own: frozenset[str]
    doubtful: frozenset[str]


def column_of(images: ImageSet, networks: Sequence[Network], which: str) -> Column:
    """Choose the images to score.

    Args:
        which: `unseen`: all labelled images that no network learned from; `test`: the set's test split.

    Raises:
        InputError: Where none is left.
    """
    learned = {network.name: _learned(network, images) for network in networks}
    if which == TEST:
        cases = tuple(case for case in images.cases if images.splits[case.name] == "test")
        left_out: dict[str, tuple[str, ...]] = {}
        problem = f"the test split of {images.name} has no labelled image"
        fix = images.test_reason or "score all images that no network learned from: images=unseen"
    else:
        by_case = {case.name: tuple(name for name in learned if case.name in learned[name]) for case in images.cases}
        left_out = {name: by for name, by in by_case.items() if by}
        cases = tuple(case for case in images.cases if case.name not in left_out)
        problem = f"no image of {images.name} is left to score"
        problem += _exhausted(learned, len(images.cases))
        fix = "leave one out" if sum(map(bool, learned.values())) > 1 else "leave it out"
        tested = {case.name for case in images.cases if images.splits[case.name] == "test"}
        if tested and not all(found & tested for found in learned.values()):
            fix += ", or score each set's own test split: images=test"
    if not cases:
        raise InputError(problem, fix=fix)
    names = {case.name for case in cases}
    return Column(
        images,
        cases,
        left_out,
        spoilt={name: len(found & names) for name, found in learned.items() if found & names},
        own=frozenset(name for name, found in learned.items() if found),
        doubtful=frozenset(network.name for network in networks if _may_have_learned(network, images)),
    )


def _exhausted(learned: Mapping[str, set[str]], count: int) -> str:
    """Who learned from all images."""
    learners = {name: len(found) for name, found in learned.items() if found}
    if len(learners) == 1:
        return f": {next(iter(learners))} learned from all {count} images"
    counts = ", ".join(f"{name} from {number}" for name, number in learners.items())
    return f": together these networks learned from all {count} images ({counts})"


def _learned(network: Network, images: ImageSet) -> set[str]:
    """By content; where that is not known of a set that the network names: the usual training and validation images."""
    found = cases_learned(network, images.cases, images.digests)
    if _names_the_set(network, images):
        found |= {case.name for case in images.cases if images.splits[case.name] != "test"}
    return found


def _may_have_learned(network: Network, images: ImageSet) -> bool:
    if network.supposed_sources is None:
        return network.learned is None or network.unrecorded
    return _names_the_set(network, images)


def _names_the_set(network: Network, images: ImageSet) -> bool:
    """Whether a set that a network without a record says it was trained on is this one, or in it."""
    return not images.sources.isdisjoint(network.supposed_sources or ())
