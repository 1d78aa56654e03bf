"""A set: there whole and verified, or not there at all."""

import dataclasses
import errno
import hashlib
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from data.download.archives import write_tar, write_zip
from data.download.serving import Served
from data.layouts import write_chasedb1, write_drive, write_hrf, write_stare
from fundus_unet.core.errors import InputError
from fundus_unet.data.download import checksums, http_download, obtain, sources
from fundus_unet.data.download.addresses import PUBLISHED, Archive, Published
from fundus_unet.data.download.checksums import ABOUT, LIST, list_text, read_list, sums_of
from fundus_unet.data.download.room import part_of
from fundus_unet.data.sets.chasedb1 import ChaseDB1
from fundus_unet.data.sets.drive import Drive
from fundus_unet.data.sets.stare import Stare
from running import ROOT, contents

CLASSES = {"chasedb1": ChaseDB1, "stare": Stare, "drive": Drive}
PARTS = ("stare-images", "labels-ah", "labels-vk")


def get(row: Published, data_dir: Path, *source: object):
    """Obtain, and what was printed."""
    console = Console(file=io.StringIO(), width=80)
    found = obtain.obtain(
        row, data_dir, list(map(str, source)), lambda folder: CLASSES[row.key](folder).splits() and None, console
    )
    return found, console.file.getvalue()


@pytest.fixture(scope="module")
def stare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stare(tmp_path_factory.mktemp("data") / "STARE", size=(40, 44), packed=True)


@pytest.fixture(scope="module")
def chasedb1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chasedb1(tmp_path_factory.mktemp("data") / "CHASE_DB1", size=(40, 44))


@pytest.fixture
def listed(chasedb1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The generated CHASE_DB1's own sums, as if they were the published ones."""
    sums = sums_of(chasedb1)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "CHASE_DB1.sha256").write_text(list_text(sums))
    monkeypatch.setattr(checksums, "_FOLDER", tmp_path / "lists")
    return sums


def archives_of(stare: Path, served: Served, folder: Path, known: bool = True) -> Published:
    """STARE's row, with this server's addresses in place of the world's."""
    rows = []
    for part in PARTS:
        files = {path.name: path.read_bytes() for path in (stare / part).iterdir()}
        data = write_tar(folder / f"{part}.tar", files).read_bytes()
        served.files[f"/{part}.tar"] = data
        sha256 = hashlib.sha256(data).hexdigest() if known else None
        urls = (served.url(f"/gone/{part}.tar"), served.url(f"/{part}.tar"))
        rows.append(Archive(f"{part}.tar", urls, "this test", sha256))
    return dataclasses.replace(PUBLISHED["stare"], archives=tuple(rows))


def zipped(folder: Path, path: Path, inside: str = "") -> Path:
    return write_zip(path, {f"{inside}{name}": data for name, data in contents(folder).items()})


def test_from_the_table(stare: Path, served: Served, tmp_path: Path) -> None:
    row = archives_of(stare, served, tmp_path)
    found, told = get(row, tmp_path / "data")
    assert found is None
    made = tmp_path / "data" / "STARE"
    assert os.listdir(tmp_path / "data") == ["STARE"], "nothing is left of how it was made"
    kept = contents(made)
    assert {name: kept.pop(name) for name in (LIST, ABOUT)}.keys() == {LIST, ABOUT}
    assert kept == contents(stare)
    assert read_list(made / LIST) == sums_of(stare)
    about = (made / ABOUT).read_text()
    assert row.licence in about
    assert row.citation in about
    assert row.page in about
    assert "60 at this time, since there was no sum to compare them with" in about
    assert "verified 60 files: they came in archives with the published sums" in told
    assert "loaded labels-vk.tar, " in told
    finished = subprocess.run(["sha256sum", "--check", "--quiet", LIST], cwd=made, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


def test_a_second_time_it_is_verified_and_nothing_is_asked(stare: Path, served: Served, tmp_path: Path) -> None:
    row = archives_of(stare, served, tmp_path)
    get(row, tmp_path)
    served.asked.clear()
    before = contents(tmp_path / "STARE")
    found, _ = get(row, tmp_path)
    assert (found.is_ours, found.compared, found.folder) == (True, 60, tmp_path / "STARE")
    assert served.asked == []
    assert contents(tmp_path / "STARE") == before


@pytest.mark.parametrize("fault", ["damaged", "missing", "no longer readable as an image set"])
def test_a_set_that_was_damaged_since_is_named_and_kept(stare, served, tmp_path, fault) -> None:
    row = archives_of(stare, served, tmp_path)
    get(row, tmp_path)
    victim = tmp_path / "STARE" / "labels-ah" / "im0077.ah.ppm.gz"
    if fault == "damaged":
        victim.write_bytes(victim.read_bytes()[:-1] + b"!")
    else:
        victim.unlink()
    if fault.startswith("no longer"):
        (tmp_path / "STARE" / LIST).write_text(list_text(sums_of(tmp_path / "STARE")))
    before = contents(tmp_path / "STARE")
    with pytest.raises(InputError, match=r"im0077\.ah\.ppm"):
        get(row, tmp_path)
    assert contents(tmp_path / "STARE") == before


def test_what_a_killed_process_left_beside_a_whole_set_is_removed(stare: Path, tmp_path: Path, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        get(PUBLISHED["stare"], tmp_path, stare)
    assert set(os.listdir(tmp_path)) == {"STARE", ".STARE.getting"}
    get(PUBLISHED["stare"], tmp_path)
    assert os.listdir(tmp_path) == ["STARE"]


class TestTheUsersOwn:
    def test_it_is_verified_and_never_written_to(self, chasedb1, listed, tmp_path) -> None:
        own = shutil.copytree(chasedb1, tmp_path / "data" / "CHASEDB1")
        found, _ = get(PUBLISHED["chasedb1"], tmp_path / "data", "ignored.zip")
        assert (found.is_ours, found.compared, found.folder) == (False, 84, own)
        assert contents(own) == contents(chasedb1)
        assert os.listdir(tmp_path / "data") == ["CHASEDB1"]

    @pytest.mark.parametrize("fault", ["another content", "missing"])
    def test_what_differs_is_told(self, chasedb1, listed, tmp_path, fault) -> None:
        own = shutil.copytree(chasedb1, tmp_path / "CHASE_DB1")
        victim = own / "Image_03L_1stHO.png"
        if fault == "missing":
            victim.unlink()
        else:
            shutil.copy(own / "Image_04L_1stHO.png", victim)
        before = contents(own)
        with pytest.raises(InputError, match="Image_03L_1stHO") as raised:
            get(PUBLISHED["chasedb1"], tmp_path)
        assert f"move {own} away" in str(raised.value)
        assert contents(own) == before

    @pytest.mark.parametrize("kind", ["a file", "a link to nothing"])
    def test_a_name_that_is_taken(self, tmp_path, kind) -> None:
        path = tmp_path / "STARE"
        path.write_text("mine") if kind == "a file" else path.symlink_to(tmp_path / "nothing")
        with pytest.raises(InputError, match="is no folder"):
            get(PUBLISHED["stare"], tmp_path)
        assert os.path.lexists(path)

    def test_an_empty_folder_is_filled(self, stare, tmp_path) -> None:
        (tmp_path / "data" / "STARE").mkdir(parents=True)
        get(PUBLISHED["stare"], tmp_path / "data", stare)
        assert (tmp_path / "data" / "STARE" / LIST).is_file()

    def test_a_hidden_folder_that_this_command_did_not_make_is_left_alone(self, stare, tmp_path) -> None:
        mine = tmp_path / ".STARE.getting"
        mine.mkdir()
        (mine / "files").write_text("mine")
        with pytest.raises(InputError, match="not made by this command"):
            get(PUBLISHED["stare"], tmp_path, stare)
        assert (mine / "files").read_text() == "mine"


class TestSources:
    @pytest.mark.parametrize("inside", ["", "CHASEDB1/", "a/b/CHASE_DB1/"], ids=["flat", "wrapped", "wrapped thrice"])
    def test_an_archive_that_the_user_has(self, chasedb1, listed, tmp_path, inside) -> None:
        archive = zipped(chasedb1, tmp_path / "mine (1).zip", inside)
        _, told = get(PUBLISHED["chasedb1"], tmp_path / "data", archive)
        assert "verified 84 files: 84 with the published sums" in told
        assert sums_of(tmp_path / "data" / "CHASE_DB1") == listed
        assert archive.is_file()

    def test_a_folder_is_copied(self, chasedb1, listed, tmp_path) -> None:
        _, told = get(PUBLISHED["chasedb1"], tmp_path / "data", chasedb1)
        assert sums_of(tmp_path / "data" / "CHASE_DB1") == listed == sums_of(chasedb1)
        assert "copied, " in told
        assert "unpacked" not in told

    def test_where_nothing_could_be_compared_nothing_is_called_verified(self, stare, tmp_path) -> None:
        _, told = get(PUBLISHED["stare"], tmp_path, stare)
        assert "60 files; no sums are published" in told
        assert "verified" not in told

    @pytest.mark.parametrize("beside", ["HRF", "notes"])
    def test_a_folder_of_folders_is_not_copied(self, chasedb1, listed, tmp_path, beside) -> None:
        shutil.copytree(chasedb1, tmp_path / "sets" / "chasedb1")
        get(PUBLISHED["chasedb1"], tmp_path / "alone", tmp_path / "sets")  # as archives are wrapped
        (tmp_path / "sets" / beside).mkdir()
        with pytest.raises(InputError, match=r"a folder chasedb1 in .*(.|\n)*source=.*sets/chasedb1 paths.data_dir="):
            get(PUBLISHED["chasedb1"], tmp_path / "data", tmp_path / "sets")
        assert not (tmp_path / "data").exists()

    def test_an_address_of_a_folder(self, chasedb1, listed, served, tmp_path) -> None:
        """As any static server gives a folder, `python -m http.server` among them."""
        served.files |= {f"/sets/CHASE_DB1/{name}": data for name, data in contents(chasedb1).items()}
        served.ranges = False
        _, told = get(PUBLISHED["chasedb1"], tmp_path / "data", served.url("/sets/CHASE_DB1/"))
        assert sums_of(tmp_path / "data" / "CHASE_DB1") == listed
        assert "loaded 84 files, " in told

    def test_where_files_cannot_have_two_names_they_are_copied(self, chasedb1, listed, served, tmp_path, monkeypatch):
        def unknown(*_: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", unknown)
        served.files |= {f"/{name}": data for name, data in contents(chasedb1).items()}
        get(PUBLISHED["chasedb1"], tmp_path / "data", served.url("/"))
        assert sums_of(tmp_path / "data" / "CHASE_DB1") == listed

    def test_an_address_of_a_folder_goes_on_with_the_files_that_are_missing(
        self, chasedb1, listed, served, tmp_path
    ) -> None:
        served.files |= {f"/{name}": data for name, data in contents(chasedb1).items()}
        served.status["/Image_07L.jpg"] = 503
        with pytest.raises(InputError, match=r"Image_07L\.jpg: HTTP 503"):
            get(PUBLISHED["chasedb1"], tmp_path / "data", served.url("/"))
        assert not (tmp_path / "data" / "CHASE_DB1").exists()
        served.status.clear()
        before = len(served.asked)
        get(PUBLISHED["chasedb1"], tmp_path / "data", served.url("/"))
        assert sums_of(tmp_path / "data" / "CHASE_DB1") == listed
        assert len(served.asked) == 84 + 1
        assert ("/Image_01L.jpg", None) not in served.asked[before:]

    def test_several_archives_and_archives_in_one(self, tmp_path) -> None:
        """DRIVE as its site gives it: two archives, or one that holds both."""
        drive = write_drive(tmp_path / "mine", size=(40, 44))
        halves = [zipped(drive / half, tmp_path / f"{half}.zip", f"{half}/") for half in ("training", "test")]
        get(PUBLISHED["drive"], tmp_path / "two", *halves)
        both = write_zip(tmp_path / "DRIVE.zip", {f"DRIVE/{half.name}": half.read_bytes() for half in halves})
        get(PUBLISHED["drive"], tmp_path / "one", both)
        (tmp_path / "loaded").mkdir()
        for half in halves:
            shutil.copy(half, tmp_path / "loaded")
        get(PUBLISHED["drive"], tmp_path / "folder", tmp_path / "loaded")
        for made in ("two", "one", "folder"):
            assert sums_of(tmp_path / made / "DRIVE") == sums_of(drive)

    def test_a_set_that_wants_to_be_asked_for_says_where_and_under_which_terms(self, tmp_path) -> None:
        with pytest.raises(InputError, match=r"grand-challenge(.|\n)*account(.|\n)*redistribution(.|\n)*source=PATH"):
            get(PUBLISHED["drive"], tmp_path / "data")
        assert not (tmp_path / "data").exists()

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ("nowhere.zip", "nowhere.zip is not there"),
            ("http://127.0.0.1:9/", "one by one"),
            ("http://127.0.0.1:9", "names no file"),
            ("http://127.0.0.1:9/..", "names no file"),
            ("http://127.0.0.1:9/%2e%2e%2f.x", "names no file"),
        ],
    )
    def test_a_source_that_is_none(self, tmp_path, source, words) -> None:
        with pytest.raises(InputError, match=words):
            get(PUBLISHED["stare"], tmp_path / "data", source)
        assert not (tmp_path / "data").exists()

    @pytest.mark.parametrize(
        ("source", "told"),
        [
            ("https://me:secret@a.org/b/all.zip?key=secret#x", "https://a.org/b/all.zip"),
            ("/home/me/Downloads/all.zip", "all.zip"),
        ],
    )
    def test_what_is_recorded_holds_no_secret(self, tmp_path, monkeypatch, source, told) -> None:
        monkeypatch.setattr(Path, "exists", lambda _: True)
        assert sources.named_sources(PUBLISHED["hrf"], [source]).words == (told,)

    def test_the_name_in_an_address_stays_in_the_folder(self) -> None:
        found = sources.named_sources(PUBLISHED["stare"], ["http://127.0.0.1:9/a/%2e%2e%2fb.zip?c=/d"])
        assert [one.name for one in found.archives] == ["b.zip"]


class TestWhatIsNotTheSet:
    def test_a_file_with_another_content(self, chasedb1, listed, served, tmp_path) -> None:
        changed = shutil.copytree(chasedb1, tmp_path / "changed")
        shutil.copy(changed / "Image_01L.jpg", changed / "Image_02L.jpg")
        served.files["/CHASEDB1.zip"] = zipped(changed, tmp_path / "a.zip").read_bytes()
        with pytest.raises(
            InputError, match=r"not CHASE_DB1 as it was published(.|\n)*Image_02L\.jpg: another content"
        ):
            get(PUBLISHED["chasedb1"], tmp_path / "data", served.url("/CHASEDB1.zip"))
        assert not (tmp_path / "data" / "CHASE_DB1").exists()
        served.files["/CHASEDB1.zip"] = zipped(chasedb1, tmp_path / "a.zip").read_bytes()
        get(PUBLISHED["chasedb1"], tmp_path / "data", served.url("/CHASEDB1.zip"))  # the bad one was not kept
        assert sums_of(tmp_path / "data" / "CHASE_DB1") == listed

    def test_files_that_are_missing(self, stare, served, tmp_path) -> None:
        part = shutil.copytree(stare, tmp_path / "part")
        (part / "stare-images" / "im0324.ppm.gz").unlink()
        with pytest.raises(InputError, match=r"im0324\.ppm"):
            get(PUBLISHED["stare"], tmp_path / "data", part)
        assert not (tmp_path / "data" / "STARE").exists()

    def test_what_comes_beside_the_set(self, chasedb1, listed, tmp_path) -> None:
        set_itself = zipped(chasedb1, tmp_path / "a.zip")
        files = contents(write_hrf(tmp_path / "HRF", size=(24, 24), test=False))
        texts = {"README.txt": b"1", "docs/license.md": b"2"}
        with pytest.raises(InputError, match=r"more came than CHASE_DB1") as raised:
            get(PUBLISHED["chasedb1"], tmp_path / "data", set_itself, write_zip(tmp_path / "b.zip", files | texts))
        assert str(raised.value).count("not of the set") == 3
        assert f"and {len(files) - 3} more" in str(raised.value)
        assert "look like HRF" in str(raised.value)
        assert not (tmp_path / "data").exists()
        get(PUBLISHED["chasedb1"], tmp_path / "data", set_itself, write_zip(tmp_path / "c.zip", texts))
        assert (tmp_path / "data" / "CHASE_DB1" / "README.txt").is_file()

    def test_a_damaged_archive_is_asked_for_again_where_that_helps(self, chasedb1, listed, served, tmp_path) -> None:
        whole = zipped(chasedb1, tmp_path / "a.zip").read_bytes()
        (tmp_path / "cut.zip").write_bytes(whole[:-100])
        served.files["/cut.zip"] = whole[:-100]
        for source, helps in ((tmp_path / "cut.zip", False), (served.url("/cut.zip"), True)):
            with pytest.raises(InputError, match=r"cut\.zip is damaged") as raised:
                get(PUBLISHED["chasedb1"], tmp_path / "data", source)
            assert ("same command again" in str(raised.value)) == helps
            assert PUBLISHED["chasedb1"].page in str(raised.value)

    def test_another_set(self, chasedb1, listed, tmp_path) -> None:
        hrf = write_hrf(tmp_path / "mine", size=(24, 24), test=False)
        with pytest.raises(InputError) as raised:
            get(PUBLISHED["chasedb1"], tmp_path / "sets" / "data", hrf)
        told = str(raised.value)
        assert told.count("not there") == 3
        assert f"it looks like HRF: fundus-unet data get hrf source={hrf} paths.data_dir=" in told
        assert "same command" not in told
        assert not (tmp_path / "sets").exists(), "folders that were made for it are gone again"

    def test_one_of_two_parts(self, tmp_path) -> None:
        drive = write_drive(tmp_path / "mine", size=(40, 44))
        archive = zipped(drive / "test", tmp_path / "test.zip", "test/")
        with pytest.raises(InputError, match=r"give all parts: .*'source=\[training\.zip,test\.zip\]'"):
            get(PUBLISHED["drive"], tmp_path / "data", archive)

    @pytest.mark.parametrize("status", [404, 503])
    def test_the_address_of_a_folder_without_its_last_sign(self, chasedb1, listed, served, tmp_path, status) -> None:
        served.files["/CHASE_DB1"] = b"1"
        served.status["/CHASE_DB1"] = status
        url = served.url("/CHASE_DB1")
        with pytest.raises(InputError, match=rf"put / at the end: .* source={url}/ paths") as raised:
            get(PUBLISHED["chasedb1"], tmp_path / "data", url)
        assert ("same command again" in str(raised.value)) == (status == 503)

    def test_an_archive_made_to_do_harm(self, tmp_path) -> None:
        bad = write_zip(tmp_path / "a.zip", {"../../out.png": b"1"})
        with pytest.raises(InputError, match="stays in its folder"):
            get(PUBLISHED["stare"], tmp_path / "data", bad)
        assert contents(tmp_path).keys() == {"a.zip"}

    def test_an_archive_that_is_at_fault_is_not_kept_one_with_a_known_sum_is(self, stare, served, tmp_path) -> None:
        row = archives_of(stare, served, tmp_path, known=False)
        served.files["/labels-vk.tar"] = b"x" * 100
        with pytest.raises(InputError, match=r"labels-vk\.tar is no archive"):
            get(row, tmp_path / "data")
        assert not (tmp_path / "data" / ".STARE.getting").exists()
        row = archives_of(stare, served, tmp_path)
        served.status["/labels-vk.tar"] = 404
        with pytest.raises(InputError, match="HTTP 404"):
            get(row, tmp_path / "data")
        assert {"stare-images.tar", "labels-ah.tar"} <= contents(tmp_path / "data/.STARE.getting/downloads").keys()


def test_a_full_disk_while_unpacking_keeps_what_was_loaded(stare, served, tmp_path, monkeypatch) -> None:
    row = archives_of(stare, served, tmp_path, known=False)
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
        patch.setattr(http_download, "check_room", lambda *_: None)  # there was room for the archives
        with pytest.raises(InputError, match="is full"):
            get(row, tmp_path / "data")
    served.asked.clear()
    get(row, tmp_path / "data")
    assert served.asked == []
    assert (tmp_path / "data" / "STARE").is_dir()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_stopped_while_it_loads_it_goes_on_where_it_was(stare: Path, served: Served, tmp_path: Path, number) -> None:
    more = {"notes.bin": random.Random(0).randbytes(2**18)}
    served.files["/stare.zip"] = write_zip(tmp_path / "stare.zip", more | contents(stare)).read_bytes()
    served.slow["/stare.zip"] = half = 2**17
    command = [
        *(sys.executable, str(ROOT / "scripts" / "prepare_data.py"), "stare"),
        *(f"source={served.url('/stare.zip')}", "paths.data_dir=data"),
    ]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    part = tmp_path / "data" / ".STARE.getting" / "downloads" / "stare.zip.part"
    _wait_for(lambda: part.exists() and part.stat().st_size == half, process)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == (-9 if number == signal.SIGKILL else 130), told
    assert "Traceback" not in told
    assert not (tmp_path / "data" / "STARE").exists(), "half a set is no set"
    assert part.stat().st_size == half
    if number != signal.SIGKILL:
        size = len(served.files["/stare.zip"])
        assert told.splitlines()[-1] == f"interrupted; {part_of(half, size)} are kept: give the same command again"
    served.slow.clear()
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert served.asked[-1] == ("/stare.zip", f"bytes={half}-")
    assert sums_of(tmp_path / "data" / "STARE").items() >= sums_of(stare).items()
    assert os.listdir(tmp_path / "data") == ["STARE"]


def test_two_at_once(stare: Path, tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="no locks on this system")
    from fundus_unet.data.download.staging import staging

    with staging(tmp_path, "STARE"), pytest.raises(InputError, match="another process"):
        get(PUBLISHED["stare"], tmp_path, stare)


def _wait_for(happened, process: subprocess.Popen) -> None:
    while not happened():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_a_list_of_sums_of_somebody_else_reads_nothing_outside(stare: Path, tmp_path: Path) -> None:
    get(PUBLISHED["stare"], tmp_path / "data", str(stare))
    folder = tmp_path / "data" / "STARE"
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "out").symlink_to(tmp_path)
    whole = (folder / LIST).read_text()
    for name, words in (("out/secret.txt", "a link leads out of the folder"), ("a\x00b", "is no list of checksums")):
        (folder / LIST).write_text(f"{whole}{'0' * 64}  {name}\n")
        with pytest.raises(InputError, match=words) as refused:
            get(PUBLISHED["stare"], tmp_path / "data")
        assert "another content" not in str(refused.value)


def test_a_source_above_the_place_where_it_is_made(stare: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(stare, mine / "all")
    get(PUBLISHED["stare"], mine, str(mine))
    assert contents(mine / "all") == contents(stare)


def test_a_link_to_an_empty_folder_is_told_before_anything_is_loaded(stare: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "STARE").symlink_to(tmp_path / "empty")
    with pytest.raises(InputError, match="a link to an empty folder"):
        get(PUBLISHED["stare"], tmp_path / "data", str(stare))
    assert os.listdir(tmp_path / "data") == ["STARE"]
