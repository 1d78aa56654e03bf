"""Links to files of any name, from a page that may lie anywhere."""

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import pytest

from fundus_unet.inference.page.links import link_below, link_to_image

NAMES = [
    "a.png",
    "a b#c?d%41.png",
    "<img src=x onerror=alert(1)>.png",
    "javascript:alert(1).png",
    "ä\udcff.png",
    "a\\b.png",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["photos", "out", ".", "../elsewhere/deep"])
def test_a_link_leads_to_the_image(name: str, place: str, tmp_path: Path) -> None:
    folder = str(tmp_path / "work/out")
    image = os.path.normpath(f"{tmp_path}/work/{place}/{name}")
    link = link_to_image(image, folder)
    address = urlsplit(urljoin(Path(folder, "index.html").as_uri(), link))
    assert (address.scheme, address.netloc, address.query, address.fragment) == ("file", "", "", "")
    assert unquote_to_bytes(address.path) == os.fsencode(image)
    assert link.startswith("file:///") == (place == "../elsewhere/deep")
    assert not set(link) & set("<>\"'& ")


@pytest.mark.parametrize("name", NAMES)
def test_a_link_leads_to_an_output(name: str) -> None:
    address = urlsplit(urljoin("https://here/work/out/index.html", f"mask/{link_below(f'deep/{name}')}.png"))
    assert (address.netloc, address.query, address.fragment) == ("here", "", "")
    assert unquote_to_bytes(address.path) == b"/work/out/mask/deep/" + os.fsencode(name) + b".png"
