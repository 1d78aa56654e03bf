"""Which label belongs to which image, told by their names alone."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.data.sets.patterns import Found

SEPARATORS = r"[_. -]+"


@dataclass(frozen=True)
class Reading:
    """How names are read: what stands around the part that an image and its label share.

    Args:
        pairs: Name of the image to name of the label.
    """

    image: tuple[str, str]
    label: tuple[str, str]
    pairs: Mapping[str, str]

    def __str__(self) -> str:
        return f"{'NAME'.join(self.image)} with {'NAME'.join(self.label)}"

    @property
    def is_plain(self) -> bool:
        return not any((*self.image, *self.label))


def by_key(files: Iterable[Found], deep: bool) -> dict[str, Path]:
    """The files by what their wildcards stand for; with `deep`, by the folders of `**` too.

    Raises:
        InputError: Where two files have one key.
    """
    found: dict[str, Path] = {}
    for file in files:
        key = "_".join(part.replace("/", "_") for part in (*(file.deep if deep else ()), *file.wild) if part)
        if key in found:
            raise InputError(
                f"two files in {file.path.parent} have the stem {key!r}"
                if found[key].parent == file.path.parent
                else f"two files have the name {key!r}",
                expected="one file for each image",
                got=f"{found[key].name} and {file.path.name}"
                if found[key].parent == file.path.parent
                else f"{found[key]} and {file.path}",
                fix="remove or rename one of them",
            )
        found[key] = file.path
    return found


def read_names(images: Sequence[str], labels: Sequence[str], kind: str) -> Reading:
    """The reading that pairs most labels with images; equal names before all others.

    Labels may all begin or end alike (`eye7_manual1` for `eye7`), and images too (`21_training` with `21_manual1`).

    Args:
        kind: What the labels are, for messages.

    Raises:
        InputError: Where names can be read in two ways that pair them differently.
    """
    best: list[Reading] = [_plain(images, labels)]
    if len(best[0].pairs) == min(len(images), len(labels)):
        return best[0]
    for image_affix in _image_affixes(images):
        keys = {_inside(name, image_affix): name for name in images}
        for label_affix in _label_affixes(keys, labels):
            shared = {_inside(name, label_affix): name for name in labels if _has(name, label_affix)}
            pairs = {keys[key]: shared[key] for key in keys if key in shared}
            reading = Reading(image_affix, label_affix, pairs)
            if len(pairs) > len(best[0].pairs):
                best = [reading]
            elif len(pairs) == len(best[0].pairs) and all(pairs != other.pairs for other in best):
                best.append(reading)
    if len(best) > 1 and not best[0].is_plain and best[0].pairs:
        one, other = best[:2]
        image = next(name for name in images if one.pairs.get(name) != other.pairs.get(name))
        raise InputError(
            f"the names of images and {kind}s can be read in two ways",
            expected="one way to tell which file belongs to which image",
            got=f"{one}, so that {image} has {one.pairs.get(image)}; or {other}, so that it has "
            f"{other.pairs.get(image)}",
            fix="say what belongs together with patterns, such as 'data.images=images/*.png' "
            "'data.labels=labels/*_manual1.png'",
        )
    return best[0]


def nearest(stem: str, options: list[str]) -> str | None:
    """The option that continues the stem (`eye7_manual` for `eye7`), or else the one written most alike."""
    longer = [option for option in options if option.startswith(stem)]
    return min(longer, key=len) if longer else next(iter(difflib.get_close_matches(stem, options, n=1)), None)


def _plain(images: Sequence[str], labels: Sequence[str]) -> Reading:
    known = set(labels)
    return Reading(("", ""), ("", ""), {name: name for name in images if name in known})


def _image_affixes(images: Sequence[str]) -> list[tuple[str, str]]:
    """What all images may have around the shared part, cut at separators; nothing first, the least next."""
    start, end = _common(images), _common([name[::-1] for name in images])[::-1]
    starts = ["", *(start[: cut.end()] for cut in re.finditer(SEPARATORS, start))]
    ends = ["", *(end[cut.start() :] for cut in reversed(list(re.finditer(SEPARATORS, end))))]
    shortest = min(map(len, images), default=0)
    found = [(one, other) for one in starts for other in ends if len(one) + len(other) < shortest]
    return sorted(found, key=lambda affix: len(affix[0]) + len(affix[1]))


def _label_affixes(keys: Mapping[str, str], labels: Sequence[str]) -> list[tuple[str, str]]:
    """What a label may have around the key of an image, by the first few labels that hold one."""
    found: dict[tuple[str, str], None] = {}
    for label in labels[:5]:
        for key in keys:
            at = label.find(key)
            while key and at >= 0:
                found[label[:at], label[at + len(key) :]] = None
                at = label.find(key, at + 1)
    return sorted(found, key=lambda affix: len(affix[0]) + len(affix[1]))


def _common(names: Sequence[str]) -> str:
    shortest, longest = min(names, default=""), max(names, default="")
    return shortest[: next((at for at, (a, b) in enumerate(zip(shortest, longest, strict=False)) if a != b), None)]


def _has(name: str, affix: tuple[str, str]) -> bool:
    return len(name) > len("".join(affix)) and name.startswith(affix[0]) and name.endswith(affix[1])


def _inside(name: str, affix: tuple[str, str]) -> str:
    return name[len(affix[0]) : len(name) - len(affix[1])]
