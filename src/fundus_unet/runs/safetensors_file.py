"""Read a safetensors file, which may be damaged or come from a stranger: its format has no place for code."""

from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import open_regular

MOST_HEADER_BYTES = 4_000_000


def read_tensors(path: Path, expected: str, fix: str) -> tuple[dict[str, str] | None, dict[str, Tensor]]:
    """The metadata and the tensors, by name.

    Args:
        expected: What the file should be.
        fix: What to do where it is not.

    Raises:
        InputError: Where it is missing, damaged or of another format.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}", expected=expected)
    try:
        with open_regular(path) as file:
            if int.from_bytes(file.read(8), "little") > MOST_HEADER_BYTES:
                raise OSError("its header is too large")
        with safe_open(path, framework="pt") as file:
            return file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118, no dict
    except Exception as error:  # damaged bytes raise Rust's errors, Python's and torch's
        raise InputError(
            f"{path} is damaged or no safetensors file", expected=expected, got=f"{error!s:.300}", fix=fix
        ) from error
