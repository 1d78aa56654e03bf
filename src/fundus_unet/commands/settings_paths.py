"""Paths that a user names: whether they can be read or written, asked before a command begins."""

import os
from pathlib import Path
from typing import Annotated, Any

from fundus_unet.runs.schema import Check, advice_on_quotes


def _readable(value: Any, used: str = "read") -> str:
    """Raise `ValueError`, which says what to do, where a value cannot name a file or folder that is `used`."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(advice_on_quotes(value) or "give the path of a file or folder")
    try:
        os.stat(Path(value).expanduser())
    except (ValueError, RuntimeError) as error:  # a NUL, a lone surrogate; `~` of somebody who is not here
        raise ValueError(f"choose another path; this one cannot be {used}: {error}") from error
    except FileNotFoundError:
        pass
    except NotADirectoryError as error:
        above = _nearest(Path(value).expanduser())
        raise ValueError(f"choose another path; below {above}, which is a file, it cannot be {used}") from error
    except OSError as error:
        raise ValueError(
            f"choose another path, or its permissions; this one cannot be {used}: {error.strerror}"
        ) from error
    return value


def _writable(value: Any, folder: Path) -> str:
    nearest = _nearest(folder)
    if not nearest.is_dir():
        raise ValueError(f"choose another path; it cannot be written, since {nearest} is no folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(
            f"choose another path, or permissions; it cannot be written, since {nearest} lets nobody write"
        )
    return str(value)


def _nearest(place: Path) -> Path:
    """The path itself, or the nearest above it that is there."""
    return next((part for part in (place, *place.absolute().parents) if os.path.lexists(part)), Path(os.sep))


def _folder(value: Any) -> str:
    return _writable(value, Path(_readable(value, "written")).expanduser())


def _file(value: Any) -> str:
    return _writable(value, Path(_readable(value, "written")).expanduser().parent)


PathText = Annotated[str, Check("a path", _readable)]
"""A file or folder that may be there or not."""
WritableFolder = Annotated[str, Check("a folder to write into, or to make", _folder)]
WritableFile = Annotated[str, Check("a file to write", _file)]
