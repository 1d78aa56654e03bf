"""From configuration to objects, with a guard for configurations that came with a run."""

import importlib
from typing import Any

import torch
from hydra.utils import instantiate
from lightning.pytorch import Callback
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig, ListConfig

from fundus_unet.core.errors import InputError

OWN = "fundus_unet."
LIBRARY_CLASSES = (
    torch.nn.Module,
    torch.optim.Optimizer,
    torch.optim.lr_scheduler.LRScheduler,
    Callback,
    Logger,
)
"""What a configuration may name outside this project: classes derived from these, in torch or lightning."""


def build(config: DictConfig, *, trusted: bool, **arguments: Any) -> Any:
    """Instantiate a node with its `_target_`s.

    Args: `trusted` is true for what the user typed, false for what a run directory says: it may have come from
    someone else, and must not choose code to run.
    Raises: `InputError` for a target that is not allowed.
    """
    if not trusted:
        check_targets(config)
    return instantiate(config, **arguments)


def check_targets(config: Any, key: str = "") -> None:
    """Raise unless every `_target_` below is a class of this project or one that `LIBRARY_CLASSES` covers.

    Raises: `InputError`.
    """
    children: list[tuple[Any, Any]] = []
    if isinstance(config, ListConfig):
        children = list(enumerate(config))
    elif isinstance(config, DictConfig):
        children = list(config.items())
    for name, child in children:
        if name == "_target_":
            _check_target(child, key)
        check_targets(child, f"{key}.{name}".lstrip("."))


def _check_target(target: Any, key: str) -> None:
    module_name, _, class_name = str(target).rpartition(".")
    if module_name.startswith((OWN, "torch.", "lightning.")):
        try:
            found = getattr(importlib.import_module(module_name), class_name, None)
        except ImportError:
            found = None
        if isinstance(found, type) and (
            found.__module__.startswith(OWN)
            or (found.__module__.startswith(("torch.", "lightning.")) and issubclass(found, LIBRARY_CLASSES))
        ):
            return
    raise InputError(
        f"the run's configuration names code that is not allowed to run: {target}",
        expected="a class of fundus_unet, or a module, optimizer, scheduler, callback or logger of torch or lightning",
        got=f"{key}._target_={target}",
        fix="use a run that you or someone you trust made with this project",
    )
