"""The command that gets a set, as an error advises it: one that goes through where it is pasted."""

import os
from collections.abc import Sequence
from pathlib import Path

from fundus_unet.core.invocation import command, from_here, hydra_quoted, setting
from fundus_unet.data.download.addresses import Published

DATA_DIR = "data"
"""Where every command looks without `paths.data_dir`."""


def get_command(row: Published, data_dir: Path | None = None, source: Sequence[str] = ()) -> str:
    """The command, with the archives to name where each user has to ask for the set.

    Args:
        data_dir: The folder that the set comes into; None: the usual one.
        source: Paths and addresses in place of the table's.
    """
    if not source and not row.archives:
        source = row.parts or ("PATH",)
    return command("data get", row.key, *_source_setting(source), *data_dir_setting(data_dir))


def data_dir_setting(data_dir: Path | None) -> list[str]:
    """`paths.data_dir=...`, or nothing where it is the usual folder."""
    if data_dir is None or os.path.abspath(data_dir) == os.path.abspath(DATA_DIR):
        return []
    return [setting("paths.data_dir", from_here(data_dir))]


def _source_setting(source: Sequence[str]) -> list[str]:
    if len(source) == 1:  # the program puts quotes around one that is plain
        is_plain = source[0][0] not in "'\"[{$" and "${" not in source[0]
        return [f"source={source[0] if is_plain else hydra_quoted(source[0])}"]
    values = [setting("source", one).removeprefix("source=") for one in source]
    return [f"source=[{','.join(values)}]"] if values else []
