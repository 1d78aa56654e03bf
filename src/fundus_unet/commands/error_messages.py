"""Errors in the user's terms: what was expected, what came, what to do."""

import errno
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from fundus_unet.commands.config_files import config_folders, group_names, group_options
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.invocation import PROGRAM

_TRAIN = "albumentations jinja2 lightning matplotlib pooch rarfile requests tensorboard torchmetrics torchvision"
EXTRAS = (
    dict.fromkeys(("onnx", "onnxscript", "onnxruntime"), "onnx")
    | dict.fromkeys(_TRAIN.split(), "train")
    | {"wandb": "wandb", "mlflow": "mlflow", "pydicom": "dicom"}
    | dict.fromkeys(("joblib", "optuna", "submitit", "hydra_joblib_launcher", "hydra_submitit_launcher"), "sweep")
)
"""Packages that not every command needs, and the extra of pyproject.toml that brings them."""


def explain(error: BaseException, config_name: str) -> str | None:
    """The message for an error of the user's making; None for a bug."""
    cause = _input_error_behind(error)
    if cause is not None:
        return str(cause)
    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, option = str(error.missing_cfg_file).rpartition("/")
        options = [one for one in error.options if not one.startswith("_")]
        advice = did_you_mean(option, options)
        all_of_them = f"\n  options: {', '.join(options)}" if advice.startswith("did you mean") else ""
        return f"{group} has no option {option!r}; {advice}{all_of_them}"
    if isinstance(error, InstantiationException):
        if isinstance(error.__cause__, ModuleNotFoundError) and error.__cause__.name in EXTRAS:
            return _missing_package(error.__cause__.name)
        return _instantiation_message(error)
    if isinstance(error, OverrideParseException):
        return _parse_message(error)
    if isinstance(error, ConfigCompositionException):
        return _override_message(error, config_name)
    if isinstance(error, OmegaConfBaseException):
        return _value_message(error)
    if isinstance(error, HydraException):
        return str(error)
    if type(error).__name__ == "MisconfigurationException":  # lightning's; importing it here would take seconds
        return str(error)
    if isinstance(error, OSError):
        return _system_message(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory\n  what to do: close other programs, or make what is held smaller"
    if isinstance(error, ModuleNotFoundError) and (name := (error.name or "").partition(".")[0]) in EXTRAS:
        return _missing_package(name)
    plugin = re.search(r"Unknown plugin class : 'hydra_plugins\.(\w+)", str(error))
    if plugin and plugin[1] in EXTRAS:
        return _missing_package(plugin[1])
    if type(error).__name__ in _LOST_JOBS:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return (
            f"a process that ran a job ended before its time: {reason}\n  what to do: look at what the jobs printed "
            "(hydra.sweep.dir), then give the same command again: what is done is kept"
        )
    if isinstance(error, ImportError) and "libGL" in str(error):
        return (
            f"OpenCV cannot be loaded: {error}\n  what to do: pip uninstall opencv-python, then "
            "pip install --force-reinstall --no-deps opencv-python-headless (this project needs no window)"
        )
    return None


_LOST_JOBS = ("TerminatedWorkerError", "BrokenProcessPool", "UncompletedJobError", "FailedJobError")
"""Of joblib and submitit, for processes that were killed; importing them here would take a while."""


def _missing_package(name: str) -> str:
    extra = EXTRAS[name]
    how = f"pip install '{PROGRAM}[{extra}]'; from a clone: pip install '.[{extra}]'"
    return f"{name.replace('hydra_', 'hydra-').replace('_launcher', '-launcher')} is not installed\n  what to do: {how}"


def _system_message(error: OSError) -> str:
    """What the system refused: a full disk, a folder that may not be written, a file that went away."""
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    fix = _SYSTEM_FIXES.get(error.errno or 0, "check the path and its permissions, then give the command again")
    return f"{where}{error.strerror or error}\n  what to do: {fix}"


_SYSTEM_FIXES = {
    errno.ENOSPC: "make room on the disk, then give the command again",
    errno.EDQUOT: "make room on the disk, then give the command again",
    errno.EMFILE: "allow more open files (ulimit -n), then give the command again",
    errno.EROFS: "choose a folder that can be written",
    errno.EACCES: "choose another folder, or change its permissions",
    errno.EPERM: "choose another folder, or change its permissions",
    errno.ENAMETOOLONG: "give a shorter name",
}


def _input_error_behind(error: BaseException | None) -> InputError | None:
    while error is not None:
        if isinstance(error, InputError):
            return error
        error = error.__cause__
    return None


def _instantiation_message(error: InstantiationException) -> str:
    text = str(error.__cause__ or error)
    unexpected = re.search(r"unexpected keyword argument '(\w+)'", text)
    where = re.search(r"full_key: (\S+)", str(error))
    key = where.group(1) if where else "the configuration"
    if unexpected:
        return f"{key} has no setting {unexpected.group(1)!r}"
    return f"{key} cannot be built: {text}"


def _parse_message(error: OverrideParseException) -> str:
    """Hydra cannot read what was typed, and says so in the words of its grammar."""
    if "=" not in error.override and not error.override.startswith("~"):
        return f"{error.override} is no setting\n  what to do: write KEY=VALUE, such as seed=1"
    reason = "" if "Lexer" in str(error) else f": {str(error).splitlines()[0]}"
    return (
        f"{error.override} cannot be read{reason}\n  what to do: put a value with "
        "spaces, commas, brackets or other signs into two pairs of quotes: 'images=\"my photos (1)/a,b.jpg\"'"
    )


def _value_message(error: OmegaConfBaseException) -> str:
    """A value that names another one, or a list where there is a group."""
    where = f" in {error.full_key}" if error.full_key else ""
    return f"{str(error).splitlines()[0]}{where}\n  what to do: give the setting a plain value: KEY=VALUE"


def _override_message(error: ConfigCompositionException, config_name: str) -> str:
    text = str(error)
    first_line = text.split("\n")[0]
    named = re.search(r"Could not override '([^']+)'", text)
    if not named:
        return text if error.__cause__ is None else f"{first_line}\n  got: {str(error.__cause__).splitlines()[0]}"
    key = named.group(1).split("@")[0]
    known = [one for one in _known_keys(config_name) if one != key]  # a group that this script does not use
    advice = did_you_mean(key, known)
    if not advice.startswith("did you mean"):
        advice = did_you_mean(key, {one.split(".")[0] for one in known})  # the list would be of hundreds
    return f"{first_line}\n  there is no setting {key!r}; {advice}"


def command_line_message(error: BaseException, arguments: list[str]) -> str:
    """For a group that is given no name: Hydra's message does not say which one."""
    for argument in arguments:
        group, _, option = argument.partition("=")
        options = group_options(group.lstrip("+").split("@")[0])
        if options and option not in options and "must be a string or a list" in str(error):
            return f"{group} cannot be {option or 'empty'}\n  what to do: choose one of {', '.join(options)}"
    return f"this command line cannot be used: {' '.join(arguments)}\n  got: {error}"


def _known_keys(config_name: str) -> list[str]:
    """Every dotted key of the configuration with the options that were chosen, and every group."""
    GlobalHydra.instance().clear()
    own, *others = config_folders()
    more = ",".join(f"file://{folder}" for folder in others)
    with initialize_config_dir(str(own), version_base="1.3"):
        places = [f"hydra.searchpath=[{more}]"] if more else []
        try:
            config = compose(config_name, [*_chosen(sys.argv[1:]), *places])
        except HydraException:  # one of them is what is wrong
            config = compose(config_name, places)
    return sorted({*group_names(), *_dotted(OmegaConf.to_container(config))})


def _chosen(arguments: Sequence[str]) -> list[str]:
    """The arguments that choose an option of a group, whose settings are others than the default's."""
    named = [argument.partition("=") for argument in arguments]
    return [f"{group}={option}" for group, _, option in named if option in group_options(group)]


def _dotted(config: Any, prefix: str = "") -> Iterator[str]:
    for key, value in config.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{key}.")
