"""Which images a path means, and what their outputs are called."""

import os
from pathlib import Path

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.inference.inputs import find_images

FILES = (
    "a.jpg",
    "b.PNG",
    "deep/c.tif",
    "deep/er/d.ppm.gz",
    "deep/x y (1).webp",
    ".hidden.png",
    ".cache/e.png",
    "notes.txt",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def names(images, leave_out: str = "predictions") -> list[str]:
    return [str(source.name) for source in find_images(images, Path(leave_out))]


def test_a_folder_is_searched_with_its_subfolders(folder):
    assert names("photos") == ["a", "b", "deep/c", "deep/x y (1)", "deep/er/d"]
    assert all(source.path.is_file() for source in find_images("photos", Path("out")))


def test_outputs_within_the_folder_are_no_inputs(folder):
    for name in ("mask/a.png", "probability/a.png"):
        path = folder / "photos" / "out" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
    assert len(names("photos")) == 7
    assert names("photos", "photos/out") == ["a", "b", "deep/c", "deep/x y (1)", "deep/er/d"]
    assert names("photos/**/a.*", "photos/out") == ["a"]


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ("photos/a.jpg", ["a"]),
        ("photos/notes.txt", ["notes"]),  # its content decides
        ("photos/deep/er/d.ppm.gz", ["d"]),
        ("photos/*.jpg", ["a"]),
        ("photos/**/*.tif", ["deep/c"]),
        ("photos/d*/*", ["deep/c", "deep/x y (1)"]),
        (["photos/b.PNG", "photos/a.jpg"], ["b", "a"]),
        (["photos/a.jpg", "photos/deep", "photos/*.jpg"], ["a", "c", "x y (1)", "er/d"]),
        ("./photos/../photos/a.jpg", ["a"]),
    ],
)
def test_files_patterns_and_lists(folder, images, expected):
    assert names(images) == expected


def test_a_file_whose_name_looks_like_a_pattern(folder):
    (folder / "photos/[1].png").write_bytes(b"")
    assert names("photos/[1].png") == ["[1]"]


@pytest.mark.parametrize(
    "text",
    [
        "path\nphotos/a.jpg\nphotos/deep/c.tif\n",
        "photos/a.jpg\nphotos/deep/c.tif\n",
        "\ufeffid,Image,eye\n1,photos/a.jpg,L\n\n2,photos/deep/c.tif,R\n",
        'id,path\n1,"photos/a.jpg"\n2,photos/deep/c.tif\n',
    ],
    ids=["header", "no header", "byte order mark", "quoted"],
)
def test_a_csv(folder, text):
    (folder / "list.csv").write_text(text, encoding="utf-8")
    assert names("list.csv") == ["a", "deep/c"]


def test_a_csv_of_absolute_paths_and_of_missing_ones(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("lists") / "list.csv"
    elsewhere.write_text(f"path\n{folder}/photos/a.jpg\n{folder}/photos/gone.jpg\n")
    assert names(str(elsewhere)) == ["a", "gone"]  # the missing one gets its line when it is read


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ("phots", ["there is no phots", "did you mean 'photos'"]),
        ("nowhere/a.jpg", ["no folder nowhere"]),
        ("photos/*.gif", ["no images", "no file matches"]),
        ("empty", ["no images", ".jpg"]),
        ("two.csv", ["no column of paths", "left, right"]),
        ("none.csv", ["without rows"]),
        ("binary.csv", ["cannot be read"]),
    ],
)
def test_refused(folder, images, expected):
    (folder / "empty").mkdir()
    (folder / "two.csv").write_text("left,right\na.png,b.png\n")
    (folder / "none.csv").write_text("")
    (folder / "binary.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError) as error:
        find_images(images, Path("out"))
    for words in expected:
        assert words in str(error.value)


def test_names_of_a_csv_stay_below_the_outputs(folder):
    """Rows with `..` are named by where they are, so that no two are one and none leads out."""
    (folder / "photos/deep/list.csv").write_text("er/d.ppm.gz\n../a.jpg\n../deep/../deep/c.tif\n")
    assert names("photos/deep/list.csv") == ["deep/er/d", "a", "deep/c"]
    assert names("photos/*/../../photos/deep/../a.jpg") == ["a"]
    (folder / "elsewhere/sub").mkdir(parents=True)
    (folder / "elsewhere/b.png").touch()
    (folder / "photos/link").symlink_to(folder / "elsewhere/sub")
    (folder / "list.csv").write_text("photos/link/../b.png\nphotos/a.jpg\n")
    assert names("list.csv") == ["elsewhere/b", "photos/a"]


def test_every_name_is_clean(folder):
    (folder / "list.csv").write_text(
        "..png\n...png\n.png\na..png\n ~nobody/x.png\n/etc/passwd\n..\n/\n.\nphotos\nnone/..\n"
    )
    for source in find_images("list.csv", Path("out")):
        assert source.name.parts, source
        assert not source.name.is_absolute()
        assert ".." not in source.name.parts
    assert [str(source.path) for source in find_images("list.csv", Path("out")) if source.problem] == [
        "..",
        "/",
        ".",
    ]


def test_what_is_no_file_is_a_source_all_the_same(folder):
    """So that it gets its row; a named one, one of a CSV or a pattern, and one in a folder."""
    os.mkfifo(folder / "photos/pipe.png")
    (folder / "photos/gone.png").symlink_to("nowhere")
    (folder / "photos/loop.png").symlink_to("loop.png")
    (folder / "photos/folder.png").mkdir()
    odd = ["gone", "loop", "pipe"]
    assert [name for name in names("photos") if name in odd] == odd
    assert names("photos/*.png") == ["folder", *odd]
    assert names("photos/pipe.png") == ["pipe"]
    assert names("photos/loop.png") == ["loop"]
    (folder / "list.csv").write_text("photos/pipe.png\nphotos/folder.png\n")
    assert names("list.csv") == ["pipe", "folder"]


def test_links_to_folders_are_not_followed(folder):
    before = names("photos")
    (folder / "photos/back").symlink_to(".")
    (folder / "photos/deep/up").symlink_to("..")
    assert names("photos") == before
    assert names("photos/**/*.tif") == ["deep/c"]
    (folder / "photos/l.tif").symlink_to("deep/c.tif")
    assert names("photos/*.tif") == ["l"]


def test_a_folder_that_cannot_be_searched(folder, monkeypatch):
    scandir = os.scandir

    def forbidden(path):
        if Path(path).name == "er":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    for images in ("photos", "photos/**/*"):
        *_, last = find_images(images, Path("out"))
        assert last.path == Path("photos/deep/er")
        assert "cannot be searched: Permission denied" in str(last.problem)


def test_a_thousand_folders_deep(folder):
    deepest = "photos" + "/n" * 1100
    os.makedirs("photos/n")
    here = os.open("photos/n", os.O_RDONLY)
    for _ in range(1099):
        os.mkdir("n", dir_fd=here)
        below = os.open("n", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    Path(deepest, "a.png").touch()
    try:
        assert len(names("photos")) == 6
    finally:  # pytest cannot remove it
        os.unlink(f"{deepest}/a.png")
        os.removedirs(deepest)


def test_names_that_are_no_text_or_have_control_characters(folder):
    for name in (b"\xff.png", b"a\rb\n.png"):
        (folder / "photos" / os.fsdecode(name)).touch()
    found = names("photos")
    assert {os.fsdecode(b"\xff"), "a\rb\n"} < set(found)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("path\nphotos/a.jpg\n".encode("utf-16"), "UTF-16"),
        ("path\nphotos/a.jpg\n".encode("utf-16-le"), "UTF-16"),
        ("photos/é.jpg\n".encode("latin-1"), "another encoding"),
        (b'"' + b"x" * 200_000 + b"\n", "field larger"),
        (None, "a pipe"),
    ],
    ids=["utf-16", "utf-16 without mark", "latin-1", "field without end", "pipe"],
)
def test_a_csv_that_cannot_be_read(folder, content, expected):
    path = folder / "list.csv"
    if content is None:
        os.mkfifo(path)
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=expected):
        find_images("list.csv", Path("out"))
