"""What every script goes through: Hydra composes the configuration, and errors are told in the user's terms."""

import errno
import functools
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.interruption import INTERRUPTED, interruptible, interruption_requested
from fundus_unet.core.invocation import set_running

CONFIG_DIR = Path(__file__).resolve().parents[3] / "configs"
BAD_INPUT = 2
COMMANDS = {"explain_upsampling": "explain"} | {
    f"compare_{what}": f"compare {what}" for what in ("accuracy", "speed", "checkerboard")
}
"""Commands that are not named as their configuration is."""


def entry(config_name: str) -> Callable[[Callable[[DictConfig], Any]], Callable[[], None]]:
    """Decorate a script's main function: `main()` then takes Hydra overrides from the command line.

    Errors of the user's making end with one message and exit code 2, an interruption with 130; anything else is a bug
    and keeps its traceback.
    """

    def decorate(main: Callable[[DictConfig], Any]) -> Callable[[], None]:
        @functools.wraps(main)
        def run() -> None:
            set_running(COMMANDS.get(config_name, config_name))
            # Hydra would otherwise print errors itself, without suggestions, and hide where a bug comes from
            os.environ["HYDRA_FULL_ERROR"] = "1"
            # Pillow's remarks on damaged metadata: an image that cannot be used is told by itself
            warnings.filterwarnings("ignore", module=r"PIL\.")
            composed = False
            failures: list[BaseException] = []

            @functools.wraps(main)
            def checked(config: DictConfig) -> Any:
                nonlocal composed
                composed = True
                try:
                    _check(config, config_name)
                    with trusting_what_is_typed(config):
                        return main(config)
                except Exception as error:  # through Hydra it would come with a line of its own on the screen
                    failures.append(error)

            hydra_main = hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name=config_name)(checked)
            try:
                with interruptible():
                    hydra_main()
            except (Exception, KeyboardInterrupt) as error:
                failures.append(error)
            for failure in failures:
                _tell(failure, config_name, composed)
            if failures:
                sys.exit(BAD_INPUT)

        return run

    return decorate


def _tell(error: BaseException, config_name: str, composed: bool) -> None:
    """Print what is wrong in the user's terms; an interruption exits, and a bug is raised again."""
    if isinstance(error, KeyboardInterrupt) or interruption_requested():
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    message = explain(error, config_name)
    if message is None and not composed:  # only Hydra was at work, on what the user typed
        message = _command_line_message(error, sys.argv[1:])
    if message is None:
        raise error
    print(f"error: {message}", file=sys.stderr)


def _check(config: DictConfig, config_name: str) -> None:
    if config_name == "train" and HydraConfig.get().mode == RunMode.MULTIRUN:
        return  # the command checks each job itself, since a bad one must not stop the others
    from fundus_unet.commands.settings import check_settings  # after composing: a misspelt key then fails in a second

    check_settings(config, config_name)


def trusting_what_is_typed(config: DictConfig) -> AbstractContextManager[None]:
    """Let runs name the networks of other packages that the user names here, by `trust` or as the network of a run."""
    from fundus_unet.runs.allowed_parts import trusting  # as above

    trusted = OmegaConf.select(config, "trust") or []
    targets = [trusted] if isinstance(trusted, str) else map(str, trusted)
    return trusting([*targets, str(OmegaConf.select(config, "model._target_") or "")])


def explain(error: BaseException, config_name: str) -> str | None:
    """The message for an error of the user's making; None for a bug."""
    cause = _input_error_behind(error)
    if cause is not None:
        return str(cause)
    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, option = str(error.missing_cfg_file).rpartition("/")
        return f"{group} has no option {option!r}; {did_you_mean(option, error.options)}\n  options: " + ", ".join(
            error.options
        )
    if isinstance(error, InstantiationException):
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
    if isinstance(error, ImportError) and "libGL" in str(error):
        return (
            f"OpenCV cannot be loaded: {error}\n  what to do: pip uninstall opencv-python, then "
            "pip install --force-reinstall --no-deps opencv-python-headless (this project needs no window)"
        )
    return None


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


def _command_line_message(error: BaseException, arguments: list[str]) -> str:
    """For a group that is given no name: Hydra's message does not say which one."""
    for argument in arguments:
        group, _, option = argument.partition("=")
        options = group_options(group.lstrip("+").split("@")[0])
        if options and option not in options and "must be a string or a list" in str(error):
            return f"{group} cannot be {option or 'empty'}\n  what to do: choose one of {', '.join(options)}"
    return f"this command line cannot be used: {' '.join(arguments)}\n  got: {error}"


def group_options(group: str) -> list[str]:
    """The options of a group of configs/; empty where there is no such group."""
    return sorted(path.stem for path in (CONFIG_DIR / group).glob("*.yaml")) if group.isidentifier() else []


def _known_keys(config_name: str) -> list[str]:
    """Every dotted key of the default configuration, and every group."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose(config_name)
    groups = [path.name for path in CONFIG_DIR.iterdir() if path.is_dir()]
    return sorted({*groups, *_dotted(OmegaConf.to_container(config))})


def _dotted(config: Any, prefix: str = "") -> Iterator[str]:
    for key, value in config.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{key}.")
