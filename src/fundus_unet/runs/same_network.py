"""Whether a new run's network is that of the weights it is to begin with, and what differs where it is not."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hydra.utils import get_object
from omegaconf import DictConfig

from fundus_unet.core.errors import InputError
from fundus_unet.runs.run_directory import plain
from fundus_unet.runs.schema import TARGET, shown

PARTS = {"model.upsampler": "upsampler", "model.downsampler": "downsampler", "model": "model"}
"""Groups of options by where they are in a configuration, the inner ones first."""
FETCHED = "model.weights"
"""Pretrained weights that a network names: whichever they were, others stand in their place."""
MOST_TOLD = 4


class _Difference(NamedTuple):
    key: str
    theirs: str
    own: str
    typed: tuple[str, ...]  # what would make the new run's the same; nothing where that is not known


def check_same_network(
    theirs: Mapping[str, Any], their_choices: Mapping[str, str], own: DictConfig, choices: Mapping[str, str | None]
) -> None:
    """Compare the network of weights with that of a new run.

    Args:
        theirs: The configuration of the network that the weights are of.
        their_choices: The options that it was made from, by group, as far as they are known.
        own: The configuration of the new run's network.
        choices: The options of the new run.

    Raises:
        InputError: That names what differs, and what to type.
    """
    found = list(_told(_differences(theirs, plain(own), "model"), their_choices, choices))
    if not found:
        return
    lines = [f"{one.key}: {one.theirs} in the weights, {one.own} in the new run" for one in found[:MOST_TOLD]]
    more = [f"and {len(found) - MOST_TOLD} more"] if len(found) > MOST_TOLD else []
    typed = [item for one in found for item in one.typed]
    if len(found) <= MOST_TOLD and all(one.typed for one in found):
        fix = f"give the new run the same network: {' '.join(typed)}"
    else:
        fix = "give the new run the network that the weights are of, or begin with weights of its own network"
    raise InputError(
        "the weights of start_from are of another network than that of the new run",
        expected="the same architecture, upsampler and downsampler",
        got="\n    ".join(["", *lines, *more]) if len(lines) > 1 else lines[0],
        fix=fix,
    )


def _told(
    differences: Iterator[tuple[str, Any, Any]], their_choices: Mapping[str, str], choices: Mapping[str, str | None]
) -> Iterator[_Difference]:
    """Each as a user would type it: the option of a group where both are known, else its settings."""
    done = set()
    for key, theirs, own in differences:
        group = next((name for place, name in PARTS.items() if f"{key}.".startswith(f"{place}.")), "model")
        place = next(place for place, name in PARTS.items() if name == group)
        name, own_name = their_choices.get(group), choices.get(group)
        if name is not None and own_name is not None and name != own_name:
            if group not in done:
                done.add(group)
                yield _Difference(group, name, own_name, _typed_choice(group, place, name))
        elif isinstance(theirs, Mapping) or isinstance(own, Mapping):
            yield _Difference(key, _class_of(theirs), _class_of(own), ())
        else:
            typed = (f"{key}={_value(theirs)}",) if theirs is not _MISSING and own is not _MISSING else ()
            yield _Difference(key, _value(theirs), _value(own), typed)


def _typed_choice(group: str, place: str, name: str) -> tuple[str, ...]:
    """`bilinear_conv mode=bicubic` as overrides."""
    option, *changed = name.split(" ")
    return (f"{group}={option}", *(f"{place}.{one}" for one in changed))


def _differences(theirs: Any, own: Any, key: str) -> Iterator[tuple[str, Any, Any]]:
    """(dotted key, value there, value here), from the outside in; below another class nothing is compared."""
    if key == FETCHED:
        return
    if not (isinstance(theirs, Mapping) and isinstance(own, Mapping)):
        if theirs != own:
            yield key, theirs, own
        return
    if theirs.get(TARGET) != own.get(TARGET):
        yield key, theirs, own
        return
    usual = _defaults(own.get(TARGET))
    for name in dict.fromkeys((*own, *theirs)):
        default = usual.get(name, _MISSING)
        yield from _differences(theirs.get(name, default), own.get(name, default), f"{key}.{name}")


def _defaults(target: Any) -> dict[str, Any]:
    """Of a class's arguments: a configuration of an earlier version does not name those that have come since."""
    if target is None:
        return {}
    parameters = inspect.signature(get_object(str(target))).parameters
    return {name: one.default for name, one in parameters.items() if one.default is not inspect.Parameter.empty}


class _Missing:
    def __str__(self) -> str:
        return "not set"


_MISSING = _Missing()


def _class_of(value: Any) -> str:
    return str(value.get(TARGET, "a group")).rpartition(".")[2] if isinstance(value, Mapping) else _value(value)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_value, value))}]"
    return "null" if value is None else shown(value) if not isinstance(value, _Missing) else str(value)
