"""No output replaces an input, another output, or a file that predict did not make."""

import os
import unicodedata
from pathlib import Path, PurePath

import numpy as np
import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.inference import outputs as writing
from fundus_unet.inference.manifest import Manifest
from fundus_unet.inference.new_image import NewImage
from fundus_unet.inference.outputs import Outputs
from fundus_unet.inference.plan import is_done, planned
from fundus_unet.inference.sources import Source, SourceList

SIDE = 8


def image(path: Path, name: str | None = None) -> Source:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return Source(path, PurePath(name or path.stem))


def outputs(folder: Path, settings: str = "as ever", kinds: tuple[str, ...] = ("mask",)) -> Outputs:
    """As a new process sees the folder."""
    return Outputs(folder, kinds, manifest=Manifest(folder, settings=settings))


def predict(to: Outputs, source: Source, value: bool = True) -> None:
    """`value`: of the mask."""
    shape = (SIDE, SIDE)
    read = NewImage(source, np.zeros((*shape, 3), np.uint8), np.ones(shape, bool), 8.0, None, 1.0, ())  # type: ignore[arg-type]
    files = to.drawn(read, np.zeros(shape, np.float32), np.full(shape, value))
    (error,) = to.write([(source, files)])
    if error is not None:
        raise error


def problems(sources: list[Source], to: Outputs, overwrite: bool = False) -> list[str]:
    listed = SourceList(sources)
    list(planned(listed, to, overwrite))
    return [str(source.problem or "") for source in listed]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_users_file_is_neither_done_nor_replaced(tmp_path: Path, overwrite: bool) -> None:
    source = image(tmp_path / "a.png")
    path = tmp_path / "out/mask/a.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"the user's")
    to = outputs(tmp_path / "out")
    assert not is_done(source, to)
    assert f"{path} was not made by predict" in problems([source], to, overwrite)[0]
    with pytest.raises(InputError, match="was not made by predict"):
        predict(to, source)
    assert path.read_bytes() == b"the user's"


def test_an_output_that_its_user_has_changed_is_done_and_kept(tmp_path: Path) -> None:
    source = image(tmp_path / "a.png")
    predict(outputs(tmp_path / "out"), source)
    path = tmp_path / "out/mask/a.png"
    path.write_bytes(b"corrected by hand")
    to = outputs(tmp_path / "out")
    assert is_done(source, to)
    assert problems([source], to) == [""]
    assert "has been changed since" in problems([source], to, overwrite=True)[0]
    with pytest.raises(InputError, match="has been changed since"):
        predict(to, source)
    assert path.read_bytes() == b"corrected by hand"


def test_its_own_are_replaced(tmp_path: Path) -> None:
    source = image(tmp_path / "a.png")
    predict(outputs(tmp_path / "out"), source)
    before = (tmp_path / "out/mask/a.png").read_bytes()
    to = outputs(tmp_path / "out")
    assert problems([source], to, overwrite=True) == [""]
    predict(to, source, value=False)
    assert (tmp_path / "out/mask/a.png").read_bytes() != before


@pytest.mark.parametrize("there_before", [False, True])
def test_a_kill_before_the_file_is_written(tmp_path: Path, monkeypatch, there_before: bool) -> None:
    """The claim is on disk already, and claims no file of another content."""
    source = image(tmp_path / "a.png")
    path = tmp_path / "out/mask/a.png"
    if there_before:
        predict(outputs(tmp_path / "out", "other settings"), source)

    def killed(*_args, **_options) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writing, "write_bytes", killed)
        with pytest.raises(KeyboardInterrupt):
            predict(outputs(tmp_path / "out"), source, value=False)
    to = outputs(tmp_path / "out")
    assert not is_done(source, to)
    assert problems([source], to) == [""]
    predict(to, source, value=False)
    to = outputs(tmp_path / "out")
    assert is_done(source, to)
    path.write_bytes(b"another's")
    assert not to.manifest.owns(path)


def test_a_kill_while_the_claim_is_written(tmp_path: Path) -> None:
    sources = [image(tmp_path / f"{number}.png") for number in range(2)]
    predict(outputs(tmp_path / "out"), sources[0])
    own = tmp_path / "out/.made_0.jsonl"
    own.write_bytes(own.read_bytes() + b'{"file": "mask/1.p')
    to = outputs(tmp_path / "out")
    assert [is_done(source, to) for source in sources] == [True, False]
    predict(to, sources[1])
    assert all(is_done(source, outputs(tmp_path / "out")) for source in sources)


def test_no_file_without_its_claim(tmp_path: Path, monkeypatch) -> None:
    def full(*_args, **_options) -> None:
        raise OSError(28, "No space left on device", "where")

    monkeypatch.setattr("fundus_unet.inference.manifest.append_lines", full)
    with pytest.raises(InputError, match="where cannot be written: No space left"):
        predict(outputs(tmp_path / "out"), image(tmp_path / "a.png"))
    assert not (tmp_path / "out").exists()


def test_an_empty_output_of_a_power_cut_is_made_again(tmp_path: Path) -> None:
    source = image(tmp_path / "a.png")
    predict(outputs(tmp_path / "out"), source)
    (tmp_path / "out/mask/a.png").write_bytes(b"")
    to = outputs(tmp_path / "out")
    assert not is_done(source, to)
    predict(to, source)
    assert is_done(source, outputs(tmp_path / "out"))


def test_outputs_of_other_settings_are_not_done(tmp_path: Path) -> None:
    """So an interrupted overwrite=true with new settings leaves no mixture that is taken for finished."""
    source = image(tmp_path / "a.png")
    predict(outputs(tmp_path / "out", "old"), source)
    assert not is_done(source, outputs(tmp_path / "out", "new"))
    assert problems([source], outputs(tmp_path / "out", "new")) == [""]


def test_an_image_of_the_same_name_from_elsewhere(tmp_path: Path) -> None:
    first, second = image(tmp_path / "one/a.png"), image(tmp_path / "two/a.png")
    predict(outputs(tmp_path / "out"), first)
    for overwrite in (False, True):
        (problem,) = problems([second], outputs(tmp_path / "out"), overwrite)
        assert f"would overwrite those of {first.path}" in problem
    (tmp_path / "one").rename(tmp_path / "moved")
    assert is_done(Source(tmp_path / "moved/a.png", PurePath("a")), outputs(tmp_path / "out"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.png", "a.jpg"),
        ("a.png", "A.png"),
        ("x.ppm", "x.ppm.gz"),
        (unicodedata.normalize("NFC", "é.png"), unicodedata.normalize("NFD", "é.png")),
    ],
)
def test_two_images_with_one_name(tmp_path: Path, one: str, other: str) -> None:
    sources = [image(tmp_path / one, one.split(".")[0]), image(tmp_path / other, other.split(".")[0])]
    first, second = problems(sources, outputs(tmp_path / "out"))
    assert first == ""
    assert f"would overwrite those of {tmp_path / one}" in second


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_an_input_at_an_output_place(tmp_path: Path, link) -> None:
    """Named by its own path, by a link, or by another name of the same file."""
    path = tmp_path / "out/mask/a.png"
    at_place = image(path)
    link(path, tmp_path / "a.png")
    for source in (at_place, Source(tmp_path / "a.png", PurePath("a"))):
        assert "lies where its own outputs belong" in problems([source], outputs(tmp_path / "out"), True)[0]


def test_an_output_that_is_another_input(tmp_path: Path) -> None:
    source = image(tmp_path / "a.png")
    predict(outputs(tmp_path / "out"), source)
    made = Source(tmp_path / "out/mask/a.png", PurePath("b"))
    assert problems([source, made], outputs(tmp_path / "out")) == ["", ""]
    assert "would replace one of the images" in problems([source, made], outputs(tmp_path / "out"), overwrite=True)[0]


@pytest.mark.parametrize("kind", ["folder", "subfolder", "other kind"])
def test_nothing_is_written_through_a_link(tmp_path: Path, kind: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/probability").mkdir(parents=True)
    if kind == "subfolder":
        (tmp_path / "out/mask").mkdir()
        (tmp_path / "out/mask/deep").symlink_to(tmp_path / "elsewhere")
    else:
        (tmp_path / "out/mask").symlink_to(tmp_path / ("elsewhere" if kind == "folder" else "out/probability"))
    source = image(tmp_path / "a.png", "deep/a")
    to = outputs(tmp_path / "out")
    assert "is a link" in problems([source], to)[0]
    with pytest.raises(InputError, match="is a link"):
        predict(to, source)
    assert list(to.folders([source.name])) == []
    assert not list((tmp_path / "elsewhere").iterdir())
    assert not list((tmp_path / "out/probability").iterdir())


def test_links_and_pipes_at_an_output_place_are_kept(tmp_path: Path) -> None:
    sources = [image(tmp_path / f"{name}.png") for name in ("link", "dangling", "pipe", "folder")]
    for source in sources:
        predict(outputs(tmp_path / "out"), source)
        (tmp_path / f"out/mask/{source.name}.png").rename(tmp_path / f"{source.name}.moved")
    folder = tmp_path / "out/mask"
    (folder / "link.png").symlink_to(tmp_path / "link.moved")  # the content is predict's, the link is not
    (folder / "dangling.png").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    for source in sources:
        to = outputs(tmp_path / "out")
        assert not is_done(source, to)
        assert "was not made by predict" in problems([source], to)[0]
        with pytest.raises(InputError, match="was not made by predict"):
            predict(to, source)
    assert os.readlink(folder / "dangling.png") == "nowhere"


@pytest.mark.parametrize("line", [b"5", b"[]", b'{"file": []}', b"[" * 100_000, b"\xff", b'{"file": 1, "digest": 2}'])
def test_a_damaged_manifest_claims_nothing(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.made_0.jsonl").write_bytes(line + b"\n")
    assert not is_done(image(tmp_path / "a.png"), outputs(tmp_path / "out"))


def test_a_manifest_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "notes").write_text("the user's")
    (tmp_path / "out/.made_0.jsonl").symlink_to(tmp_path / "notes")
    with pytest.raises(InputError, match="was not made by predict"):
        predict(outputs(tmp_path / "out"), image(tmp_path / "a.png"))
    assert (tmp_path / "notes").read_text() == "the user's"


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    source = image(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.png")))
    predict(outputs(tmp_path / "out"), source)
    assert os.listdir(os.fsencode(tmp_path / "out/mask")) == [b"\xff\n.png"]
    assert is_done(source, outputs(tmp_path / "out"))
