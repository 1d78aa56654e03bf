"""Settings by types: pydantic finds what does not fit, the type says what is expected, its check what to do.

The groups that `train` takes are here too, since a run directory holds them.
"""

import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Self, Union

from annotated_types import Ge, Gt, Le, Len
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from fundus_unet.core.duration import seconds_of
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.runs.device import AUTO, PRECISIONS

LARGEST = 10**12
"""Above it, a number is a mistake: products of a few stay far below what 64 bits and floats can hold."""
LONGEST_TEXT, LONGEST_LIST, MOST_PROBLEMS = 4_000, 100, 5
TARGET = "_target_"
STRICT = ConfigDict(strict=True, allow_inf_nan=False)
"""Nothing is converted: true is not 1, and neither is "1"."""


@dataclass(frozen=True)
class Check:
    """Marks a type whose values a function checks: it returns the value, or its ValueError says what to do."""

    expected: str
    checked: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, *_: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.checked)


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
    is_like_text = isinstance(value, bool | int | float)
    return "a name that looks like a number or like true needs two pairs of quotes: '\"2024\"'" if is_like_text else ""


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not value.isprintable():
        raise ValueError(advice_on_quotes(value))
    return value


def _duration(value: Any) -> str:
    seconds_of(str(value))
    return str(value)


def _node(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get(TARGET), str):
        raise ValueError
    return value


def _nothing(value: Any) -> None:
    raise ValueError


Seed = Annotated[int, Ge(0), Le(2**32 - 1)]
Count = Annotated[int, Ge(1), Le(10**6)]
Folds = Annotated[int, Ge(2), Le(10**6)]
Steps = Annotated[int, Ge(1), Le(10**9)]
BatchSize = Annotated[int, Ge(1), Le(65_536)]
Side = Annotated[int, Ge(1), Le(16_384)]
"""Pixels; what a patch, a tile or a measured image cannot exceed in any memory."""
Scale = Annotated[float, Ge(0.001), Le(64)]
"""Working pixels per original pixel."""
Diameter = Annotated[float, Ge(1), Le(16_384)]
Calibre = Annotated[float, Ge(1), Le(256)]
"""Of the field of view, in working pixels."""
Positive = Annotated[float, Gt(0), Le(LARGEST)]
NotNegative = Annotated[float, Ge(0), Le(LARGEST)]
Text = Annotated[str, Check("a text", _text)]
Budget = Annotated[str, Check("a duration such as 5min, 90s, 1h or 1h30min", _duration)]
Node = Annotated[dict[str, Any], Check(f"a group of settings with a {TARGET}", _node)]
"""What a class is made from."""
Precision = Annotated[str, one_of(AUTO, *PRECISIONS)]
Split = Annotated[str, one_of("train", "val", "test")]
DataCheck = Annotated[str, one_of("error", "warn", "off")]


class Settings(BaseModel):
    """A group of settings, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, **STRICT)


class DataSettings(Settings):
    """The group `data`."""

    source: Node
    images: Text | None = None
    labels: Text | None = None
    masks: Text | None = None
    labels2: Text | None = None
    folds: Folds | None = None
    fold: Annotated[int, Ge(0), Le(10**6)] = 0
    scale: Scale | None
    fov_diameter: Diameter | None
    vessel_calibre: Calibre | None = None
    patch_size: Side
    batch_size: BatchSize
    steps_per_epoch: Steps
    epochs: Count
    workers: Annotated[int, Ge(0), Le(256)] | None
    memory_limit_gb: NotNegative

    @model_validator(mode="after")
    def _is_a_fold_of_folds(self) -> Self:
        if self.fold and self.folds is None:
            raise ValueError(f"data.fold={self.fold} means nothing without data.folds, such as data.folds=7")
        return self

    @model_validator(mode="after")
    def _has_a_first_look(self) -> Self:
        if self.vessel_calibre is not None and self.fov_diameter is None:
            raise ValueError(
                f"data.vessel_calibre={self.vessel_calibre:g} needs data.fov_diameter, at which it is measured first"
            )
        return self

    @model_validator(mode="after")
    def _names_files_of_a_folder(self) -> Self:
        """A set of one's own alone takes its files by name."""
        named = [kind for kind in ("images", "labels", "masks", "labels2") if getattr(self, kind) is not None]
        unread = [kind for kind in named if kind not in self.source]
        if unread:
            raise ValueError(f"{unread[0]} is for a set of your own, data=folder; this set knows its files")
        return self


class TrainerSettings(Settings, extra="allow"):
    """The group `trainer`; other arguments of Lightning's Trainer are checked by its signature.

    Strategies are those whose checkpoints are alike, and whose processes the project starts itself.
    """

    precision: Precision
    max_epochs: Count
    min_epochs: Count | None = None
    gradient_clip_val: NotNegative | None = None
    strategy: Annotated[str, one_of(AUTO, "ddp", "ddp_find_unused_parameters_true")] = AUTO
    num_nodes: Annotated[int, Ge(1), Le(10_000)] = 1


class TrainingSettings(Settings):
    """What a training is made from, but for its places."""

    seed: Seed
    channels_last: bool
    final_split: Split
    data_check: DataCheck = "error"
    budget: Budget | None = None
    data: DataSettings
    augment: Node
    model: Node
    loss: Node
    optimizer: Node
    scheduler: Node
    trainer: TrainerSettings
    callbacks: dict[str, Node | None]
    logger: Node | None


def check(hint: Any, value: Any, key: str = "", keep: Callable[[ErrorDetails], bool] = lambda error: True) -> Any:
    """A plain value as the type or the group of settings `hint`; None where errors are there but none is to `keep`.

    Args:
        key: Of the value; empty for a whole configuration.
        keep: Which of pydantic's errors are told.

    Raises:
        InputError: That tells for each setting that does not fit what is expected, what came and what to do.
    """
    try:
        return TypeAdapter(hint, config=None if _is_group(hint) else STRICT).validate_python(value)
    except ValidationError as invalid:
        errors = [error for error in invalid.errors(include_url=False) if keep(error)]
    told: dict[str, tuple[int, InputError]] = {}
    for error in errors:
        name, problem = _problem(hint, value, key, error)
        if name not in told or len(error["loc"]) > told[name][0]:  # a union gives an error for each of its types
            told[name] = (len(error["loc"]), problem)
    problems = [str(problem) for _, problem in told.values()]
    if not problems:
        return None
    more = [f"and {len(problems) - MOST_PROBLEMS} more settings"] if len(problems) > MOST_PROBLEMS else []
    raise InputError("\n".join([*problems[:MOST_PROBLEMS], *more]))


def _problem(hint: Any, value: Any, key: str, error: ErrorDetails) -> tuple[str, InputError]:
    """The key of the setting that an error is in, and the message."""
    place = list(error["loc"])
    if error["type"] in ("missing", "extra_forbidden", "invalid_key"):
        key = ".".join(map(str, filter(None, (key, *place))))
        if error["type"] == "missing":
            return key, InputError(f"{key} is missing", fix=f"leave {key} as it is, or give it a value: {key}=...")
        return key, InputError(f"there is no setting {key}", fix=did_you_mean(key, _keys(hint)))
    while place and (inside := _inside(hint, place[0])) is not None:
        name = place.pop(0)
        hint, value, key = inside, value[name], f"{key}.{name}".lstrip(".")
    got, item = f"{key}={shown(value)}", next((part for part in place if isinstance(part, int)), None)
    if item is not None:
        got = f"{shown(value[item])} in {got}"
    advice = str(error.get("ctx", {}).get("error", ""))
    return key, InputError(f"{key} cannot be used", expected=words(hint, key), got=got, fix=advice or None)


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


def _keys(hint: Any, prefix: str = "") -> Iterator[str]:
    """The dotted keys of a group and of the groups in it."""
    for one in (hint, *typing.get_args(hint)):
        for name, field in one.model_fields.items() if _is_group(one) else ():
            yield f"{prefix}{name}"
            yield from _keys(field.annotation, f"{prefix}{name}.")


_MARKS = ("expected", "ge", "gt", "le", "min_length", "max_length")
_NAMES = {bool: "true or false", int: "an integer", float: "a number", types.NoneType: "null"}


def words(hint: Any, key: str) -> str:
    """What fits the type of a setting."""
    parts = typing.get_args(hint)
    if typing.get_origin(hint) in (Union, types.UnionType):
        several = dict.fromkeys(words(one, key) for one in parts if one is not types.NoneType)
        return " or ".join(filter(None, several)) + (", or null" if types.NoneType in parts else "")
    kind, *others = parts if typing.get_origin(hint) is Annotated else (hint,)
    marks = {name: getattr(one, name) for one in others for name in _MARKS if hasattr(one, name)}
    if "expected" in marks:
        return str(marks["expected"])
    if typing.get_origin(kind) is list:
        size = f" of {marks['max_length']}" if marks.get("min_length", 0) == marks.get("max_length") else ""
        return f"a list{size} such as {key}=[A,B], each {words(typing.get_args(kind)[0], key)}"
    bounds = _bounds(**marks)
    return "a finite number" if kind is float and not bounds else _NAMES.get(kind, "a group of settings") + bounds


def _bounds(ge: float = -LARGEST, le: float = LARGEST, gt: float | None = None) -> str:
    if gt is not None:
        return f" above {gt}, up to {le:g}"
    least = "" if ge == -LARGEST else f" of at least {ge}"
    return least if le == LARGEST else f" from {ge} to {le}"


def shown(value: Any) -> str:
    """A value as a user would type it; a long one is cut."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    like_no_text = r"\s*|[+-]?[\d._]+(e[+-]?\d+)?|true|false|null|none|nan|inf"
    if isinstance(value, str) and re.fullmatch(like_no_text, text.lower()):
        return repr(text)
    return text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"


ANY_PLAIN = bool | int | float | Text | Annotated[list[bool | float | Text], Len(0, LONGEST_LIST)] | None
NOTHING = Annotated[None, Check("", _nothing)]


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
    is_union = origin in (Union, types.UnionType)
    if is_union and Path in parts:
        parts = tuple(part for part in parts if part is not str)  # it would take any path
    if origin is typing.Literal:
        return Annotated[Any, one_of(*parts)]
    if is_union or origin is tuple or (isinstance(origin, type) and issubclass(origin, Sequence)):
        inner = [argument_type(part, limits, path, objects) for part in parts if part is not Ellipsis]
        if is_union:
            return reduce(or_, inner)
        size = Len(len(inner), len(inner)) if len(inner) > 1 else Len(0, LONGEST_LIST)
        return Annotated[types.GenericAlias(list, reduce(or_, inner)), size]
    if hint in (int, float):
        return Annotated[hint, Ge(limits[0]), Le(limits[1])]
    if hint is Any or hint in (dict, Mapping) or origin in (dict, Mapping):
        plain = ANY_PLAIN if hint is Any else NOTHING
        return plain | dict[str, Any] if objects else plain
    plain_types = {str: Text, Path: path, bool: bool, None: None, types.NoneType: None}
    return plain_types.get(hint, Annotated[dict[str, Any], Check("", _node)] if objects else NOTHING)
