"""What the page says, and which file it replaces."""

import json
import re
from pathlib import Path

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.inference.manifest import Manifest
from fundus_unet.inference.page import Page, Selection
from fundus_unet.inference.record import Record

HOSTILE = '<img src=x onerror="document.title=1">&</script><!--.png'


def page(folder: Path) -> Page:
    return Page(Manifest(folder, 0, "settings"), {"model": "<b>tiny</b>", "threshold": 0.4})


def selection(*records: Record) -> Selection:
    found = Selection()
    for record in records:
        found.add(record)
    return found


def made(folder: Path, image: Path, *files: str) -> Record:
    Manifest(folder, 0, "settings").claim([(image, {folder / file: b"content" for file in files})])
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"content")
    return Record(
        str(image),
        "ok",
        width=60,
        height=40,
        vessel_fraction=0.1,
        vessel_length_px=9.0,
        vessel_length_per_fov_diameter=3.0,
    )


def data_of(folder: Path) -> dict:
    text = (folder / "index.html").read_text()
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_it_links_what_was_made_of_each_image_and_embeds_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    records = [
        made(out, tmp_path / "photos/deep/a.jpg", "thumbnail/deep/a.jpg", "mask/deep/a.png"),
        made(out, tmp_path / "photos/b #1.png", "overlay/b #1.jpg"),
        Record(str(tmp_path / "photos/c.png"), "error", message="it is empty"),
    ]
    page(out).write(selection(*records))
    data = data_of(out)
    kinds = [kind for kind, _ in data["kinds"]]
    shown = {row[0].rpartition("/")[2]: row for row in data["rows"]}
    assert {name: row[1] for name, row in shown.items()} == {
        "a.jpg": "../photos/deep/a.jpg",
        "b #1.png": "../photos/b%20%231.png",
        "c.png": "../photos/c.png",
    }
    assert {name: row[2] for name, row in shown.items()} == {"a.jpg": "deep/a", "b #1.png": "b%20%231", "c.png": ""}
    has = {name: {kind for bit, kind in enumerate(kinds) if row[3] >> bit & 1} for name, row in shown.items()}
    assert has == {"a.jpg": {"thumbnail", "mask"}, "b #1.png": {"overlay"}, "c.png": set()}
    assert shown["a.jpg"][4:] == ["ok", 60, 40, 0.1, 9.0, 3.0, ""]
    assert shown["c.png"][4:] == ["error", None, None, None, None, None, "it is empty"]
    assert (data["total"], data["counts"]) == (3, {"ok": 2, "error": 1})
    text = (out / "index.html").read_text()
    assert re.findall(r'(?:src|href)\s*=\s*"([^"]*)"', text) == ["data:,"]
    assert "url(" not in text


def test_outputs_of_an_image_that_failed_later_are_not_shown(tmp_path: Path) -> None:
    image = made(tmp_path / "out", tmp_path / "a.png", "mask/a.png").image
    page(tmp_path / "out").write(selection(Record(image, "error", message="it is gone")))
    assert data_of(tmp_path / "out")["rows"][0][3] == 0


def test_two_names_of_one_image_both_show_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made(tmp_path / "out", tmp_path / "a.png", "mask/a.png")
    page(tmp_path / "out").write(selection(Record("a.png", "ok"), Record(str(tmp_path / "a.png"), "ok")))
    assert [row[2] for row in data_of(tmp_path / "out")["rows"]] == ["a", "a"]


def test_a_row_of_a_batch_that_was_started_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path / "out", tmp_path / "there/photos/a.png", "mask/a.png")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    page(tmp_path / "out").write(selection(Record("photos/a.png", "ok"), Record("a.jpg", "ok")))
    shown = {row[0]: row[1:3] for row in data_of(tmp_path / "out")["rows"]}
    assert shown == {"photos/a.png": ["../there/photos/a.png", "a"], "a.jpg": ["../here/a.jpg", ""]}


def test_no_name_or_message_becomes_markup(tmp_path: Path) -> None:
    record = Record(f"photos/{HOSTILE}", "warning", message=HOSTILE)
    page(tmp_path).write(selection(record, Record("line\nfeed\x1b[31m\u202e.png", "ok")))
    text = (tmp_path / "index.html").read_text()
    assert "<img" not in text
    assert "<b>" not in text
    assert text.count("</script>") == 2
    rows = data_of(tmp_path)["rows"]
    assert rows[0][0] == f"photos/{HOSTILE}"
    assert rows[0][10] == HOSTILE
    assert rows[1][0] == "line\\x0afeed\\x1b[31m\\u202e.png"


def test_it_is_written_anew_after_every_batch(tmp_path: Path) -> None:
    page(tmp_path).write(selection(Record("a.png", "ok")))
    page(tmp_path).write(selection(Record("a.png", "ok"), Record("b.png", "ok")))
    assert len(data_of(tmp_path)["rows"]) == 2
    before = (tmp_path / "index.html").stat().st_mtime_ns
    page(tmp_path).check()
    assert (tmp_path / "index.html").stat().st_mtime_ns == before


def test_a_file_of_the_users_is_never_replaced(tmp_path: Path) -> None:
    mine = tmp_path / "index.html"
    mine.write_text("my own page")
    for act in (page(tmp_path).check, lambda: page(tmp_path).write(selection(Record("a.png", "ok")))):
        with pytest.raises(InputError, match=r"index\.html was not made by predict") as error:
            act()
        assert "page=false" in str(error.value)
    assert mine.read_text() == "my own page"
    mine.unlink()
    page(tmp_path).write(selection(Record("a.png", "ok")))
    mine.write_text(mine.read_text() + "<p>my note</p>")
    with pytest.raises(InputError, match="has been changed since"):
        page(tmp_path).write(selection(Record("a.png", "ok")))
    assert mine.read_text().endswith("<p>my note</p>")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "notes.html").write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    (out / "index.html").symlink_to(tmp_path / "notes.html")
    with pytest.raises(InputError, match="was not made by predict"):
        page(out).write(selection(Record("a.png", "ok")))
    assert (tmp_path / "notes.html").read_text() == "mine"


def test_a_very_large_table_gives_a_page_of_bounded_size(tmp_path: Path) -> None:
    found = Selection(most=50)
    for number in range(3000):
        found.add(Record(f"photos/{number}.png", "ok"))
    page(tmp_path).write(found)
    data = data_of(tmp_path)
    assert (len(data["rows"]), data["total"], data["counts"]) == (50, 3000, {"ok": 3000})
