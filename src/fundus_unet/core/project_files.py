"""Files that come with the project: configurations and weights, in an installed package as in a clone."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def project_folder(name: str) -> Path:
    """The folder `configs` or `weights`: inside the installed package, or at the top of the clone."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parents[1] / name
