"""The configuration files that a command is composed of: the project's, and those of `--config-dir`."""

import sys
from pathlib import Path

from fundus_unet.core.project_files import project_folder

CONFIG_DIR = project_folder("configs")
USERS_FOLDER = ("--config-dir", "-cd")
"""Hydra's flag that adds a folder of the user's own configurations."""


def config_folders() -> list[Path]:
    """Where configurations are looked for."""
    return [CONFIG_DIR, *_users_folders(sys.argv[1:])]


def group_names() -> list[str]:
    """The groups, each a choice of one option; Hydra's own is none."""
    names = {path.name for folder in config_folders() if folder.is_dir() for path in folder.iterdir() if path.is_dir()}
    return sorted(names - {"hydra"})


def group_options(group: str) -> list[str]:
    """The options of a group; empty where there is no such group. Names with `_` are parts of options."""
    if not group.isidentifier():
        return []
    files = (path for folder in config_folders() for path in (folder / group).glob("*.yaml"))
    return sorted({path.stem for path in files if not path.stem.startswith("_")})


def _users_folders(arguments: list[str]) -> list[Path]:
    found = []
    for number, argument in enumerate(arguments):
        flag, given, value = argument.partition("=")
        if flag in USERS_FOLDER:
            value = value if given else next(iter(arguments[number + 1 :]), "")
            found.append(Path(value).absolute())
    return found
