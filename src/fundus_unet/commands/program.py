"""The program `fundus-unet` and the scripts: a word, or two, names a command; Hydra overrides follow."""

import importlib
import os
import sys
from dataclasses import dataclass
from typing import Any

from fundus_unet import __version__
from fundus_unet.commands.typed_paths import first_named_alone, folder_named_alone, images_named_alone, with_quotes
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.interruption import INTERRUPTED
from fundus_unet.core.invocation import PROGRAM, script_name, set_running
from fundus_unet.core.processor_sharing import share_processor

BAD_INPUT = 2
HELP = ("-h", "--help")
FIRST_ARGUMENT = {"data get": "set", "data check": "data"}
"""The setting that the first argument of a command means where it stands alone: `data get chasedb1`."""
STARTED_COMMAND = "FUNDUS_UNET_COMMAND"
"""In the environment of processes that this one starts: they are given its arguments without the command's words."""


@dataclass(frozen=True)
class Command:
    """What a command does, in a line; and the function that is given its configuration, `module:function`."""

    summary: str
    function: str

    def __call__(self, config: Any) -> Any:
        module, _, name = self.function.partition(":")
        return getattr(importlib.import_module(f"fundus_unet.commands.{module}"), name)(config)


COMMANDS = {
    "train": Command("train a network, then score it", "train:train_from_config"),
    "evaluate": Command("score a trained network on a split, or on another set", "evaluate:evaluate_from_config"),
    "predict": Command("vessel maps of new images", "predict:predict_from_config"),
    "export": Command("a trained network as one file: safetensors, ONNX", "export:export_from_config"),
    "data get": Command("get a public set, whole and verified", "prepare_data:prepare_data_from_config"),
    "data check": Command("what is wrong with a data set, before training on it", "check_data:check_data_from_config"),
    "explain": Command("what an upsampling does, in numbers and a figure", "explain_upsampling:explain_from_config"),
    "compare accuracy": Command(
        "train every upsampler; which differences are not noise?", "compare_accuracy:compare_accuracy_from_config"
    ),
    "compare speed": Command("time and memory of upsamplers", "compare_speed:compare_speed_from_config"),
    "compare checkerboard": Command(
        "checkerboard artifacts of upsamplers", "compare_checkerboard:compare_checkerboard_from_config"
    ),
    "compare datasets": Command("trained networks on other sets: a matrix", "cross_dataset:cross_dataset_from_config"),
    "benchmark training": Command(
        "minutes of training to a Dice; where its time goes", "benchmark_training:benchmark_training_from_config"
    ),
    "benchmark inference": Command(
        "the fastest way to execute a trained network", "benchmark_inference:benchmark_inference_from_config"
    ),
    "summarize": Command("one table of a folder of runs", "summarize:summarize_from_config"),
    "report": Command("one page from the comparisons", "report:report_from_config"),
}


def main() -> None:
    """Entry of the program `fundus-unet`."""
    words, arguments = _command_words(sys.argv[1:])
    if not words and (not arguments or arguments[0] in HELP):
        print(_overview(COMMANDS))
        return
    if arguments[:1] == ["--version"] and not words:
        print(f"{PROGRAM} {__version__}")
        return
    name = " ".join(words)
    if name in COMMANDS:
        sys.argv[1:] = arguments  # what Hydra, and the processes that are started, read
        os.environ[STARTED_COMMAND] = name
        run_command(name)
        return
    if name in _first_words() and (not arguments or arguments[0] in HELP):
        print(_overview({full: command for full, command in COMMANDS.items() if full.startswith(f"{name} ")}))
        return
    asked = " ".join([*words, *arguments[:1]])
    print(f"error: there is no command {asked!r}; {did_you_mean(asked, COMMANDS)}", file=sys.stderr)
    sys.exit(BAD_INPUT)


def run_command(name: str) -> None:
    """Run the command of that name with the overrides in `sys.argv`, or print its help."""
    try:
        _run(name)
    except KeyboardInterrupt:  # before there is anything to leave whole
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _run(name: str) -> None:
    set_running(name)
    share_processor()
    if any(argument in HELP for argument in sys.argv[1:]):
        from fundus_unet.commands.help_text import help_text

        print(help_text(name))
        return
    try:
        sys.argv[1:] = overrides_of(name, sys.argv[1:])
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    from fundus_unet.commands.entry import run_with_config  # Hydra's import takes a while

    run_with_config(script_name(name), COMMANDS[name])


def overrides_of(name: str, arguments: list[str]) -> list[str]:
    """What follows a command's words as Hydra reads it: `chasedb1` alone is named, paths are quoted.

    Raises:
        InputError: Where images are named in two ways.
    """
    if name == "predict":
        arguments = images_named_alone(arguments)
    elif name == "summarize":
        arguments = folder_named_alone(arguments)
    elif name in FIRST_ARGUMENT:
        arguments = first_named_alone(arguments, FIRST_ARGUMENT[name])
    return with_quotes(arguments)


def _command_words(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The words that name a command, and the arguments after them."""
    if os.environ.get("LOCAL_RANK", "0") != "0" and STARTED_COMMAND in os.environ:
        return os.environ[STARTED_COMMAND].split(), arguments
    for count in (2, 1):
        if " ".join(arguments[:count]) in COMMANDS or (count == 1 and arguments[:1] and arguments[0] in _first_words()):
            return arguments[:count], arguments[count:]
    return [], arguments


def _first_words() -> set[str]:
    """Of commands of two words."""
    return {name.split()[0] for name in COMMANDS if " " in name}


def _overview(commands: dict[str, Command]) -> str:
    rows = "\n".join(f"  {name:22}{command.summary}" for name, command in commands.items())
    return (
        "U-Nets that segment blood vessels in fundus images.\n\n"
        f"usage: {PROGRAM} COMMAND [KEY=VALUE ...]\n\n{rows}\n\n"
        f"{PROGRAM} COMMAND --help lists the settings of a command."
    )
