"""Unpacking: every format, and nothing that an archive made to do harm could want."""

import gzip
import io
import random
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from data.download.archives import (
    PACKED,
    tar_kind,
    write_rar,
    write_tar,
    write_zip,
    write_zip_link,
)
from fundus_unet.core.errors import InputError
from fundus_unet.data.download import archive_formats
from fundus_unet.data.download.bad_archive import BadArchiveError
from fundus_unet.data.download.unpack import Allowance, Unpacking
from running import contents

FILES = {"set/a.png": b"a" * 1000, "set/labels/b.png": random.Random(0).randbytes(3000)}
WEIRD = {
    "absolute": "/etc/passwd",
    "parent": "../out.png",
    "parent inside": "a/../../out.png",
    "drive letter": "C:/out.png",
    "backslash": "a\\..\\..\\out.png",
    "NUL of Windows": "NUL.png",
    "dot at the end": "a./b.png",
    "blank at the end": "a /b.png",
    "control character": "a\x1b[2J.png",
    "line feed": "a\nb.png",
    "reading direction": "a\u202egnp.exe",
    "too long": "a" * 250,
    "too deep": "a/" * 30 + "b.png",
    "no name": ".",
}


def unpacking(limit: int = 10**6, files: int = 100, layout: tuple[str, ...] = ()) -> Unpacking:
    return Unpacking(Allowance(limit, files), layout)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "around" / "into"
    folder.mkdir(parents=True)
    return folder


def refused(archive: Path, into: Path, *, limit: int = 10**6, files: int = 100, match: str = ".") -> None:
    """It is refused, and nothing is outside the folder that is thrown away."""
    around = contents(into.parent)
    with pytest.raises(BadArchiveError, match=match):
        unpacking(limit, files).unpack(archive, into)
    shutil.rmtree(into)
    assert contents(into.parent) == {name: data for name, data in around.items() if not name.startswith("into/")}
    assert not any(path.is_symlink() for path in into.parent.rglob("*"))


WRITERS = {
    "zip": lambda path: write_zip(path, FILES),
    "stored.zip": lambda path: write_zip(path, FILES, zipfile.ZIP_STORED),
    "tar": lambda path: write_tar(path, FILES),
    "tar.gz": lambda path: write_tar(path, FILES, "w:gz"),
    "tar.bz2": lambda path: write_tar(path, FILES, "w:bz2"),
    "tar.xz": lambda path: write_tar(path, FILES, "w:xz"),
    "rar": lambda path: write_rar(path, FILES),
}


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("named", [True, False], ids=["named", "without its ending"])
def test_every_format(tmp_path: Path, into: Path, ending: str, named: bool) -> None:
    archive = WRITERS[ending](tmp_path / (f"a.{ending}" if named else "34969398"))
    told = []
    Unpacking(Allowance(10**6, 100), told=told.append).unpack(archive, into)
    assert contents(into) == FILES
    assert sum(told) == 4000


def test_a_single_file_that_is_compressed(tmp_path: Path, into: Path) -> None:
    (tmp_path / "a.ppm.gz").write_bytes(gzip.compress(b"P6"))
    unpacking().unpack(tmp_path / "a.ppm.gz", into)
    assert contents(into) == {"a.ppm": b"P6"}


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>", b"\x89PNG\r\n\x1a\n1234"])
def test_what_is_no_archive(tmp_path: Path, into: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    words = "web page" if b"html" in content else "an empty file" if not content else "begins with"
    refused(tmp_path / "a.zip", into, match=words)


@pytest.mark.parametrize("ending", WRITERS)
def test_half_an_archive(tmp_path: Path, into: Path, ending: str) -> None:
    archive = WRITERS[ending](tmp_path / f"a.{ending}")
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size * 3 // 10])
    refused(archive, into)


@pytest.mark.parametrize("ending", ["zip", "stored.zip", "tar.gz", "tar.xz", "rar"])
def test_a_byte_that_has_changed(tmp_path: Path, into: Path, ending: str) -> None:
    """A tar alone has no sums of contents; there the file list's are the ones that tell."""
    archive = WRITERS[ending](tmp_path / f"a.{ending}")
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 255
    archive.write_bytes(data)
    refused(archive, into, match=r"is (damaged|no archive)")


@pytest.mark.parametrize("name", WEIRD.values(), ids=WEIRD)
@pytest.mark.parametrize("kind", ["zip", "tar", "rar"])
def test_names_that_are_refused(tmp_path: Path, into: Path, name: str, kind: str) -> None:
    write = {"zip": write_zip, "tar": write_tar, "rar": write_rar}[kind]
    archive = write(tmp_path / f"bad.{kind}", {"ok.png": b"1", name: b"2"})
    refused(archive, into)


@pytest.mark.parametrize(
    "second", ["a.png", "A.png", "./a.png", "a.png/b.png"], ids=["twice", "in capitals", "with a dot", "below a file"]
)
@pytest.mark.parametrize("write", [write_zip, write_tar, write_rar])
def test_names_that_collide(tmp_path: Path, into: Path, write, second: str) -> None:
    archive = tmp_path / "bad"
    if second == "a.png":
        archive = tmp_path / "twice.tar"
        with tarfile.open(archive, "w") as tar:
            for content in (b"1", b"2"):
                info = tarfile.TarInfo("a.png")
                info.size = 1
                tar.addfile(info, io.BytesIO(content))
    else:
        write(archive, {"a.png": b"1", second: b"2"})
    refused(archive, into, match="every name once")


def test_folders_that_collide(tmp_path: Path, into: Path) -> None:
    refused(write_zip(tmp_path / "a.zip", {"images/a.png": b"1", "Images/b.png": b"2"}), into, match="every name once")


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc"),
        (tarfile.SYMTYPE, ".."),
        (tarfile.LNKTYPE, "ok.png"),
        (tarfile.LNKTYPE, "/etc/passwd"),
        (tarfile.FIFOTYPE, ""),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
    ],
)
def test_links_and_devices_in_a_tar(tmp_path: Path, into: Path, kind: bytes, target: str) -> None:
    archive = write_tar(tmp_path / "a.tar", {"ok.png": b"1", "x": tar_kind(kind, target), "x/out.png": b"2"})
    refused(archive, into, match="a link or a device")


def test_links_in_a_zip_and_a_rar(tmp_path: Path, into: Path) -> None:
    refused(write_zip_link(tmp_path / "a.zip", "x", "/etc"), into, match="a link or a device")
    into.mkdir()
    refused(write_rar(tmp_path / "a.rar", {"x": b""}, link_to="/etc"), into, match="a link or a device")


def test_a_password(tmp_path: Path, into: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"a.png": b"1"})
    data = archive.read_bytes().replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00")
    archive.write_bytes(data)
    refused(archive, into, match="password")


class TestBombs:
    @pytest.mark.parametrize("kind", ["zip", "tar.gz", "gz"])
    def test_what_comes_is_counted(self, tmp_path: Path, into: Path, kind: str) -> None:
        archive = tmp_path / f"a.{kind}"
        if kind == "gz":
            archive.write_bytes(gzip.compress(b"0" * 10**8))
        elif kind == "zip":
            write_zip(archive, {"a.png": b"0" * 10**8})
        else:
            write_tar(archive, {"a.png": b"0" * 10**8}, "w:gz")
        assert archive.stat().st_size < 10**6
        refused(archive, into, limit=10**7, match="more than this set can have")

    def test_a_size_that_is_a_lie(self, tmp_path: Path, into: Path) -> None:
        archive = write_zip(tmp_path / "a.zip", {"a.png": b"0" * 10**7})
        data = archive.read_bytes().replace((10**7).to_bytes(4, "little"), (10).to_bytes(4, "little"))
        archive.write_bytes(data)
        refused(archive, into)

    def test_files_without_end(self, tmp_path: Path, into: Path) -> None:
        archive = write_zip(tmp_path / "a.zip", {f"{number}.png": b"" for number in range(200)})
        refused(archive, into, match="more than this set can have")

    def test_folders_and_junk_without_end(self, tmp_path: Path, into: Path) -> None:
        archive = write_zip(tmp_path / "a.zip", {f"{number}/": b"" for number in range(200)})
        refused(archive, into, match="more than this set can have")

    def test_archives_in_archives_share_one_allowance(self, tmp_path: Path, into: Path) -> None:
        inner = write_zip(tmp_path / "inner.zip", {"a.png": b"0" * 10**6}).read_bytes()
        archive = write_zip(tmp_path / "a.zip", {f"{number}/inner.zip": inner for number in range(20)})
        refused(archive, into, limit=10**7, match="more than this set can have")

    def test_archives_in_archives_in_archives_in_archives(self, tmp_path: Path, into: Path) -> None:
        data = b"1"
        for number in range(4):
            data = write_zip(tmp_path / f"{number}.zip", {"a.zip": data}).read_bytes()
        refused(tmp_path / "3.zip", into, match="archives in archives")


class TestLayout:
    def test_an_archive_called_as_a_folder_of_the_set_fills_that_folder(self, tmp_path: Path, into: Path) -> None:
        """STARE's hold the files alone; DRIVE's bring their folder along."""
        flat = write_tar(tmp_path / "labels-ah.tar", {"im1.ah.ppm.gz": b"1"})
        own = write_zip(tmp_path / "training.zip", {"training/images/21.tif": b"2"})
        for archive in (flat, own):
            unpacking(layout=("labels-ah", "training")).unpack(archive, into)
        assert contents(into) == {"labels-ah/im1.ah.ppm.gz": b"1", "training/images/21.tif": b"2"}

    def test_archives_inside_are_unpacked_where_they_lie(self, tmp_path: Path, into: Path) -> None:
        inner = {
            half: write_zip(tmp_path / half, {f"{half[:-4]}/a.tif": b"1"}) for half in ("training.zip", "test.zip")
        }
        outer = write_zip(tmp_path / "d.zip", {f"DRIVE/{half}": path.read_bytes() for half, path in inner.items()})
        unpacking(layout=("training", "test")).unpack(outer, into)
        assert contents(into) == {"DRIVE/training/a.tif": b"1", "DRIVE/test/a.tif": b"1"}

    def test_a_table_is_no_archive_to_unpack(self, tmp_path: Path, into: Path) -> None:
        """An .xlsx is a zip, and an image that is packed alone stays packed."""
        table = write_zip(tmp_path / "Data.xlsx", {"sheet.xml": b"1"}).read_bytes()
        archive = write_zip(tmp_path / "a.zip", {"Data.xlsx": table, "im1.ppm.gz": gzip.compress(b"P6")})
        unpacking().unpack(archive, into)
        assert contents(into).keys() == {"Data.xlsx", "im1.ppm.gz"}

    def test_junk_is_left_out(self, tmp_path: Path, into: Path) -> None:
        names = ["__MACOSX/._a.png", ".DS_Store", "train/Thumbs.db", "._a.png", "a.png"]
        unpacking().unpack(write_zip(tmp_path / "a.zip", dict.fromkeys(names, b"1")), into)
        assert contents(into) == {"a.png": b"1"}

    def test_a_file_that_two_archives_bring(self, tmp_path: Path, into: Path) -> None:
        archives = [write_zip(tmp_path / name, {"images/a.png": b"1"}) for name in ("1.zip", "2.zip")]
        unpacking().unpack(archives[0], into)
        with pytest.raises(InputError, match=r"a\.png comes twice"):
            unpacking().unpack(archives[1], into)


def test_a_rar_that_is_compressed_names_the_tools(tmp_path: Path, into: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    archive = write_rar(tmp_path / "a.rar", {"a.png": b"1"}, method=PACKED)
    with pytest.raises(InputError, match="unrar, unar, 7z or bsdtar") as told:
        unpacking().unpack(archive, into)
    assert not isinstance(told.value, BadArchiveError), "the archive is not at fault, and is kept"


def test_a_full_disk_is_no_fault_of_the_archive(tmp_path: Path, into: Path, monkeypatch) -> None:
    archive = write_zip(tmp_path / "a.zip", FILES)

    class Full(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive_formats.zipfile.ZipFile, "open", lambda *_: Full())
    with pytest.raises(InputError, match="is full") as told:
        unpacking().unpack(archive, into)
    assert not isinstance(told.value, BadArchiveError)


def test_a_folder_is_copied_and_stays(tmp_path: Path, into: Path) -> None:
    own = tmp_path / "mine"
    (own / "images").mkdir(parents=True)
    (own / "images" / "a.png").write_bytes(b"1")
    (own / ".DS_Store").write_bytes(b"2")
    write_zip(own / "labels.zip", {"labels/a.png": b"3"})
    before = contents(own)
    unpacking(layout=("labels",)).copy(own, into)
    assert contents(into) == {"images/a.png": b"1", "labels/a.png": b"3"}
    assert contents(own) == before
