"""Patterns: what `*` stands for, and that no pattern takes long."""

import re
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundus_unet.core.errors import InputError
from fundus_unet.data.sets import patterns
from fundus_unet.data.sets.patterns import image_files, matched, stem_of

CASES = [
    ("*.jpg", "eye1.JPG", ("eye1",)),
    ("*_1stHO.png", "Image_01L_1stHO.png", ("Image_01L",)),
    ("*_1stHO.png", "_1stHO.png", ("",)),
    ("*_1stHO.png", "Image_01L_2ndHO.png", None),
    ("Image_*?", "Image_01L", ("01",)),
    ("Image_??*", "Image_01L", ("L",)),
    ("*_*.png", "01_dr_mask.png", ("01", "dr_mask")),
    ("im*.ah.ppm", "im.ah.ppm", ("",)),
    ("a*a", "a", None),
    ("a*ab*b", "aabb", ("", "")),
    ("???", "abc", ()),
    ("???", "ab", None),
    ("x[1].png", "x[1].png", ()),
    ("*", "Ä.png", ("Ä.png",)),
    ("*.png", "İ.png", ("İ",)),  # its small letter is two
]


@pytest.mark.parametrize(("pattern", "name", "captured"), CASES)
def test_what_the_stars_stand_for(pattern, name, captured) -> None:
    assert matched(pattern, name) == captured


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_matches_as_a_regular_expression_does(pattern, name) -> None:
    expected = "".join({"*": "(.*?)", "?": "."}.get(letter, letter) for letter in pattern)
    found = re.fullmatch(expected, name)
    captured = matched(pattern, name)
    assert (captured is None) == (found is None)
    if captured:
        filled = iter(captured)
        rebuilt = "".join(next(filled) if letter == "*" else letter for letter in pattern)
        assert all(one in ("?", other) for one, other in zip(rebuilt, name, strict=True))


def test_a_hostile_pattern_takes_no_time() -> None:
    signal.alarm(20)  # a regular expression would take longer than anybody waits
    try:
        assert matched("*a" * 100 + "*b", "a" * 255) is None
        assert matched("*?a" * 80 + "*b", "a" * 255) is None
    finally:
        signal.alarm(0)


@pytest.mark.parametrize(
    ("name", "stem"), [("a.b.png", "a.b"), ("im1.ah.ppm.gz", "im1.ah"), ("x.GZ", "x"), ("none", "none")]
)
def test_stems(name, stem) -> None:
    assert stem_of(name) == stem


@pytest.fixture
def tree(tmp_path) -> Path:
    for path in ("a/1.png", "a/2.JPG", "a/notes.txt", "a/.hidden.png", "b/c/1.png", "b/c/1_label.png", "top.ppm.gz"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "a/folder.png").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("a", {"a/1.png": (("1",), ()), "a/2.JPG": (("2",), ())}),
        ("gone", {}),
        ("a/*.jpg", {"a/2.JPG": (("2",), ())}),
        ("a/*", {"a/1.png": (("1",), ()), "a/2.JPG": (("2",), ())}),
        ("a/*.*", {"a/1.png": (("1",), ()), "a/2.JPG": (("2",), ())}),
        ("*/1.png", {"a/1.png": (("a",), ())}),
        ("**/1.png", {"a/1.png": ((), ("a",)), "b/c/1.png": ((), ("b/c",))}),
        ("b/**/*_label.png", {"b/c/1_label.png": (("1",), ("c",))}),
        ("**/*.ppm.gz", {"top.ppm.gz": (("top",), ("",))}),
        ("a/**", {"a/1.png": (("1",), ("",)), "a/2.JPG": (("2",), ("",))}),
    ],
)
def test_files_of_a_folder_or_a_pattern(tree, named, found) -> None:
    for one in (named, str(tree / named)):
        files = image_files(tree, one)
        assert {file.path.relative_to(tree).as_posix(): (file.wild, file.deep) for file in files} == found


def test_the_name_of_the_root_is_no_pattern(tmp_path) -> None:
    root = tmp_path / "what * is this?"
    (root / "images").mkdir(parents=True)
    (root / "images" / "1.png").touch()
    assert len(image_files(root, "images")) == len(image_files(root, "images/*.png")) == 1


def test_a_search_without_end_is_refused(tree, monkeypatch) -> None:
    monkeypatch.setattr(patterns, "MOST_ENTRIES", 5)
    with pytest.raises(InputError, match=r"too many files(.|\n)*at most 5"):
        image_files(tree, "**/*.png")
