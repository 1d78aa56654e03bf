"""Links from a page to files, whatever their names."""

import os
from pathlib import Path
from urllib.parse import quote


def link_below(place: str) -> str:
    """To a file below the page's folder, by its path from there with slashes."""
    return quote(os.fsencode(place))


def link_to_image(image: str, folder: str) -> str:
    """To an image of the user's: relative where it lies beside the folder or in it, since both may be moved together.

    Args:
        image: Its whole path.
        folder: The page's, whole and without links.
    """
    beside = os.path.dirname(folder)
    try:
        is_near = os.path.commonpath([image, beside]) == beside
    except ValueError:  # another disk
        is_near = False
    if not is_near:
        return Path(image).as_uri()
    return quote(os.fsencode(Path(os.path.relpath(image, folder)).as_posix()))
