"""Which photographs a path means, and what their outputs are called."""

from pathlib import Path

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.inference.inputs import find_photographs

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
    return [str(source.name) for source in find_photographs(images, Path(leave_out))]


def test_a_folder_is_searched_with_its_subfolders(folder):
    assert names("photos") == ["a", "b", "deep/c", "deep/x y (1)", "deep/er/d"]
    assert all(source.path.is_file() for source in find_photographs("photos", Path("out")))


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
        ("photos/*.gif", ["no photographs", "no file matches"]),
        ("empty", ["no photographs", ".jpg"]),
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
        find_photographs(images, Path("out"))
    for words in expected:
        assert words in str(error.value)
