"""What every command goes through: Hydra composes the configuration, and errors are told in the user's terms."""

import functools
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from fundus_unet.commands.config_files import CONFIG_DIR
from fundus_unet.commands.error_messages import command_line_message, explain
from fundus_unet.commands.multirun import Multirun, check_has_use, quiet_hydra, tell_outcomes
from fundus_unet.core.freed_memory import keep_freed_memory
from fundus_unet.core.interruption import INTERRUPTED, interruptible, interruption_requested
from fundus_unet.core.launchers import is_launched_beside_another

BAD_INPUT = 2


def run_with_config(config_name: str, main: Callable[[DictConfig], Any]) -> None:
    """Compose the configuration with the overrides of the command line, check it, and give it to `main`.

    Errors of the user's making end with one message and exit code 2, an interruption with 130; anything else is a bug
    and keeps its traceback.
    """
    prepare_process()
    composed = False
    failures: list[BaseException] = []

    @functools.wraps(main)
    def checked(config: DictConfig) -> Any:
        nonlocal composed
        composed = True
        elsewhere = Multirun().is_elsewhere  # what is raised in a process of a launcher, Hydra brings to the first one
        if elsewhere:
            prepare_process()
        try:
            _check(config, config_name)
            with trusting_what_is_typed(config):
                return main(config)
        except Exception as error:  # through Hydra it would come with a line of its own on the screen
            if elsewhere:
                raise
            failures.append(error)

    hydra_main = hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name=config_name)(checked)
    try:
        with interruptible():
            hydra_main()
    except BaseException as error:
        tell_outcomes(ended_early=True)
        if isinstance(error, SystemExit):
            raise
        failures.append(error)
    for failure in failures:
        _tell(failure, config_name, composed)
    if failures:
        sys.exit(BAD_INPUT)


def prepare_process() -> None:
    """Switch off what libraries would print, and keep memory that is freed; in each process that runs the project."""
    quiet_hydra()
    # Hydra would otherwise print errors itself, without suggestions, and hide where a bug comes from
    os.environ["HYDRA_FULL_ERROR"] = "1"
    # Pillow's remarks on damaged metadata: an image that cannot be used is told by itself
    warnings.filterwarnings("ignore", module=r"PIL\.")
    keep_freed_memory()


def _tell(error: BaseException, config_name: str, composed: bool) -> None:
    """Print what is wrong in the user's terms; an interruption exits, and a bug is raised again.

    Of several processes that a launcher started, the first one tells what all of them find.
    """
    if isinstance(error, KeyboardInterrupt) or interruption_requested():
        if not is_launched_beside_another():
            print("; ".join(["interrupted", *getattr(error, "__notes__", ())]), file=sys.stderr)
        sys.exit(INTERRUPTED)
    message = explain(error, config_name)
    if message is None and not composed:  # only Hydra was at work, on what the user typed
        message = command_line_message(error, sys.argv[1:])
    if message is None:
        raise error
    if not is_launched_beside_another():
        print(f"error: {message}", file=sys.stderr)


def _check(config: DictConfig, config_name: str) -> None:
    if config_name != "compare_accuracy":  # which trains many runs without -m
        check_has_use()
    if config_name == "train" and HydraConfig.get().mode == RunMode.MULTIRUN:
        return  # the command checks each job itself, since a bad one must not stop the others
    from fundus_unet.commands.settings import check_settings  # after composing: a misspelt key then fails in a second

    check_settings(config, config_name)


def trusting_what_is_typed(config: DictConfig) -> AbstractContextManager[None]:
    """Let runs name the parts that the user names here: networks of other packages, and loggers beside a run."""
    from fundus_unet.runs.allowed_parts import trusting  # as above

    trusted = OmegaConf.select(config, "trust") or []
    targets = [trusted] if isinstance(trusted, str) else map(str, trusted)
    typed = [str(OmegaConf.select(config, f"{part}._target_") or "") for part in ("model", "logger")]
    return trusting([*targets, *typed])
