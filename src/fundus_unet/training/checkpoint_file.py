"""Read a checkpoint file, which may be damaged or come from a stranger."""

import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import torch

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import open_regular


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The tensors and plain values of a checkpoint, on the CPU; no code from the file is run.

    Raises:
        InputError: Where it is no regular file, is damaged, or holds anything else.
    """
    try:
        with open_regular(path) as file:
            _check_archive(file)
            return dict(torch.load(file, map_location="cpu", weights_only=True))
    except Exception as error:  # what unpickling damaged bytes raises has no common class
        raise damaged_checkpoint(path, error) from error


def damaged_checkpoint(path: Path, error: Exception) -> InputError:
    """For a checkpoint that lacks what it should have, or has it in another form."""
    return InputError(
        f"{path} is damaged or no checkpoint of this project",
        expected="a checkpoint file made by training, which holds tensors and plain values only",
        got=(str(error).splitlines() or [type(error).__name__])[0][:300],
    )


def _check_archive(file: BinaryIO) -> None:
    """Refuse what is larger unpacked than packed.

    Raises:
        `ValueError` or `zipfile.BadZipFile`.
    """
    with zipfile.ZipFile(file) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("it is compressed, which training never does")
    file.seek(0)
