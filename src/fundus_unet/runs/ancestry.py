"""What a run took over from the weights that it began with: the images that they learned from, however long the chain.

It is kept in the run's own record and in exported files, so that it is known when the earlier runs are gone.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Len

from fundus_unet.core.plain_text import some_of
from fundus_unet.runs.schema import Check, Settings, Text, check

INHERITED = "inherited"
"""In the record of a run's data."""
MOST_ANCESTORS = 100


def _sha256(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise ValueError
    return value


Name = Annotated[Text, Len(1)]
Sha256 = Annotated[str, Check("64 hex digits", _sha256)]


class Ancestor(Settings):
    """A network that others began with.

    Args:
        weights: The name of its run or file.
        data: What it was trained on, by the name of the option.
        fingerprint: Of its weights.
        recorded: Whether the images that it learned from are known by content.
    """

    weights: Name
    data: Name
    fingerprint: Name
    recorded: bool


Ancestors = Annotated[list[Ancestor], Len(0, MOST_ANCESTORS)]


class _Record(Settings):
    images: list[Sha256]
    only_chosen_by: list[Sha256]
    ancestors: Ancestors


@dataclass(frozen=True)
class Inherited:
    """What is known of the networks that a run descends from.

    Args:
        images: SHA-256 of the image files that they learned from or were chosen by, as far as that is recorded.
        only_chosen_by: Those of them that none was trained on, where that is known.
        ancestors: The oldest first.
    """

    images: frozenset[str] = frozenset()
    only_chosen_by: frozenset[str] = frozenset()
    ancestors: tuple[Ancestor, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "images": sorted(self.images),
            "only_chosen_by": sorted(self.only_chosen_by),
            "ancestors": [one.model_dump() for one in self.ancestors],
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Inherited":
        """From the record of a run's data; nothing where the run began with no other weights.

        Raises:
            InputError: Where it is damaged.
        """
        if INHERITED not in record:
            return cls()
        found: _Record = check(_Record, record[INHERITED], INHERITED)
        return cls(frozenset(found.images), frozenset(found.only_chosen_by), tuple(found.ancestors))

    @property
    def unrecorded(self) -> tuple[Ancestor, ...]:
        """Those of which it is not known which images they learned from."""
        return tuple(one for one in self.ancestors if not one.recorded)

    def remarks(self, images: Mapping[str, str], known: Collection[str] = ()) -> list[str]:
        """What is told of a run's scores on images.

        Args:
            images: The SHA-256 of each, by name.
            known: Those of them that are told by themselves, by SHA-256.
        """
        learned = [name for name, digest in images.items() if digest in self.images and digest not in known]
        found = []
        if learned:
            found.append(
                f"{len(learned)} of {len(images)} images are among those that the weights it began with were trained "
                f"on or chosen by, so that its scores are too good: {some_of(learned)}"
            )
        if self.unrecorded:
            named = ", ".join(f"{one.weights} (data={one.data})" for one in self.unrecorded)
            found.append(
                f"the weights it began with descend from {named}, of which it is not recorded which images they "
                "learned from: some may be among these, and its scores too good"
            )
        return found
