"""The same paths as `os.path.realpath`, with fewer questions to the disk."""

import os
from pathlib import Path

import pytest

from fundus_unet.core.real_paths import RealPaths


def test_as_the_system_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "to b").symlink_to("a/b")
    (tmp_path / "a/file").touch()
    (tmp_path / "a/b/link").symlink_to("../file")
    (tmp_path / "a/b/gone").symlink_to("nowhere")
    (tmp_path / "a/b/loop").symlink_to("loop")
    real = RealPaths()
    names = ("link", "gone", "loop", "none", ".", "..", "", "../file", "\udcff")
    for path in [f"{folder}/{name}" for folder in ("a/b", "to b", str(tmp_path / "to b"), "a/./b") for name in names]:
        assert real(path) == os.path.realpath(path), path
    assert [real(path) for path in ("a", "/", "")] == [os.path.realpath(path) for path in ("a", "/", "")]


def test_a_folder_is_looked_up_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, lstat = [], os.lstat
    monkeypatch.setattr(os, "lstat", lambda path, **options: [asked.append(path), lstat(path, **options)][1])
    real = RealPaths()
    for number in range(50):
        (tmp_path / f"{number}.png").touch()
        real(tmp_path / f"{number}.png")
    assert 50 <= len(asked) < 50 + 2 * len(tmp_path.parts)
