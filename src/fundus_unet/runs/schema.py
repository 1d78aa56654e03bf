"""Settings by types: pydantic says which value does not fit, its type what is expected, its check what to do.

The groups that `train` takes are here too, since a run directory holds them.
"""

import functools
import operator
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Union

from annotated_types import Ge, Gt, Le, Len
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.runs.device import AUTO, PRECISIONS

LARGEST = 10**12
"""Above it, a number is a mistake: products of a few stay far below what 64 bits and floats can hold."""
LONGEST_TEXT = 4_000
MOST_PROBLEMS = 5
"""So many are told at once."""
KEY, TARGET = "KEY", "_target_"
STRICT = ConfigDict(strict=True, allow_inf_nan=False)
"""Nothing is converted: true is not 1, and neither is "1"."""


@dataclass(frozen=True)
class Check:
    """Marks a type whose values a function checks.

    Args:
        expected: In words, where KEY stands for the setting's name.
        checked: Returns the value as it is used; its ValueError says what to do.
    """

    expected: str
    checked: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, *_: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.checked)


@dataclass(frozen=True)
class Such:
    """Marks a list with an example."""

    example: str


def one_of(*options: Any) -> Check:
    """Marks a type with a few values."""
    names = [str(option).lower() if isinstance(option, bool) else str(option) for option in options]

    def checked(value: Any) -> Any:
        if any(value == option and type(value) is type(option) for option in options):
            return value
        advice = did_you_mean(value, names) if isinstance(value, str) else ""
        raise ValueError(advice if advice.startswith("did you mean") else "")  # `expected` lists them

    return Check(" or ".join(filter(None, (", ".join(names[:-1]), names[-1]))), checked)


def advice_on_quotes(value: Any) -> str:
    """What to do about a value that is no text; empty where that cannot be told."""
    if isinstance(value, bool | int | float):
        return f"a name that looks like a number or like true needs two pairs of quotes: {KEY}='\"2024\"'"
    return ""


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not value.isprintable():
        raise ValueError(advice_on_quotes(value))
    return value


def _node(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get(TARGET), str):
        raise ValueError
    return value


def _refused(value: Any) -> None:
    raise ValueError


Seed = Annotated[int, Ge(0), Le(2**32 - 1)]
Count = Annotated[int, Ge(1), Le(10**6)]
BatchSize = Annotated[int, Ge(1), Le(65_536)]
Side = Annotated[int, Ge(1), Le(16_384)]
"""Pixels; what a patch, a tile or a measured image cannot exceed in any memory."""
Positive = Annotated[float, Gt(0), Le(LARGEST)]
NotNegative = Annotated[float, Ge(0), Le(LARGEST)]
Text = Annotated[str, Check("a text", _text)]
Node = Annotated[dict[str, Any], Check(f"a group of settings with a {TARGET}", _node)]
"""What a class is made from."""
Precision = Annotated[str, one_of(AUTO, *PRECISIONS)]
Split = Annotated[str, one_of("train", "val", "test")]


class Settings(BaseModel):
    """A group of settings, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, **STRICT)


class Resolution(Settings, extra="ignore"):
    """Where images come from, and the size at which they are used: what every use of a run needs of `data`."""

    source: Node
    scale: Annotated[float, Ge(0.001), Le(64)] | None
    fov_diameter: Annotated[float, Ge(1), Le(16_384)] | None


class DataSettings(Resolution, extra="forbid"):
    """The group `data`."""

    patch_size: Side
    batch_size: BatchSize
    steps_per_epoch: Annotated[int, Ge(1), Le(10**9)]
    epochs: Count
    workers: Annotated[int, Ge(0), Le(256)]
    memory_limit_gb: NotNegative


class TrainerSettings(Settings, extra="allow"):
    """The group `trainer`; other arguments of Lightning's Trainer are checked by its signature."""

    accelerator: Text
    precision: Precision
    max_epochs: Count
    min_epochs: Count | None = None
    gradient_clip_val: NotNegative | None = None


class TrainingSettings(Settings):
    """What a training is made from, but for its places."""

    seed: Seed
    channels_last: bool
    final_split: Split
    data: DataSettings
    augment: Node
    model: Node
    loss: Node
    optimizer: Node
    scheduler: Node
    trainer: TrainerSettings
    callbacks: dict[str, Node | None]
    logger: Node | None


LONGEST_LIST = 100
ANY_PLAIN = bool | int | float | Text | Annotated[list[bool | float | Text], Len(0, LONGEST_LIST)] | None
NOTHING = Annotated[None, Check("", _refused)]


def argument_type(
    hint: Any, limits: tuple[float, float] = (-LARGEST, LARGEST), path: Any = Text, objects: bool = False
) -> Any:
    """What a configuration may give to an argument of the type `hint`.

    Args:
        limits: Of numbers, both included.
        path: What stands for a Path.
        objects: Whether an object may be made from a node.
    """
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        parts = tuple(part for part in parts if part is not str or Path not in parts)  # a text would be any path
    inner = [argument_type(part, limits, path, objects) for part in parts if part is not Ellipsis]
    if origin in (Union, types.UnionType):
        return functools.reduce(operator.or_, inner)
    if origin is typing.Literal:
        return Annotated[Any, one_of(*parts)]
    if origin is tuple or (isinstance(origin, type) and issubclass(origin, Sequence)):
        size = Len(len(inner), len(inner)) if len(inner) > 1 else Len(0, LONGEST_LIST)
        return Annotated[types.GenericAlias(list, functools.reduce(operator.or_, inner)), size]
    if hint is Any:
        return ANY_PLAIN | dict[str, Any] if objects else ANY_PLAIN
    if origin in (dict, Mapping) or hint in (dict, Mapping):
        return dict[str, Any] if objects else NOTHING
    if hint in (int, float):
        return Annotated[hint, Ge(limits[0]), Le(limits[1])]
    if hint in (str, Path):
        return path if hint is Path else Text
    if hint in (bool, None, types.NoneType):
        return hint
    return Annotated[dict[str, Any], Check("", _node)] if objects else NOTHING


def check(
    hint: Any,
    value: Any,
    key: str = "",
    *,
    options_of: Callable[[str], Sequence[str]] = lambda group: (),
    only_missing: bool = False,
) -> Any:
    """A plain value as the type or the group of settings `hint`.

    Args:
        key: Of the value; empty for a whole configuration.
        options_of: The options of a group, to choose from where a setting of it is missing.
        only_missing: Whether settings that are there are not reported, since they are not resolved yet.

    Raises:
        InputError: That tells for each setting that does not fit what is expected, what came and what to do.
    """
    try:
        return TypeAdapter(hint, config=None if _is_group(hint) else STRICT).validate_python(value)
    except ValidationError as invalid:
        errors = [one for one in invalid.errors(include_url=False) if one["type"] == "missing" or not only_missing]
    told: dict[str, tuple[int, InputError]] = {}
    for error in errors:
        name, depth, problem = _problem(hint, value, key, error, options_of)
        if name not in told or depth > told[name][0]:  # a union gives an error for each of its types
            told[name] = (depth, problem)
    problems = [str(problem) for _, problem in told.values()]
    if not problems:
        return None
    more = [f"and {len(problems) - MOST_PROBLEMS} more settings"] if len(problems) > MOST_PROBLEMS else []
    raise InputError("\n".join([*problems[:MOST_PROBLEMS], *more]))


def _problem(
    hint: Any, value: Any, key: str, error: ErrorDetails, options_of: Callable[[str], Sequence[str]]
) -> tuple[str, int, InputError]:
    """The key of the setting that an error is in, how deep inside its value the error is, and the message."""
    place = list(error["loc"])
    if error["type"] in ("missing", "extra_forbidden", "invalid_key"):
        key = ".".join(map(str, filter(None, (key, *place))))
        if error["type"] != "missing":
            return key, 0, InputError(f"there is no setting {key}", fix=did_you_mean(key, _keys(hint)))
        group = key.split(".")[0]
        options = options_of(group)
        fix = (
            f"choose an option of {group}: {', '.join(options)}"
            if options
            else f"leave {key} as it is, or give it a value: {key}=..."
        )
        return key, 0, InputError(f"{key} is missing", fix=fix)
    while place and (inside := _inside(hint, place[0])) is not None:
        name = place.pop(0)
        hint, value, key = inside, value[name], f"{key}.{name}".lstrip(".")
    got = f"{key}={shown(value)}"
    item = next((part for part in place if isinstance(part, int)), None)
    if item is not None:
        got = f"{key}={shown(value[item])} in {got}"
    advice = str(error.get("ctx", {}).get("error", "")).replace(KEY, key)
    expected = words(hint).replace(KEY, key)
    return key, len(place), InputError(f"{key} cannot be used", expected=expected, got=got, fix=advice or None)


def _is_group(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


def _inside(hint: Any, name: Any) -> Any:
    """The type of the setting `name` in a group, which may also be null; None where `hint` is of no group."""
    for one in (hint, *typing.get_args(hint)):
        if _is_group(one):
            return typing.get_type_hints(one, include_extras=True).get(name)
        if typing.get_origin(one) is dict:
            return typing.get_args(one)[1]
    return None


def _keys(group: Any, prefix: str = "") -> Iterator[str]:
    """The dotted keys of a group and of the groups in it."""
    for name, field in group.model_fields.items():
        yield f"{prefix}{name}"
        for one in (field.annotation, *typing.get_args(field.annotation)):
            if _is_group(one):
                yield from _keys(one, f"{prefix}{name}.")


_MARKS = ("expected", "example", "ge", "gt", "le", "min_length", "max_length")


def words(hint: Any) -> str:
    """What fits a type, where KEY stands for the setting's name."""
    parts = typing.get_args(hint)
    if typing.get_origin(hint) in (Union, types.UnionType):
        several = dict.fromkeys(words(one) for one in parts if one is not types.NoneType)
        plain = " or ".join(filter(None, several))
        return f"{plain}, or null" if types.NoneType in parts else plain
    kind, *others = parts if typing.get_origin(hint) is Annotated else (hint,)
    marks = {name: getattr(one, name) for one in others for name in _MARKS if hasattr(one, name)}
    if "expected" in marks:
        return str(marks["expected"])
    if typing.get_origin(kind) is list:
        size = f" of {marks['max_length']}" if marks.get("min_length", 0) == marks.get("max_length") else ""
        example = f", such as {KEY}={marks['example']}" if "example" in marks else ""
        return f"a list{size}{example}, each {words(typing.get_args(kind)[0]).replace(f'{KEY}=', '')}"
    names = {bool: f"{KEY}=true or {KEY}=false", int: "an integer", float: "a finite number", types.NoneType: "null"}
    return f"{names.get(kind, 'a group of settings')}{_bounds(marks)}"


def _bounds(marks: Mapping[str, Any]) -> str:
    if "gt" in marks:
        return f" above {marks['gt']}, up to {marks['le']:g}"
    if "ge" not in marks or marks["ge"] == -LARGEST:
        return ""
    return f" of at least {marks['ge']}" if marks["le"] == LARGEST else f" from {marks['ge']} to {marks['le']}"


def shown(value: Any) -> str:
    """A value as a user would type it; a long one is cut."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, str) and re.fullmatch(
        r"\s*|[+-]?[\d._]+(e[+-]?\d+)?|true|false|null|none|nan|inf", text.lower()
    ):
        return repr(text)  # or it would look like a number
    return text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"
