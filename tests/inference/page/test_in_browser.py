"""The page as a person has it: in a browser, from the disk, with ten thousand images."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from browser import Browser, browser, needs_browser
from fundus_unet.inference.manifest import Manifest
from fundus_unet.inference.page import Page, Selection
from fundus_unet.inference.record import Record

pytestmark = needs_browser

HOSTILE = '<img src=x onerror="document.title=1"> #1?%41&.png'
IMAGES = 10_000
SHOWN = 'document.getElementById("shown").textContent'
CARDS = 'document.querySelectorAll(".card").length'
FIRST = 'document.querySelector(".card .name").textContent'
LOADED = '(() => { const i = document.querySelector("%s"); return i !== null && i.complete && i.naturalWidth > 0; })()'


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _nothing_goes_wrong(tab: Browser) -> Iterator[None]:
    tab.load("about:blank")
    tab.window(1280, 900)
    tab.problems.clear()
    tab.asked_for.clear()
    yield
    assert tab.problems == []
    assert all(address.startswith(("file:", "data:", "about:")) for address in tab.asked_for)


def picture(colour: tuple[int, int, int], size: tuple[int, int] = (40, 60)) -> bytes:
    return cv2.imencode(".png", np.full((*size, 3), colour, np.uint8))[1].tobytes()


def record(image: Path, number: int, status: str = "ok", message: str | None = None) -> Record:
    return Record(
        str(image),
        status,
        width=60,
        height=40,
        vessel_fraction=(number * 7919 % IMAGES) / IMAGES,
        vessel_length_px=10.0 * number,
        vessel_length_per_fov_diameter=number / 100,
        message=message,
    )


def written(folder: Path, records: list[Record], files: dict[str, dict[str, bytes]]) -> str:
    """Its address, after the files have been made of the images."""
    manifest = Manifest(folder / "out", 0, "settings")
    for image, contents in files.items():
        made = {folder / "out" / name: content for name, content in contents.items()}
        manifest.claim([(Path(image), made)])
        for path, content in made.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    selection = Selection()
    for one in records:
        selection.add(one)
    page = Page(manifest, {"model": "tiny"})
    page.write(selection)
    return page.path.as_uri()


def many(folder: Path) -> str:
    """Ten thousand images, of which the first two hundred have small pictures, their overlays and masks."""
    names = [f"{number:05}.png" for number in range(IMAGES)]
    names[1] = HOSTILE
    photos = folder / "photos"
    records = [record(photos / name, number) for number, name in enumerate(names)]
    records[2] = Record(str(photos / names[2]), "error", message="it is damaged")
    records[3] = record(photos / names[3], 3, "warning", "vessels cover 40.0% of the field of view, which is unusual")
    photos.mkdir()
    files = {}
    for one in records[:2] + records[3:200]:
        image = Path(one.image)
        image.write_bytes(picture((0, 0, 200)))
        stem = image.name.removesuffix(".png")
        files[one.image] = {
            f"thumbnail/{stem}.jpg": picture((9, 9, 9), (40, 120)),
            f"overlay/{stem}.jpg": picture((0, 200, 0)),
            f"mask/{stem}.png": picture((255, 255, 255)),
        }
    return written(folder, records, files)


def test_ten_thousand_images(tab: Browser, tmp_path: Path) -> None:
    tab.load(many(tmp_path))
    assert tab.evaluate(SHOWN) == "10,000 images"
    assert tab.evaluate(CARDS) <= 60
    tab.wait_for(LOADED % ".pair img")
    assert len(tab.asked_for) <= 62  # the page, and what is near the window

    tab.evaluate('{ const s = document.getElementById("sort"); s.value = 3; s.dispatchEvent(new Event("change")); }')
    tab.click("#direction")
    order = [f"{n:05}.png" for n in sorted(range(IMAGES), key=lambda n: -(n * 7919 % IMAGES))]
    assert tab.evaluate(FIRST) == order[0]
    tab.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    tab.settle()
    last = tab.evaluate('[...document.querySelectorAll(".card .name")].at(-1).textContent')
    assert last == "00002.png"  # without a fraction, so last in every order
    assert tab.evaluate(CARDS) <= 60

    tab.evaluate('document.getElementById("filter").focus()')
    tab.write("photos 0999")
    tab.wait_for(f'{SHOWN} === "11 of 10,000 images"')
    assert tab.evaluate(CARDS) == 11
    tab.write(" nowhere")
    tab.wait_for(f'{SHOWN} === "0 of 10,000 images"')
    assert tab.evaluate('document.getElementById("none").hidden') is False


def test_errors_alone(tab: Browser, tmp_path: Path) -> None:
    tab.load(many(tmp_path))
    for status in ("ok", "warning"):
        tab.click(f'#statuses input[value="{status}"]')
    assert tab.evaluate(SHOWN) == "1 of 10,000 images"
    text = tab.evaluate('document.querySelector(".card").innerText')
    assert "it is damaged" in text
    assert "no maps" in text


def test_hostile_names_are_text_and_their_pictures_are_found(tab: Browser, tmp_path: Path) -> None:
    tab.load(many(tmp_path))
    card = '.card[aria-posinset="2"]'
    assert tab.evaluate(f"document.querySelector('{card} .name').textContent") == HOSTILE
    tab.wait_for(LOADED % f"{card.replace(chr(34), chr(39))} .pair img")
    tab.click(f"{card} .name")
    for kind in ("overlay", "mask", "image"):
        tab.evaluate(f'[...document.querySelectorAll("#views button")].find(b => b.textContent === "{kind}").click()')
        tab.wait_for(LOADED % "#large img")
    assert tab.evaluate("document.title") == "Vessel maps"
    assert tab.evaluate('document.querySelectorAll("#detail a").length') == 3
    assert all(address.startswith("file:") for address in tab.evaluate("[...document.links].map(a => a.href)"))


def shift(tab: Browser, card: int) -> str:
    return tab.evaluate(
        f"getComputedStyle(document.querySelector('.card[aria-posinset=\"{card}\"] .pair img')).transform"
    )


def test_vessels_on_hover_and_for_all(tab: Browser, tmp_path: Path) -> None:
    tab.load(many(tmp_path))
    tab.wait_for(LOADED % ".pair img")
    assert shift(tab, 1) == "none"
    tab.point_at('.card[aria-posinset="1"] .picture')
    assert shift(tab, 1) != "none"
    assert shift(tab, 2) == "none"
    tab.click("#vessels")
    assert "none" not in (shift(tab, 1), shift(tab, 2))


def test_a_tap_shows_vessels_and_another_hides_them(tab: Browser, tmp_path: Path) -> None:
    tab.window(390, 800, phone=True)
    tab.load(many(tmp_path))
    tab.wait_for(LOADED % ".pair img")
    tab.tap('.card[aria-posinset="1"] .picture')
    assert shift(tab, 1) != "none"
    tab.evaluate("document.activeElement.blur()")
    tab.tap('.card[aria-posinset="1"] .picture')
    tab.evaluate("document.activeElement.blur()")
    assert shift(tab, 1) == "none"
    assert tab.evaluate('document.getElementById("detail").open') is False
    tab.tap('.card[aria-posinset="1"] .name')
    assert tab.evaluate('document.getElementById("detail").open') is True


def test_keys_alone(tab: Browser, tmp_path: Path) -> None:
    tab.load(many(tmp_path))
    tab.evaluate('document.querySelector(".card .picture").focus()')
    tab.press("Enter", "\r")
    name = 'document.getElementById("detail-name").textContent'
    assert tab.evaluate(name) == "00000.png"
    tab.wait_for(LOADED % "#large img")
    for expected in (HOSTILE, "00002.png", "00003.png"):
        tab.press("ArrowRight")
        assert tab.evaluate(name) == expected
    assert "unusual" in tab.evaluate('document.getElementById("detail-message").textContent')
    tab.press("ArrowLeft")
    assert "no maps" in tab.evaluate('document.getElementById("large").textContent')
    tab.press("Escape")
    assert tab.evaluate('document.getElementById("detail").open') is False
    assert tab.evaluate('document.activeElement.closest(".card").getAttribute("aria-posinset")') == "3"


def test_tab_goes_through_all_cards(tab: Browser, tmp_path: Path) -> None:
    tab.load(many(tmp_path))
    tab.evaluate('document.querySelector(".card .picture").focus()')
    for _ in range(2 * 60):
        tab.press("Tab")
    assert tab.evaluate('document.activeElement.closest(".card").getAttribute("aria-posinset")') == "61"
    assert tab.evaluate(CARDS) <= 60


def test_without_small_pictures_another_output_is_shown(tab: Browser, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    address = written(tmp_path, [record(image, 1)], {str(image): {"mask/a.png": picture((255, 255, 255))}})
    tab.load(address)
    tab.wait_for(LOADED % ".picture img")
    assert tab.evaluate('document.querySelector(".picture img").src').endswith("/out/mask/a.png")
    (tmp_path / "out/mask/a.png").unlink()
    tab.load(address)
    tab.wait_for('document.querySelector(".picture").textContent === "no picture"')
    tab.load("about:blank")
    assert all("/out/mask/a.png" in problem for problem in tab.problems)
    tab.problems.clear()


def test_a_small_picture_of_an_image_whose_row_was_lost(tab: Browser, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    pair = {"thumbnail/a.jpg": picture((9, 9, 9), (40, 120)), "mask/a.png": picture((255, 255, 255))}
    tab.load(written(tmp_path, [Record(str(image), "skipped")], {str(image): pair}))
    tab.wait_for(LOADED % ".pair img")
    assert tab.evaluate('document.querySelector(".pair").style.aspectRatio') == "60 / 40"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_window_is_too_narrow_and_the_dark_is_dark(tab: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    tab.window(width, 800, phone=width < 1000, dark=dark)
    tab.load(many(tmp_path))
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        tab.evaluate("new Set([...document.querySelectorAll('.card')].map(c => c.style.transform.split('px')[0])).size")
        >= 2
    )
    light = tab.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/[0-9]+/)[0])")
    assert (light < 60) == dark
    tab.evaluate('document.querySelector(".card .name").click()')
    box = tab.evaluate(
        '(() => { const b = document.getElementById("detail").getBoundingClientRect(); return [b.left, b.right]; })()'
    )
    assert 0 <= box[0] < box[1] <= width
