"""What a configuration gives to a class: arguments that the class has, of the types that it names."""

import importlib
import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from fundus_unet.commands.settings_rules import above, choice, flag, folder_to_write, node, path, shown
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.runs.allowed_parts import PLACES, DataSet, check_value
from fundus_unet.upsampling.upsampler import Upsampler

KINDS: dict[str, type] = {
    "augment": Augmentation,
    "model": nn.Module,
    "generator": nn.Module,
    "upsampler": Upsampler,
    "downsampler": nn.Module,
    "normalization": nn.Module,
    "activation": nn.Module,
    "source": DataSet,
    "loss": nn.Module,
    "optimizer": Optimizer,
    "scheduler": LRScheduler,
    "logger": Logger,
}
"""What stands at a setting of that name; whatever is below `callbacks` is a callback."""
PASSED_ON = {name for name, place in PLACES.items() if place.partial} | {"checkpoint"}
"""Settings whose class is called by the project, which adds arguments: they have `_partial_: true`."""
SPECIAL = {"_target_", "_partial_", "_recursive_", "_convert_", "_args_"}
OWN_TRAINER_ARGUMENTS = {"callbacks", "logger", "use_distributed_sampler"}
"""Arguments of Lightning's Trainer that the project gives itself."""
WRITTEN = {"save_dir", "dirpath", "default_root_dir"}
"""Arguments that name a folder to write into."""
POSITIVE = {"lr": above(0), "max_lr": above(0)}
"""Arguments of which libraries take values that train nothing."""


def check_targets_below(value: Any, key: str) -> None:
    """Check every node with a `_target_` at and below `value`, a configuration of plain values.

    Raises:
        InputError: That names the key, where a class is not there, has no such argument, or wants another type.
    """
    if isinstance(value, Mapping):
        if isinstance(value.get("_target_"), str):
            given = {name: child for name, child in value.items() if name not in SPECIAL}
            target = _target_of(value["_target_"], key)
            _check_kind(target, key)
            _check_special(value, key)
            check_arguments(target, given, key)
        for name, child in value.items():
            check_targets_below(child, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list):
        for number, child in enumerate(value):
            check_targets_below(child, f"{key}[{number}]")


def _check_kind(target: Callable[..., Any], key: str) -> None:
    above, _, name = key.rpartition(".")
    kind = Callback if above == "callbacks" else KINDS.get(name)
    own_function = inspect.isfunction(target) or inspect.ismethod(target)  # a user's, which makes one
    if kind is not None and not own_function and not (isinstance(target, type) and issubclass(target, kind)):
        raise InputError(
            f"{key}._target_ cannot be used",
            expected=f"a class of the kind {kind.__name__}",
            got=f"{key}._target_={getattr(target, '__module__', '')}.{getattr(target, '__qualname__', target)}",
        )


def _check_special(node: Mapping[str, Any], key: str) -> None:
    passed_on = key.rpartition(".")[2] in PASSED_ON
    if node.get("_partial_", False) is not passed_on:
        raise InputError(
            f"{key}._partial_ cannot be used",
            expected=str(passed_on).lower(),
            got=f"{key}._partial_={shown(node.get('_partial_', False))}",
        )
    for name, rule in (("_recursive_", flag()), ("_convert_", choice(("none", "partial", "object", "all")))):
        if name in node:
            rule.check(node[name], f"{key}.{name}")
    if "_args_" in node:
        raise InputError(f"{key}._args_ cannot be used", expected=f"arguments by name: {key}.NAME=...")


def check_trainer(given: Mapping[str, Any]) -> None:
    """Check `trainer.*` against Lightning's Trainer; raises as `check_targets_below`."""
    given = {name: value for name, value in given.items() if name != "precision"}  # `auto` is the project's own
    for name, value in given.items():
        if isinstance(value, Mapping) and "_target_" in value:
            raise InputError(f"trainer.{name} cannot be used", expected="a plain value, without a _target_")
    check_arguments(Trainer, given, "trainer", without=OWN_TRAINER_ARGUMENTS)


def check_arguments(
    target: Callable[..., Any], given: Mapping[str, Any], key: str, without: Collection[str] = ()
) -> None:
    """Raise `InputError` for an argument that `target` does not have or is `without`, or a value of another type."""
    try:
        parameters = inspect.signature(target).parameters
    except (TypeError, ValueError):  # written in C
        return
    takes_any = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())
    names = [name for name, one in parameters.items() if one.kind not in _COLLECTING and name not in without]
    hints = _hints(target)
    for name, value in given.items():
        if name not in names:
            if not takes_any:
                raise InputError(f"{key} has no setting {name!r}", fix=did_you_mean(str(name), names))
            continue
        _check_argument(str(name), value, hints.get(name, Any), f"{key}.{name}")


_COLLECTING = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _check_argument(name: str, value: Any, hint: Any, key: str) -> None:
    if name in KINDS:
        node().check(value, key)
    if isinstance(value, Mapping) and (_takes_objects(hint) if "_target_" in value else _takes_mapping(hint)):
        return  # checked by itself
    if name in POSITIVE and _is_number(value):
        POSITIVE[name].check(value, key)
    check_value(name, value, hint, key)
    if isinstance(value, str) and Path in typing.get_args(hint):
        (folder_to_write() if name in WRITTEN else path()).check(value, key)


def _takes_objects(hint: Any) -> bool:
    """Whether a type is more than plain values: then it may be made from a node."""
    parts = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    return any(part not in _PLAIN and typing.get_origin(part) is not typing.Literal for part in parts)


_PLAIN = (bool, int, float, str, Path, types.NoneType)


def _takes_mapping(hint: Any) -> bool:
    parts = [hint, typing.get_origin(hint), *map(typing.get_origin, typing.get_args(hint))]
    return any(part is Any or part in (dict, Mapping) for part in parts)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _target_of(name: str, key: str) -> Callable[..., Any]:
    """Raise `InputError` where there is no class or function of that name."""
    module, _, rest = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), rest)
    except (ImportError, ValueError, AttributeError, TypeError):
        found = None
    if not callable(found):
        raise InputError(
            f"{key}._target_ names nothing that can be made",
            expected="a class that can be imported, such as torch.optim.AdamW",
            got=f"{key}._target_={name:.200}",
        )
    return found


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(inspect.getattr_static(target, "__init__") if isinstance(target, type) else target)
    except (NameError, TypeError, AttributeError):
        return {}
