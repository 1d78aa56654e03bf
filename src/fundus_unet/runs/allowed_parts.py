"""Which classes a run may name at which place, and which settings it may give them.

An allow-list by place: what is no class of its place, or no plain value of a setting that the class has, is refused.
New classes of this project are found by their package and base class, so none has to be entered here.

A network may be of another package. A run cannot decide that by itself: it may come from a stranger, and a class is
code. The user names the class, by typing it for a new run or by `trust=somepackage.SomeUNet` for one that is there.
"""

import importlib
import inspect
import re
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import nn
from torch.optim import Optimizer

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.data.sets.mixture import MixedSet
from fundus_unet.models.network import SegmentationNetwork
from fundus_unet.models.skip import SkipConnection
from fundus_unet.runs.schema import LARGEST, LONGEST_LIST, argument_type, check
from fundus_unet.upsampling.upsampler import Upsampler

LONGEST_NAME = 200
TARGET = re.compile(r"\w+(\.\w+){1,8}")

_trusted: ContextVar[frozenset[str]] = ContextVar("trusted", default=frozenset())


@contextmanager
def trusting(targets: Iterable[str]) -> Iterator[None]:
    """Let runs and model files name these networks of other packages, in this thread and until the end of the block.

    Args:
        targets: Dotted names of classes or functions, such as `segmentation_models_pytorch.Unet`. What they do when
            they are called with plain values is the user's to judge. This project's own classes are checked as ever,
            but for `BESIDE_A_RUN`, which need to be named here.
    """
    named = [one for one in targets if _is_name(one)]
    trusted = frozenset(one for one in named if one in BESIDE_A_RUN or not one.startswith("fundus_unet."))
    token = _trusted.set(_trusted.get() | trusted)
    try:
        yield
    finally:
        _trusted.reset(token)


def trusted_names() -> list[str]:
    """Those that `trusting` lets be named here."""
    return sorted(_trusted.get())


def is_trusted(target: Any) -> bool:
    """Whether the user named this network of another package, or this logger."""
    return isinstance(target, str) and target in _trusted.get()


@runtime_checkable
class DataSet(Protocol):
    """What stands at data.source."""

    def splits(self) -> Any: ...


@dataclass(frozen=True)
class Place:
    """What may stand at one place of a configuration.

    Args:
        classes: The only ones of `package`, or else every class defined below it that derives from `base`.
        given: Arguments that the project gives itself.
        partial: Whether the class is passed on to be called.
    """

    what: str
    package: str
    base: Any = object
    classes: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    partial: bool = False


CHECKPOINT_CALLBACK = "checkpoint callback"
_TORCH = ("device", "dtype", "num_features", "approximate")
PLACES = {
    "model": Place("a network of this project", "fundus_unet.models", SegmentationNetwork),
    "upsampler": Place(
        "an upsampler of this project",
        "fundus_unet.upsampling",
        Upsampler,
        given=("in_channels", "out_channels"),
        partial=True,
    ),
    "downsampler": Place(
        "a downsampler of this project",
        "fundus_unet.models.downsampling",
        nn.Module,
        given=("channels",),
        partial=True,
    ),
    "skip": Place(
        "a skip connection of this project",
        "fundus_unet.models",
        SkipConnection,
        given=("skip_channels", "gate_channels"),
        partial=True,
    ),
    "normalization": Place(
        "a normalization",
        "torch.nn",
        classes=("BatchNorm2d", "InstanceNorm2d", "SyncBatchNorm", "Identity"),
        given=_TORCH,
        partial=True,
    ),
    "activation": Place(
        "an activation",
        "torch.nn",
        classes=("ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "SELU", "GELU", "SiLU", "Mish", "Hardswish", "Identity"),
        given=(*_TORCH, "num_parameters"),
        partial=True,
    ),
    "source": Place("a data set of this project", "fundus_unet.data", DataSet),
    "mixed set": Place("a set of a mixture", "fundus_unet.data", MixedSet),
    "augment": Place("an augmentation", "fundus_unet.data", Augmentation),
    "loss": Place("a loss of this project", "fundus_unet.losses", nn.Module),
    "optimizer": Place(
        "an optimizer",
        "torch.optim",
        classes=(
            *("Adam", "AdamW", "SGD", "NAdam", "RAdam", "Adagrad", "Adadelta", "Adamax", "Adafactor", "ASGD"),
            *("RMSprop", "Rprop"),
        ),
        given=("params",),
        partial=True,
    ),
    "own optimizer": Place("an optimizer", "fundus_unet.training.muon", Optimizer, given=("params",), partial=True),
    "scheduler": Place(
        "a schedule of the learning rate",
        "torch.optim.lr_scheduler",
        classes=(
            *("OneCycleLR", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "StepLR"),
            *("ExponentialLR", "LinearLR", "MultiStepLR", "PolynomialLR"),
        ),
        given=("optimizer", "scale_fn", "last_epoch"),
        partial=True,
    ),
    CHECKPOINT_CALLBACK: Place(
        "the callback that keeps checkpoints",
        "fundus_unet.training.checkpoints",
        classes=("RunCheckpoints",),
        given=("folder",),
        partial=True,
    ),
    "own callback": Place("a callback", "fundus_unet.training.progress", classes=("TrainingProgress",)),
    "figure callback": Place("a callback", "fundus_unet.training.figures", classes=("PredictionFigures",)),
    "callback": Place(
        "a callback",
        "lightning.pytorch.callbacks",
        classes=("LearningRateMonitor", "EarlyStopping"),
    ),
    "own logger": Place("a logger", "fundus_unet.training.run_logger", classes=("RunLogger",)),
    "CSV logger": Place("a logger", "fundus_unet.training.curves_file", classes=("CurvesFile",)),
    "W&B logger": Place("a logger", "fundus_unet.training.wandb_run", classes=("WandbRun",)),
    "MLflow logger": Place("a logger", "fundus_unet.training.mlflow_run", classes=("MLflowRun",)),
    "logger": Place(
        "a logger",
        "lightning.pytorch.loggers",
        classes=("TensorBoardLogger", "CSVLogger"),
        given=("sub_dir", "log_graph", "kwargs"),
    ),
}
BESIDE_A_RUN = {
    "fundus_unet.training.wandb_run.WandbRun": "wandb",
    "fundus_unet.training.mlflow_run.MLflowRun": "mlflow",
}
"""Loggers that write beside the run directory, by what the user types: `logger=wandb`."""
CALLBACKS = ("own callback", "figure callback", "callback")
LOGGERS = ("own logger", "CSV logger", "W&B logger", "MLflow logger", "logger")
OPTIMIZERS = ("own optimizer", "optimizer")
PARTS = ("upsampler", "downsampler", "skip", "normalization", "activation", "source")
"""Settings that are built from a `_target_` of their own; their name is their place."""

LIMITS: dict[str, tuple[float, float]] = {
    "kernel_size": (1, 63),
    "groups": (1, 4096),
    "train": (1, 10_000),
    "val": (1, 10_000),
    "test": (1, 10_000),
    "size": (64, 4096),
    "scale": (1e-3, 64),
    "fov_diameter": (1, 16_384),
    "vessel_calibre": (1, 256),
    "patch_size": (1, 4096),
    "batch_size": (1, 4096),
    "workers": (0, 256),
    "max_epochs": (1, 10**6),
    "min_epochs": (0, 10**6),
    "check_val_every_n_epoch": (1, 10**6),
    "accumulate_grad_batches": (1, 10**4),
    "images": (0, 1000),
    "iterations": (1, 64),
}
"""The least and the most of settings that memory, files or processes grow with."""


def check_part(node: Any, place: str | Sequence[str], key: str) -> None:
    """Raise unless `node`, plain values with a `_target_`, is one that may stand at a place, or at one of some places.

    Raises:
        InputError: Which names the key, for another class, setting or value.
    """
    names = [place] if isinstance(place, str) else place
    places = [PLACES[name] for name in names]
    target = node.get("_target_") if isinstance(node, dict) else None
    if "model" in names and is_trusted(target):
        for name, value in node.items():
            if name in PARTS and isinstance(value, dict):
                check_part(value, name, f"{key}.{name}")
            elif name != "_target_":
                _check_plain({name: value}, key)
        return
    found = next(((one, cls) for one in places if (cls := _class_of(one, target)) is not None), None)
    if found is None:
        raise InputError(
            f"{key} names what is not allowed there: {target if target is not None else node!r:.200}",
            expected=" or ".join(dict.fromkeys(one.what for one in places)),
            got=f"{key}._target_={target!r:.200}",
            fix="use a run that you or someone you trust made with this project"
            + (f"; or, if you trust this code, add trust={target}" if names == ["model"] and _is_name(target) else ""),
        )
    allowed, cls = found
    if node.get("_partial_", False) is not allowed.partial:
        raise InputError(f"{key}._partial_ cannot be used", expected=allowed.partial, got=node.get("_partial_", False))
    settings = _settings(cls, allowed)
    for name, value in node.items():
        if name not in ("_target_", "_partial_"):
            _check_setting(name, value, settings, key)


def check_value(name: str, value: Any, hint: Any, key: str) -> None:
    """Raise unless `value` is plain and of the type `hint`, and within `LIMITS` for its name.

    Raises:
        InputError: Which names the key.
    """
    check(argument_type(hint, LIMITS.get(name, (-LARGEST, LARGEST))), value, key)


def _check_setting(name: Any, value: Any, settings: Mapping[str, Any], key: str) -> None:
    inside = f"{key}.{name}"
    if name not in settings:
        raise InputError(
            f"{key} has no setting {name!r:.100} that a run may give", fix=did_you_mean(str(name)[:100], settings)
        )
    if name in PARTS:
        check_part(value, name, inside)
    elif name == "sets":
        if not isinstance(value, dict) or len(value) > LONGEST_LIST:
            raise InputError(f"{inside} cannot be used", expected="data sets by name", got=f"{value!r:.200}")
        for set_name, mixed in value.items():
            if mixed is not None:
                check_part(mixed, "mixed set", f"{inside}.{set_name}")
    else:
        check_value(str(name), value, settings[name], inside)


def _check_plain(value: Any, key: str) -> None:
    """What a network of another package is given: plain values, by name."""
    if isinstance(value, dict):
        for name, child in value.items():
            if not isinstance(name, str) or name.startswith("_"):
                raise InputError(f"{key} has no setting {name!r:.100} that a run may give")
            _check_plain(child, f"{key}.{name}")
    elif isinstance(value, list):
        if len(value) > LONGEST_LIST:
            raise InputError(f"{key} cannot be used", expected=f"at most {LONGEST_LIST} values", got=f"{len(value)}")
        for number, child in enumerate(value):
            _check_plain(child, f"{key}[{number}]")
    else:
        check_value("", value, Any, key)


def _is_name(target: Any) -> bool:
    return isinstance(target, str) and len(target) <= LONGEST_NAME and TARGET.fullmatch(target) is not None


def _class_of(place: Place, target: Any) -> type | None:
    if not _is_name(target):
        return None
    module, _, name = target.rpartition(".")
    if place.classes:
        if module != place.package or name not in place.classes:
            return None
        found: type = getattr(importlib.import_module(module), name)
        return found
    if not f"{module}.".startswith(f"{place.package}."):
        return None
    try:
        own = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
    if not isinstance(own, type) or own.__module__ != module or inspect.isabstract(own):
        return None
    return own if issubclass(own, place.base) else None


def _settings(cls: Any, place: Place) -> dict[str, Any]:
    """The types of the arguments that a configuration may give."""
    hints = typing.get_type_hints(cls.__init__)
    parameters = inspect.signature(cls).parameters.values()
    named = (one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD))
    return {one.name: hints.get(one.name, Any) for one in named if one.name not in place.given}
