"""What a checked data set is called, and the folder of its report: another one's is not replaced."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes

MADE_BY = "fundus-unet data check"
_LARGEST = 2**28


@dataclass(frozen=True)
class Checked:
    """What was checked: the option of the group `data`, the user's own folder for that option, and the fold."""

    option: str
    root: Path | None = None
    fold: tuple[int, int] | None = None

    @classmethod
    def of(cls, option: str, data: DictConfig) -> "Checked":
        root = Path(str(data.source.root)).expanduser().absolute() if option == "folder" else None
        return cls(option, root, None if data.get("folds") is None else (data.get("fold", 0), data.folds))

    def __str__(self) -> str:
        root = "" if self.root is None else f" {self.root}"
        return f"{self.option}{root}" + ("" if self.fold is None else ", fold {} of {}".format(*self.fold))

    @property
    def folder_name(self) -> str:
        """`chasedb1`, `folder_A`, `chasedb1_fold2of7`."""
        root = "" if self.root is None else "_" + re.sub(r"[^\w.-]+", "_", self.root.name)
        return f"{self.option}{root}" + ("" if self.fold is None else "_fold{}of{}".format(*self.fold))

    def as_dict(self) -> dict[str, Any]:
        """For the head of the report."""
        return {"made_by": MADE_BY, "set": self.option, "root": None if self.root is None else str(self.root)}


def check_ours(folder: Path, names: Sequence[str], report: str, checked: Checked) -> None:
    """Raise `InputError` where a file of ours would replace one of the user's, or the report of another folder.

    Args:
        names: Of all files that are written.
        report: Of that one that says what it is of.
    """
    there = [name for name in names if (folder / name).exists()]
    if not there:
        return
    try:
        saved = json.loads(read_bytes(folder / report, _LARGEST))
        ours, root = saved["made_by"] == MADE_BY, saved.get("root")
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        ours, root = False, None
    if not ours:
        raise InputError(
            f"{folder} holds {', '.join(there)} that {MADE_BY} did not make; nothing was changed",
            fix="choose another out_dir, or move the files",
        )
    if root is not None and root != str(checked.root):
        raise InputError(
            f"{folder} holds the report of another folder; nothing was changed",
            expected=f"that of {checked.root}, or none",
            got=f"that of {root}",
            fix="choose another out_dir, or move the files",
        )
