"""Which sources are predicted, and which must not be: no output replaces an input, another output, or a user's file."""

import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from fundus_unet.core.errors import InputError
from fundus_unet.inference.inputs import Source
from fundus_unet.inference.outputs import ENDINGS, Outputs

Identity = str | tuple[int, int]


def planned(sources: Sequence[Source], outputs: Outputs, overwrite: bool) -> list[Source]:
    """The same sources; those whose outputs may not be written have a problem."""
    inputs = {identity for source in sources for identity in _identities(source.path)}
    owners: dict[str, Source] = {}
    return [_planned(source, outputs, overwrite, inputs, owners) for source in sources]


def is_done(source: Source, outputs: Outputs) -> bool:
    """Whether its outputs are there, as these settings make them."""
    return source.problem is None and outputs.exist(source.name)


def _planned(
    source: Source, outputs: Outputs, overwrite: bool, inputs: set[Identity], owners: dict[str, Source]
) -> Source:
    if source.problem is not None:
        return source
    try:
        _check_own_name(source, owners)
        _check_is_no_output(source, outputs)
        outputs.check_owner(source)
        if overwrite or not outputs.exist(source.name):
            _check_replaces_no_input(source, outputs, inputs)
            outputs.check(source)
    except InputError as error:
        return replace(source, problem=error)
    return source


def _check_own_name(source: Source, owners: dict[str, Source]) -> None:
    owner = owners.setdefault(_as_some_disks_see_it(source.name), source)
    if owner is not source:
        raise InputError(
            f"its outputs would overwrite those of {owner.path}",
            fix="rename one of the two, or predict them into different folders (out_dir)",
        )


def _as_some_disks_see_it(name: PurePath) -> str:
    """Some do not tell a from A, and some not the two ways to write an accent."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(name)).casefold())


def _check_is_no_output(source: Source, outputs: Outputs) -> None:
    own = {identity for kind in ENDINGS for identity in _identities(outputs.path(kind, source.name))}
    if own.intersection(_identities(source.path)):
        raise InputError(
            f"{source.path} lies where its own outputs belong",
            fix="choose another out_dir, or predict the original image",
        )


def _check_replaces_no_input(source: Source, outputs: Outputs, inputs: set[Identity]) -> None:
    for kind in outputs.kinds:
        path = outputs.path(kind, source.name)
        if inputs.intersection(_identities(path)):
            raise InputError(
                f"its output {path} would replace one of the images to predict",
                fix="choose another out_dir, or leave out one of the two",
            )


def _identities(path: Path) -> Iterator[Identity]:
    """What two paths of one file have in common: the path without links, and the file on its disk."""
    yield os.path.normcase(os.path.realpath(path))
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return
    if status.st_ino:  # some disks have no such numbers
        yield status.st_dev, status.st_ino
