"""The plan of the house: who may import whom."""

import ast
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "fundus_unet"
FLOORS = {
    **dict.fromkeys(["core"], 1),
    **dict.fromkeys(["upsampling"], 2),
    **dict.fromkeys(["models", "data", "losses", "metrics", "drawing"], 3),
    **dict.fromkeys(["training", "inference"], 4),
    **dict.fromkeys(["comparison"], 5),
    **dict.fromkeys(["app"], 6),
}
LONGEST = 300

FILES = sorted(SOURCE.rglob("*.py"))
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))


def imports(path: Path) -> set[str]:
    """Dotted names of everything imported anywhere in the file, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            # `from fundus_unet import app` imports a floor by its alias.
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def home_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0]


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def rooms(path: Path) -> set[str]:
    """Packages of this project that the file imports."""
    return {name.split(".")[1] for name in imports(path) if name.split(".")[0] == "fundus_unet" and "." in name}


def test_every_file_lives_on_a_floor():
    assert len(FILES) > 20
    assert {home_of(path) for path in FILES} - {"__init__.py"} <= FLOORS.keys()


@every_file
def test_imports_lower_floors_only(path):
    assert "fundus_unet" not in imports(path)
    home = home_of(path)
    elsewhere = rooms(path) - {home}
    if home == "__init__.py":
        assert elsewhere == set()
    else:
        assert {room for room in elsewhere if FLOORS.get(room, 99) >= FLOORS[home]} == set()


@every_file
def test_only_the_app_knows_hydra(path):
    if home_of(path) != "app":
        assert tops(path).isdisjoint({"hydra", "omegaconf"})


@every_file
def test_only_augment_knows_albumentations(path):
    if path.relative_to(SOURCE) != Path("data/augment.py"):
        assert "albumentations" not in tops(path)


@every_file
def test_upsampling_stands_on_torch_and_core_alone(path):
    if home_of(path) == "upsampling":
        assert tops(path) - sys.stdlib_module_names <= {"torch", "fundus_unet"}
        assert rooms(path) <= {"core", "upsampling"}


@every_file
def test_is_short_and_about_one_thing(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    assert path.stem not in {"utils", "util", "helpers", "misc"}
    if path.name == "__init__.py":
        body = ast.parse(text).body
        assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)
