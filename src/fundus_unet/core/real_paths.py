"""Paths without links, for a million of them."""

import os


class RealPaths:
    """`os.path.realpath` of one path after another; the links of a folder are looked up once for all that follow in it.

    Asked again after a folder on the way has become a link, it may tell where its files were.
    """

    def __init__(self) -> None:
        self._folder: str | None = None
        self._real = ""

    def __call__(self, path: str | os.PathLike[str]) -> str:
        folder, name = os.path.split(os.fspath(path))
        if name in ("", os.curdir, os.pardir) or os.path.islink(path):
            return os.path.realpath(path)
        if folder != self._folder:
            self._folder, self._real = folder, os.path.realpath(folder)
        return os.path.join(self._real, name)
