"""What is kept beside the data: every file's sum, and the terms under which the set was had."""

import datetime
from collections.abc import Sequence
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes, write_text
from fundus_unet.data.download.addresses import Published
from fundus_unet.data.download.checksums import ABOUT, LIST, list_text

_FIRST = "obtained by fundus-unet data get"


def keep_record(folder: Path, row: Published, sums: dict[str, str], compared: int, sources: Sequence[str]) -> None:
    """Write both files.

    Args:
        sums: Of every file, by its path below the folder.
        compared: How many of them were found equal to sums that come with the project.
        sources: Where the files came from.
    """
    recorded = len(sums) - compared
    rows = {
        "files": f"{len(sums)}; sha256sum --check {LIST} verifies them",
        "compared": f"{compared} with sums that come with fundus-unet",
        "recorded": f"{recorded} at this time, since there was no sum to compare them with" if recorded else "",
        "from": ", ".join(sources),
        "on": datetime.date.today().isoformat(),
        "page": row.page,
        "licence": row.licence,
        "stated in": row.licence_read_in,
        "cite": row.citation,
    }
    text = "".join(f"{title:10}{value}\n" for title, value in rows.items() if value)
    write_text(folder / LIST, list_text(sums))
    write_text(folder / ABOUT, f"{row.name}, {_FIRST}\n\n{text}")


def is_recorded(folder: Path) -> bool:
    """Whether the folder was made by this project."""
    try:
        first = read_bytes(folder / ABOUT, 2**16).decode(errors="replace").split("\n")[0]
    except OSError:
        return False
    return first.endswith(_FIRST) and (folder / LIST).is_file()


def no_place(path: Path) -> InputError:
    """For a name that is taken by something that is no folder."""
    return InputError(
        f"{path} is no folder that can be read", fix="move it away, or set paths.data_dir=/another/folder"
    )
