"""What a configuration gives to a class: arguments that the class has and needs, of the types that it names."""

import importlib
import inspect
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
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
from fundus_unet.runs.schema import LARGEST, TARGET, Node, Precision, argument_type, check, one_of
from fundus_unet.upsampling.upsampler import Upsampler

MODULES = ("model", "generator", "downsampler", "skip", "normalization", "activation", "loss")
KINDS: dict[str, type] = dict.fromkeys(MODULES, nn.Module) | {
    "augment": Augmentation,
    "upsampler": Upsampler,
    "source": DataSet,
    "optimizer": Optimizer,
    "scheduler": LRScheduler,
    "logger": Logger,
}
"""What stands at a setting of that name; whatever is below `callbacks` is a callback."""
PASSED_ON = {name for name, place in PLACES.items() if place.partial} | {"checkpoint"}
"""Settings whose class is called by the project, which adds arguments: they have `_partial_: true`."""
OWN_TRAINER_ARGUMENTS = {"callbacks", "logger", "use_distributed_sampler"}
"""Arguments of Lightning's Trainer that the project gives itself."""
WRITTEN = {"save_dir", "dirpath", "default_root_dir"}
"""Arguments that name a folder to write into."""
SPECIAL = {"_recursive_": bool, "_convert_": Annotated[str, one_of("none", "partial", "object", "all")]}
"""Hydra's own settings of a node."""
BOUNDS = dict.fromkeys(("lr", "max_lr"), (1e-12, LARGEST)) | LIMITS
"""The least and the most of arguments; libraries take learning rates that train nothing."""


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
            _check_node(value, key, later)
        for name, child in value.items():
            check_targets_below(child, f"{key}.{name}".lstrip("."), later)
    elif isinstance(value, list):
        for number, child in enumerate(value):
            check_targets_below(child, f"{key}[{number}]")


def check_trainer(given: Mapping[str, Any]) -> None:
    """Check `trainer.*` against Lightning's Trainer, with plain values alone; raises as `check_targets_below`."""
    arguments = _Arguments.of(Trainer, objects=False)
    names = arguments.types.keys() - OWN_TRAINER_ARGUMENTS
    arguments.check(given, "trainer", {name: arguments.types[name] for name in names} | {"precision": Precision})


def _check_node(node: Mapping[str, Any], key: str, later: Collection[str]) -> None:
    arguments = _Arguments.of(_target_of(node[TARGET], key))
    partial = key.rpartition(".")[2] in PASSED_ON
    given = {"_partial_": False} | {name: value for name, value in node.items() if name != TARGET}
    if key == "model" and "upsampler" in given and "upsampler" not in arguments.types:
        raise InputError(f"{node[TARGET]} takes no upsampler", fix="choose model=external, which gives it none")
    arguments.check(given, key, arguments.types | SPECIAL | {"_partial_": Annotated[bool, one_of(partial)]})
    missing = [f"{key}.{name}" for name in arguments.needed if name not in given and f"{key}.{name}" not in later]
    if missing and not partial:
        raise InputError(f"{missing[0]} is missing", fix=f"give it a value: {missing[0]}=...")


def _target_of(name: str, key: str) -> Callable[..., Any]:
    """The class or function of that name.

    Raises:
        InputError: Where there is none, or it is not of the kind that stands at the key.
    """
    module, _, rest = name.rpartition(".")
    try:
        target = getattr(importlib.import_module(module), rest)
    except (ImportError, ValueError, AttributeError, TypeError):
        target = None
    got = f"{key}._target_={name:.200}"
    if not callable(target):
        expected = "a class that can be imported, such as torch.optim.AdamW"
        raise InputError(f"{key}._target_ names nothing that can be made", expected=expected, got=got)
    group, _, last = key.rpartition(".")
    kind = Callback if group == "callbacks" else KINDS.get(last)
    own_function = inspect.isfunction(target) or inspect.ismethod(target)  # a user's, which makes one
    if kind is not None and not own_function and not (isinstance(target, type) and issubclass(target, kind)):
        raise InputError(f"{key}._target_ cannot be used", expected=f"a class of the kind {kind.__name__}", got=got)
    return target


@dataclass(frozen=True)
class _Arguments:
    """What a class or function takes: types by name, the names that it needs, and whether it takes any others."""

    types: dict[str, Any]
    needed: tuple[str, ...]
    takes_any: bool

    @classmethod
    def of(cls, target: Callable[..., Any], objects: bool = True) -> "_Arguments":
        try:
            parameters = inspect.signature(target).parameters.values()
            init = inspect.getattr_static(target, "__init__") if isinstance(target, type) else target
            hints = typing.get_type_hints(init)
        except (TypeError, ValueError):  # written in C
            return cls({}, (), True)
        except (NameError, AttributeError):  # its types are not there now
            hints = {}
        named = [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
        types = {one.name: _type(one.name, hints.get(one.name, Any), objects) for one in named}
        needed = tuple(one.name for one in named if one.default is one.empty)
        return cls(types, needed, any(one.kind is one.VAR_KEYWORD for one in parameters))

    def check(self, given: Mapping[str, Any], key: str, types: Mapping[str, Any]) -> None:
        for name, value in given.items():
            if name in types:
                check(types[name], value, f"{key}.{name}")
            elif not self.takes_any or name == "_args_":
                raise InputError(f"{key} has no setting {name!r}", fix=did_you_mean(str(name), self.types))


def _type(name: str, hint: Any, objects: bool) -> Any:
    if name in KINDS and objects:
        return Node
    path = WritableFolder if name in WRITTEN else PathText
    return argument_type(hint, BOUNDS.get(name, (-LARGEST, LARGEST)), path, objects)
