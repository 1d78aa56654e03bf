"""Paths as a shell hands them over, `it's (2).jpg` too: Hydra's grammar would want them in quotes of its own."""

import os
import re

from fundus_unet.core.errors import InputError
from fundus_unet.core.invocation import hydra_quoted

PATHS = re.compile(
    r"(images|source|dir|out_dir|run_dir|resume|start_from|weights|path|figure|paths\.\w+|\+?[\w.]+\.root"
    r"|data\.(?:[\w.]+\.)?(?:images|labels2?|masks|subjects|groups))=(.+)",
    re.DOTALL,
)
PLAIN = re.compile(r"[\w./@%+~-]*")
"""What Hydra takes as it is."""
HYDRAS = "'\"[{$"
"""What a quoted value, a list, a group or the name of another setting begins with."""
IMAGES = "images"
_ALONE = re.compile(r"\w[\w-]*")
FLAGS = {"--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp", "--cfg", "-c", "--package", "-p"}
"""Of Hydra, with a value after them."""


def with_quotes(arguments: list[str]) -> list[str]:
    """The arguments, with Hydra's quotes around paths; as they are in a multirun, whose values may be lists.

    What is there is a path; so is what has no sign of Hydra's grammar at its start, and names no other setting.
    """
    if not {"-m", "--multirun"}.isdisjoint(arguments):
        return arguments
    return [_quoted(argument) for argument in arguments]


def images_named_alone(arguments: list[str]) -> list[str]:
    """The arguments of `predict`, whose images may stand there without `images=`: each a path, a pattern, or several.

    Raises:
        InputError: Where `images=` is there too.
    """
    images, others = [], []
    for flag, argument in zip(["", *arguments], arguments, strict=False):
        is_image = os.path.lexists(argument) or not re.match(r"[-~+]|[\w.@/+~-]+=", argument)
        alone = is_image and flag not in FLAGS
        images += _words(argument) if alone else []
        others += [] if alone else [argument]
    if not images:
        return others
    if any(other.startswith(f"{IMAGES}=") for other in others):
        raise InputError(
            "images are named twice", got=f"{', '.join(images)}; and images=...", fix="name them in one way"
        )
    return [f"{IMAGES}=[{','.join(map(hydra_quoted, images))}]", *others]


def first_named_alone(arguments: list[str], key: str) -> list[str]:
    """The arguments, the first of which may stand there without `key=`.

    Raises:
        InputError: Where the second stands there so too.
    """
    if arguments and _ALONE.fullmatch(arguments[0]):
        if len(arguments) > 1 and _ALONE.fullmatch(arguments[1]):
            raise InputError("one set at a time", got=" ".join(arguments), fix="give a command for each")
        return [f"{key}={arguments[0]}", *arguments[1:]]
    return arguments


def folder_named_alone(arguments: list[str]) -> list[str]:
    """The arguments of `summarize`, whose folder may stand first without `dir=`."""
    if arguments and (os.path.lexists(arguments[0]) or not re.match(r"[-~+]|[\w.@/+~-]+=", arguments[0])):
        return [f"dir={arguments[0]}", *arguments[1:]]
    return arguments


def _words(text: str) -> list[str]:
    """A path that is there is one; otherwise blanks separate several, which may have blanks in their names."""
    words, found = text.split(" "), []
    while words:
        longest = next((n for n in range(len(words), 1, -1) if os.path.lexists(" ".join(words[:n]))), 1)
        found.append(" ".join(words[:longest]))
        words = words[longest:]
    return [word for word in found if word]


def _quoted(argument: str) -> str:
    setting = PATHS.fullmatch(argument)
    if not setting or PLAIN.fullmatch(setting[2]):
        return argument
    is_hydras = setting[2][0] in HYDRAS or "${" in setting[2]
    if is_hydras and not os.path.lexists(os.path.expanduser(setting[2])):
        return argument
    return f"{setting[1]}={hydra_quoted(setting[2])}"
