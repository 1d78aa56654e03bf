"""Which label belongs to which image, told by their names alone."""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.data.sets.patterns import Found, is_pattern

SEPARATORS = r"[_. -]+"
_FEW = 4


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
                f"two files in {file.path.parent} have one name before the ending, {key!r}"
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


def called(name: str, pairs: Sequence[tuple[str, Path]], place: str) -> str:
    """How the partner of a file would be called, as those of the others are.

    Args:
        name: Of the file that has none, before the ending.
        pairs: The names of the others, with their partners.
        place: The folder or pattern of the partners.
    """
    if is_pattern(place):
        return f"{place} with {name!r} for the *"
    partners = Counter(f"{place}/{ours}" for own, partner in pairs if (ours := _as_called(name, own, partner.name)))
    if not partners:
        return f"a file called {name!r} before the ending, in {place}"
    return f"{max(partners, key=lambda one: partners[one])}, as the others are called"


def alone_error(
    kind: str, alone: Mapping[str, Path], count: int, other: str, free: list[str], expected: str
) -> InputError:
    """The error for files without their partner.

    Args:
        kind, other: What they are, and what is missing.
        alone: Those files, by name.
        count: How many of that kind there are.
        free: Names of partners that belong to no file.
    """
    name, path = next(iter(alone.items()))
    near = nearest(name, free)
    more = ""
    if len(alone) > 1:
        shown = [one.name for one in list(alone.values())[:_FEW]]
        more = f" ({len(alone)} of {count} have none: {', '.join(shown)}{', ...' if len(alone) > _FEW else ''})"
    return InputError(
        f"the {kind} {path} has no {other}{more}",
        expected=expected,
        got="no such file",
        fix=f"rename or add the {other}" + (f"; did you mean {near!r}?" if near else ""),
    )


def nearest(name: str, options: list[str]) -> str | None:
    """The option that continues the name (`eye7_manual` for `eye7`), or else the one written most alike."""
    longer = [option for option in options if option.startswith(name)]
    return min(longer, key=len) if longer else next(iter(difflib.get_close_matches(name, options, n=1)), None)


def _as_called(name: str, own: str, partner: str) -> str | None:
    """The partner's name for `name`, where what `own` has changed to give that of `partner` is at its ends.

    `eye03`, `eye07` and `eye07_manual1.png` -> `eye03_manual1.png`.
    """
    same = len(_common([own, name]))
    end = len(_common([own[same:][::-1], name[same:][::-1]]))
    changed, to = own[same : len(own) - end], name[same : len(name) - end]
    at = partner.find(own)
    if at >= 0:
        return partner[:at] + name + partner[at + len(own) :]
    return partner.replace(changed, to, 1) if changed and partner.count(changed) == 1 else None


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
