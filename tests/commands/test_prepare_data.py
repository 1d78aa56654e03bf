"""`data get`: what it says, and from nothing to a training in three commands."""

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from data.layouts import write_drive, write_stare
from fundus_unet.commands import prepare_data
from fundus_unet.commands.config_files import group_options
from fundus_unet.commands.help_text import help_text
from fundus_unet.data.download import checksums
from fundus_unet.data.download.addresses import PUBLISHED
from fundus_unet.data.download.checksums import ABOUT, LIST, published, read_list, sums_of
from fundus_unet.data.sets.locate import Origin
from running import ROOT, TINY, Scripts, contents, refused, succeeded


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def real_address(real_data: Path) -> Iterator[str]:
    """The real images as Python's own server gives them, which knows no ranges."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(real_data)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_sets_are_listed_with_their_terms(scripts: Scripts) -> None:
    out = succeeded(scripts("prepare_data")).out
    for row in PUBLISHED.values():
        assert row.key in out
        assert row.licence.split()[0] in out
    assert max(map(len, out.splitlines()[:-1])) <= 80
    assert not (scripts.folder / "data").exists()


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["chase"], ["did you mean 'chasedb1'"]),
        (["LES-AV"], ["did you mean 'les_av'"]),
        (["chasedb1", "hrf"], ["one set at a time"]),
        (
            ["chasedb1", "source=127.0.0.1:9/x.zip", "paths.data_dir=a/b"],
            ["did you mean source=http://127.0.0.1:9/x.zip?"],
        ),
        (["drive", "paths.data_dir=else"], ["'source=[training.zip,test.zip]' paths.data_dir=else"]),
        (["chasedb1", "source=sets/CHASE_DB1", "paths.data_dir=a/b"], ["another content"]),
        (["drive"], ["drive.grand-challenge.org", "prohibited", "source=PATH"]),
        (["les_av"], ["11857698", "commercial", "source=PATH"]),
        (["chasedb1", "source=nowhere.zip"], ["nowhere.zip is not there"]),
        (["chasedb1", "source=[]"], ["source cannot be used"]),
        (["chasedb1", "paths.data_dir=sets/CHASE_DB1/Image_01L.jpg"], ["is no folder"]),
    ],
    ids=str,
)
def test_what_is_refused(scripts: Scripts, overrides: list[str], words: list[str]) -> None:
    before = contents(scripts.folder)
    refused(scripts("prepare_data", *overrides), *words)
    assert contents(scripts.folder) == before


def test_what_the_user_has_and_what_is_next(scripts: Scripts) -> None:
    write_drive(scripts.folder / "my (1) DRIVE", test_labels=False)
    told = succeeded(scripts("prepare_data", "drive", "source=my (1) DRIVE", "paths.data_dir=got"))
    assert "DRIVE is in got/DRIVE" in told.out
    assert "16 train, 4 val, 20 test" in told.out
    assert "the test images have no labels" in told.out
    assert "train.py data=drive paths.data_dir=got" in told.out
    again = succeeded(scripts("prepare_data", "drive", "paths.data_dir=got"))
    assert "already in got/DRIVE: verified, 100 files" in again.out


def test_a_part_of_a_set_is_told_with_what_gets_the_whole(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    write_drive(scripts.folder / "half" / "DRIVE")
    shutil.rmtree(scripts.folder / "half" / "DRIVE" / "test")
    monkeypatch.setattr(prepare_data, "Console", functools.partial(Console, width=60))
    told = succeeded(scripts("prepare_data", "drive", "source=test.zip", "paths.data_dir=half")).out
    words = " ".join(told.split())
    assert "DRIVE is already in half/DRIVE, your own copy: nothing was written source was not read" in words
    assert "DRIVE in half/DRIVE is incomplete: 20 of 40 images (no test images)" in words
    assert "whole set move half/DRIVE away, then:" in words
    assert "prepare_data.py drive 'source=[training.zip,test.zip]' paths.data_dir=half" in told
    assert max(len(line) for line in told.split("images  ")[1].splitlines() if ".py" not in line) <= 60


@pytest.mark.parametrize(
    ("name", "usage"), [("data get", "[SET] [KEY=VALUE ...]"), ("data check", "SET [KEY=VALUE ...]")]
)
def test_the_help_says_that_a_set_stands_alone(name: str, usage: str) -> None:
    assert f"usage: fundus-unet {name} {usage}\n" in help_text(name)


def test_several_sources(scripts: Scripts) -> None:
    write_stare(scripts.folder / "mine", packed=True)
    parts = ",".join(f"mine/{part}" for part in ("labels-ah", "stare-images", "labels-vk"))
    (scripts.folder / "flat").mkdir()
    succeeded(scripts("prepare_data", "stare", f"source=[{parts}]", "paths.data_dir=flat"))
    assert len(list((scripts.folder / "flat" / "STARE").glob("*.ppm.gz"))) == 60


def test_a_copy_of_the_users_that_is_not_as_published(scripts: Scripts) -> None:
    before = contents(scripts.folder / "sets")  # drawn, with the real names
    refused(scripts("prepare_data", "chasedb1", "paths.data_dir=sets"), "not as it was published", "Image_01L.jpg")
    assert contents(scripts.folder / "sets") == before


class TestTable:
    @pytest.mark.parametrize("row", PUBLISHED.values(), ids=PUBLISHED)
    def test_every_address_says_where_it_was_read(self, row) -> None:
        assert row.page.startswith("https://")
        for archive in row.archives:
            assert archive.urls
            assert archive.read_in
            assert all(url.startswith(("https://", "http://")) for url in archive.urls)
            assert archive.sha256 is None or len(archive.sha256) == 64
        assert row.archives or row.how, "a set that is not loaded says how it is had"
        assert row.largest > (row.download or 0)

    @pytest.mark.parametrize(("folder", "count"), [("CHASE_DB1", 84), ("HRF", 35), ("STARE", 0)])
    def test_lists_that_come_with_the_project(self, folder: str, count: int) -> None:
        assert len(published(folder)) == count

    def test_no_address_stands_twice(self) -> None:
        urls = {row.page for row in PUBLISHED.values()} | {
            url for row in PUBLISHED.values() for archive in row.archives for url in archive.urls
        }
        modules = [path for path in (ROOT / "src").rglob("*.py") if path.name != "addresses.py"]
        assert not [url for path in modules for url in urls if url in path.read_text(encoding="utf-8")]

    @pytest.mark.parametrize("option", PUBLISHED)
    def test_a_missing_set_names_the_command_that_gets_it(self, option: str) -> None:
        given = (
            ""
            if PUBLISHED[option].archives
            else {"drive": " 'source=[training.zip,test.zip]'"}.get(option, " source=PATH")
        )
        assert Origin.of(option).advice().endswith(f"data get {option}{given}")
        elsewhere = Origin.of(option).advice(Path("other"))
        assert elsewhere.endswith(f"data get {option}{given} paths.data_dir=other")


@pytest.mark.real
def test_the_lists_are_of_the_real_files(real_data: Path) -> None:
    whole = read_list(real_data / "SHA256SUMS")
    for folder in ("CHASE_DB1", "HRF"):
        own = {name.removeprefix(f"{folder}/"): sha256 for name, sha256 in whole.items() if name.startswith(folder)}
        assert published(folder) == own


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize(("option", "files"), [("chasedb1", 84), ("hrf", 35)])
def test_from_nothing_to_a_training(
    scripts: Scripts, real_address: str, monkeypatch: pytest.MonkeyPatch, option: str, files: int
) -> None:
    # an untrained network fills eight megapixels with vessel, which takes seconds to thin for every threshold
    monkeypatch.setattr("fundus_unet.metrics.mask_choice.THRESHOLDS", (0.4, 0.6))
    folder = PUBLISHED[option].folder
    got = succeeded(scripts("prepare_data", option, f"source={real_address}/{folder}/"))
    assert f"verified {files} files: {files} with the published sums" in got.out
    again = " ".join(succeeded(scripts("prepare_data", option)).out.split())
    assert ("15 of 45 images (no test images). For the whole set move data/HRF away, then:" in again) == (
        option == "hrf"
    )
    made = scripts.folder / "data" / folder
    assert sums_of(made) == published(folder) == read_list(made / LIST)
    assert f"{real_address}/{folder}/" in (made / ABOUT).read_text()
    if (ROOT / "scripts" / "check_data.py").is_file():
        succeeded(scripts("check_data", option))
    small = ("data.scale=0.1", "data.steps_per_epoch=2", "trainer.max_epochs=1", "trainer.log_every_n_steps=1")
    trained = succeeded(scripts("train", f"data={option}", *TINY, *small))
    assert trained.run_directory.is_dir()
    assert checksums.differences(made, published(folder)) == []


def test_every_published_set_can_be_trained_on() -> None:
    assert PUBLISHED.keys() <= set(group_options("data"))
