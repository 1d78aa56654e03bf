"""What a configuration gives to a class: arguments that the class has and needs, of the types that it names."""

import importlib
import inspect
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from fundus_unet.commands.settings_paths import PathText, WritableFolder
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.runs.allowed_parts import LIMITS, PLACES, DataSet
from fundus_unet.runs.schema import LARGEST, TARGET, Node, Positive, argument_type, check, one_of
from fundus_unet.upsampling.upsampler import Upsampler

KINDS: dict[str, type] = {
    "augment": Augmentation,
    "model": nn.Module,
    "generator": nn.Module,
    "upsampler": Upsampler,
    "downsampler": nn.Module,
    "skip": nn.Module,
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
POSITIVE = {"lr", "max_lr"}
"""Arguments of which libraries take values that train nothing."""


def check_targets_below(value: Any, key: str, later: Collection[str] = ()) -> None:
    """Check every node with a `_target_` at and below `value`, a configuration of plain values.

    Args:
        later: Keys of arguments that are given to their classes later.

    Raises:
        InputError: That names the key, where a class is not there, has no such argument, needs another one, or wants
            another type.
    """
    if isinstance(value, Mapping):
        if isinstance(value.get(TARGET), str):
            target = _target_of(value[TARGET], key)
            _check_kind(target, key)
            _check_special(value, key)
            given = {name: child for name, child in value.items() if name not in SPECIAL}
            check_arguments(target, given, key)
            needed = [name for name, needed in _parameters(target)[0].items() if needed and name not in given]
            missing = [name for name in needed if f"{key}.{name}" not in later]
            if missing and "_partial_" not in value:
                raise InputError(f"{key}.{missing[0]} is missing", fix=f"give it a value: {key}.{missing[0]}=...")
        for name, child in value.items():
            check_targets_below(child, f"{key}.{name}".lstrip("."), later)
    elif isinstance(value, list):
        for number, child in enumerate(value):
            check_targets_below(child, f"{key}[{number}]")


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
    partial = Annotated[bool, one_of(key.rpartition(".")[2] in PASSED_ON)]
    convert = Annotated[str, one_of("none", "partial", "object", "all")]
    check(partial, node.get("_partial_", False), f"{key}._partial_")
    check(bool, node.get("_recursive_", True), f"{key}._recursive_")
    check(convert, node.get("_convert_", "none"), f"{key}._convert_")
    if "_args_" in node:
        raise InputError(f"{key}._args_ cannot be used", expected=f"arguments by name: {key}.NAME=...")


def check_trainer(given: Mapping[str, Any]) -> None:
    """Check `trainer.*` against Lightning's Trainer, with plain values alone; raises as `check_targets_below`."""
    given = {name: value for name, value in given.items() if name != "precision"}  # `auto` is the project's own
    check_arguments(Trainer, given, "trainer", without=OWN_TRAINER_ARGUMENTS, objects=False)


def check_arguments(
    target: Callable[..., Any],
    given: Mapping[str, Any],
    key: str,
    without: Collection[str] = (),
    objects: bool = True,
) -> None:
    """Raise `InputError` for an argument that `target` does not have or is `without`, or a value of another type."""
    names, takes_any = _parameters(target)
    names = {name: needed for name, needed in names.items() if name not in without}
    hints = _hints(target)
    for name, value in given.items():
        if name in names:
            _check_argument(name, value, hints.get(name, Any), f"{key}.{name}", objects)
        elif not takes_any:
            raise InputError(f"{key} has no setting {name!r}", fix=did_you_mean(str(name), names))


def _check_argument(name: str, value: Any, hint: Any, key: str, objects: bool) -> None:
    if name in KINDS:
        check(Node, value, key)
    path = WritableFolder if name in WRITTEN else PathText
    check(argument_type(hint, LIMITS.get(name, (-LARGEST, LARGEST)), path, objects), value, key)
    if name in POSITIVE and isinstance(value, int | float):
        check(Positive, value, key)


def _parameters(target: Callable[..., Any]) -> tuple[dict[str, bool], bool]:
    """The arguments that a class or function has, and whether it needs them; and whether it takes any others."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):  # written in C
        return {}, True
    named = [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    return {one.name: one.default is one.empty for one in named}, takes_any


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(inspect.getattr_static(target, "__init__") if isinstance(target, type) else target)
    except (NameError, TypeError, AttributeError):
        return {}
