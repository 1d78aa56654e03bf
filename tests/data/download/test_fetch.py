"""One file: whole, in parts, from another mirror, or not at all."""

import errno
import hashlib
import json
import os
import random
import shutil
import socket
from pathlib import Path

import pytest

from data.download.serving import Served
from fundus_unet.core.errors import InputError
from fundus_unet.data.download.fetch import fetch
from fundus_unet.data.download.http_download import ATTEMPTS, ResumingDownload

DATA = random.Random(0).randbytes(1_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
LIMIT = 10**7


def write_part(folder: Path, part: bytes, url: str, condition: str | None) -> None:
    """What an earlier call left of `a.zip`."""
    (folder / "a.zip.part").write_bytes(part)
    (folder / "a.zip.from").write_text(json.dumps({"url": url, "condition": condition}))


def names(folder: Path) -> set[str]:
    return set(os.listdir(folder))


def test_a_whole_file(served: Served, tmp_path: Path) -> None:
    served.files["/a.zip"] = DATA
    told = []
    path = tmp_path / "new" / "a.zip"
    got = fetch([served.url("/a.zip")], path, LIMIT, SHA256, progress=lambda done, total: told.append((done, total)))
    assert got == served.url("/a.zip")
    assert path.read_bytes() == DATA
    assert names(path.parent) == {"a.zip"}
    assert told[-1] == (len(DATA), len(DATA))


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_what_is_there_is_not_loaded_again(served: Served, tmp_path: Path, sha256: str | None) -> None:
    (tmp_path / "a.zip").write_bytes(DATA)
    assert fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT, sha256) is None
    assert served.asked == []


def test_what_is_there_with_another_content_is_loaded_again(served: Served, tmp_path: Path) -> None:
    served.files["/a.zip"] = DATA
    (tmp_path / "a.zip").write_bytes(DATA[:-1])
    fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT, SHA256)
    assert (tmp_path / "a.zip").read_bytes() == DATA


def test_a_cut_connection_is_taken_up_where_it_ended(served: Served, tmp_path: Path) -> None:
    served.files["/a.zip"] = DATA
    served.breaks["/a.zip"] = [300_000, 200_000]
    fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT)  # no sum is needed to go on
    assert (tmp_path / "a.zip").read_bytes() == DATA
    assert [range_ for _, range_ in served.asked] == [None, "bytes=300000-", "bytes=500000-"]


def test_what_came_before_a_server_is_given_up_is_kept(served: Served, tmp_path: Path) -> None:
    served.files["/a.zip"] = DATA
    served.breaks["/a.zip"] = [400_000, *[0] * (ATTEMPTS - 1)]
    with pytest.raises(InputError, match=r"0\.4 MB came and are kept"):
        fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT, SHA256)
    assert names(tmp_path) == {"a.zip.part", "a.zip.from"}
    assert (tmp_path / "a.zip.part").read_bytes() == DATA[:400_000]
    served.asked.clear()
    fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT, SHA256)
    assert served.asked == [("/a.zip", "bytes=400000-")]
    assert (tmp_path / "a.zip").read_bytes() == DATA
    assert names(tmp_path) == {"a.zip"}


def test_a_file_that_has_changed_meanwhile_is_begun_again(served: Served, tmp_path: Path) -> None:
    served.files["/a.zip"] = DATA[::-1]
    served.breaks["/a.zip"] = [400_000, *[0] * (ATTEMPTS - 1)]
    with pytest.raises(InputError):
        fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT)
    served.files["/a.zip"], served.tag = DATA, '"2"'
    fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT)
    assert (tmp_path / "a.zip").read_bytes() == DATA


@pytest.mark.parametrize("change", ["no ranges", "weak tag", "another address", "no note"])
def test_where_nothing_tells_that_the_part_fits_the_file_is_begun_again(served, tmp_path, change) -> None:
    served.files["/a.zip"] = served.files["/b.zip"] = DATA
    served.tag = 'W/"1"' if change == "weak tag" else served.tag
    write_part(tmp_path, b"x" * 1000, served.url("/a.zip"), None)
    if change == "no note":
        (tmp_path / "a.zip.from").unlink()
    served.ranges = change != "no ranges"
    address = "/b.zip" if change == "another address" else "/a.zip"
    fetch([served.url(address)], tmp_path / "a.zip", LIMIT)
    assert (tmp_path / "a.zip").read_bytes() == DATA


def test_a_part_that_is_the_whole_file_is_taken(served: Served, tmp_path: Path) -> None:
    """The process was killed between the last byte and the renaming."""
    served.files["/a.zip"] = DATA
    write_part(tmp_path, DATA, served.url("/a.zip"), '"1"')
    fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT, SHA256)
    assert served.asked == [("/a.zip", "bytes=1000000-")]
    assert (tmp_path / "a.zip").read_bytes() == DATA


def test_a_corrupted_file_is_thrown_away_and_the_next_mirror_asked(served: Served, tmp_path: Path) -> None:
    served.files["/bad/a.zip"] = DATA[:-1] + b"!"
    served.files["/good/a.zip"] = DATA
    assert fetch([served.url("/bad/a.zip"), served.url("/good/a.zip")], tmp_path / "a.zip", LIMIT, SHA256).endswith(
        "/good/a.zip"
    )
    assert (tmp_path / "a.zip").read_bytes() == DATA
    with pytest.raises(InputError, match="SHA-256"):
        fetch([served.url("/bad/a.zip")], tmp_path / "b.zip", LIMIT, SHA256)
    assert names(tmp_path) == {"a.zip"}


@pytest.mark.parametrize("status", [202, 403, 404, 500, 503])
def test_an_http_error_names_the_address_and_the_next_mirror_is_asked(served, tmp_path, status) -> None:
    served.files["/bad"] = served.files["/a.zip"] = DATA
    served.status["/bad"] = status
    fetch([served.url("/bad"), served.url("/a.zip")], tmp_path / "a.zip", LIMIT, SHA256)
    advice = "give the same command again.*or ask" if status >= 500 else "ask"
    with pytest.raises(InputError, match=rf"{served.address}/bad: HTTP {status}(.|\n)*what to do: {advice}"):
        fetch([served.url("/bad")], tmp_path / "b.zip", LIMIT, SHA256, fix="ask somebody")
    assert names(tmp_path) == {"a.zip"}


def test_redirections_are_followed_but_not_for_ever(served: Served, tmp_path: Path) -> None:
    served.files["/a.zip"] = DATA
    served.moved |= {"/old": "/older", "/older": "/a.zip", "/round": "/round"}
    fetch([served.url("/old")], tmp_path / "a.zip", LIMIT, SHA256)
    assert (tmp_path / "a.zip").read_bytes() == DATA
    with pytest.raises(InputError, match="redirects"):
        fetch([served.url("/round")], tmp_path / "b.zip", LIMIT)


def test_a_redirection_to_a_file_of_this_machine_is_not_followed(served: Served, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    served.moved["/a.zip"] = f"file://{tmp_path}/secret"
    with pytest.raises(InputError, match="cannot be loaded"):
        fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT)
    assert names(tmp_path) == {"secret"}


def test_a_web_page_is_no_archive(served: Served, tmp_path: Path) -> None:
    """What a server sends that wants to see a person first."""
    served.files["/a.zip"], served.content_type = b"<html>Are you human?</html>", "text/html; charset=utf-8"
    with pytest.raises(InputError, match="a web page came"):
        fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT)
    assert names(tmp_path) == set()


@pytest.mark.parametrize("sized", [True, False])
def test_more_than_the_file_can_have_is_not_loaded(served: Served, tmp_path: Path, sized: bool) -> None:
    served.files["/a.zip"], served.sized = DATA, sized
    with pytest.raises(InputError, match=r"(larger|more) than"):
        fetch([served.url("/a.zip")], tmp_path / "a.zip", len(DATA) - 1)
    assert not (tmp_path / "a.zip.part").exists()


def test_no_network(served: Served, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        urls = [f"http://127.0.0.1:{free.getsockname()[1]}/a.zip", "http://nowhere.invalid/a.zip"]
    with pytest.raises(InputError, match="no server can be reached") as told:
        fetch(urls, tmp_path / "a.zip", LIMIT, fix="take another way")
    assert "refused" in str(told.value)
    assert "nowhere.invalid" in str(told.value)
    assert "take another way" in str(told.value)
    assert names(tmp_path) == set()


class TestFullDisk:
    def test_it_is_asked_for_before_a_byte_is_written(self, served, tmp_path, monkeypatch) -> None:
        served.files["/a.zip"] = DATA
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=999_999))
        with pytest.raises(InputError, match=r"room for 1\.0 MB more(.|\n)*1\.0 MB free"):
            fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT)
        assert names(tmp_path) == set()

    def test_where_it_fills_all_the_same_the_part_is_kept(self, served, tmp_path, monkeypatch) -> None:
        served.files["/a.zip"] = DATA
        served.breaks["/a.zip"] = [400_000]
        write, calls = ResumingDownload._write, []

        def full(self: ResumingDownload, *arguments: object) -> bool:
            calls.append(arguments)
            if len(calls) == 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(self, *arguments)

        monkeypatch.setattr(ResumingDownload, "_write", full)
        with pytest.raises(InputError, match=r"is full(.|\n)*room for 0\.6 MB more"):
            fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT)
        assert (tmp_path / "a.zip.part").stat().st_size == 400_000
        fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT, SHA256)
        assert served.asked[-1] == ("/a.zip", "bytes=400000-")
        assert (tmp_path / "a.zip").read_bytes() == DATA


def test_an_interruption_keeps_the_part(served: Served, tmp_path: Path) -> None:
    served.files["/a.zip"] = DATA

    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT, SHA256, progress=interrupt)
    assert names(tmp_path) == {"a.zip.part", "a.zip.from"}
    fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT, SHA256)
    assert served.asked[-1][1] is not None
    assert (tmp_path / "a.zip").read_bytes() == DATA


def test_the_wrong_part_of_a_file_is_refused(served: Served, tmp_path: Path, monkeypatch) -> None:
    """A server that gives bytes from another place than was asked for must not give a file of two halves."""
    served.files["/a.zip"] = DATA
    write_part(tmp_path, DATA[:1000], served.url("/a.zip"), '"1"')
    place = ResumingDownload._place

    def elsewhere(self, answer, asked):
        answer.headers["Content-Range"] = "bytes 5-9/10"
        return place(self, answer, asked)

    monkeypatch.setattr(ResumingDownload, "_place", elsewhere)
    with pytest.raises(InputError, match="another part"):
        fetch([served.url("/a.zip")], tmp_path / "a.zip", LIMIT)
    assert not (tmp_path / "a.zip").exists()
