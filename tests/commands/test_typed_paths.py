"""Paths with quotes, blanks and brackets come through the shell and Hydra to where they are used."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from fundus_unet.commands.typed_paths import images_named_alone, with_quotes
from fundus_unet.core.errors import InputError

NAMES = (
    "it's (2).jpg",
    "a,b.jpg",
    "[x] {y}.png",
    "a=b.tif",
    'say "no".png',
    """both ' and ".png""",
    "back\\slash.png",
    "ends in\\",
    "quote\\'s.png",
    "${home}.png",
    "-minus.png",
    "ü ä.png",
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (*NAMES, "plain.jpg", "b.jpg"):
        (tmp_path / name).touch()
    return tmp_path


def value_of(override: str):
    """What the program finds in its configuration."""
    (parsed,) = OverridesParser.create().parse_overrides([override])
    value = OmegaConf.create({"value": parsed.value()}).value
    return list(value) if OmegaConf.is_list(value) else value


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", ["images", "run_dir", "paths.data_dir", "data.source.root"])
def test_a_path_that_is_there_is_taken_literally(key: str, name: str) -> None:
    (override,) = with_quotes([f"{key}={name}"])
    assert override.startswith(f"{key}=")
    assert value_of(override) == name


@pytest.mark.parametrize("key", ["data.images", "data.labels2", "data.source.masks", "data.source.subjects"])
@pytest.mark.parametrize("value", ["*_1stHO.png", "Ground truth", "**/im*.ppm", "Image_*?", "*_(*)", "a, b/*.png"])
def test_patterns_of_files_are_taken_literally(key: str, value: str) -> None:
    (override,) = with_quotes([f"{key}={value}"])
    assert value_of(override) == value


def test_a_folder_that_is_to_be_made_is_taken_literally() -> None:
    (override,) = with_quotes(["out_dir=my out, dir (2)"])
    assert value_of(override) == "my out, dir (2)"


@pytest.mark.parametrize(
    "argument",
    ["images=[a.jpg,b.jpg]", "images=plain.jpg", "seed=1", "images='*.jpg'", "-m", "out_dir=a/${seed}", "dir=null"],
)
def test_what_hydra_reads_stays_as_it_is(argument: str) -> None:
    assert with_quotes([argument]) == [argument]


def test_a_multirun_may_list_values() -> None:
    assert with_quotes(["-m", "paths.data_dir=a,b"]) == ["-m", "paths.data_dir=a,b"]


@pytest.mark.parametrize(
    ("arguments", "images"),
    [
        (["plain.jpg"], ["plain.jpg"]),
        (["plain.jpg", "b.jpg"], ["plain.jpg", "b.jpg"]),
        (["plain.jpg b.jpg"], ["plain.jpg", "b.jpg"]),
        (["it's (2).jpg"], ["it's (2).jpg"]),
        (["b.jpg it's (2).jpg  plain.jpg"], ["b.jpg", "it's (2).jpg", "plain.jpg"]),
        (["*.jpg"], ["*.jpg"]),
        (["gone.jpg"], ["gone.jpg"]),
        *(([name], [name]) for name in NAMES),
    ],
    ids=str,
)
def test_images_need_no_key(arguments: list[str], images: list[str]) -> None:
    override, other = images_named_alone([*arguments, "device=cpu"])
    assert value_of(override) == images
    assert other == "device=cpu"


def test_overrides_and_flags_are_no_images() -> None:
    arguments = ["images=a.jpg", "+x=1", "~y", "--cfg", "-m", "hydra/launcher=basic"]
    assert images_named_alone(arguments[:3]) == arguments[:3]
    assert images_named_alone(["-m", "hydra/launcher=basic"]) == ["-m", "hydra/launcher=basic"]
    assert images_named_alone(["--config-dir", "plain.jpg"]) == ["--config-dir", "plain.jpg"]


def test_images_that_are_named_twice() -> None:
    with pytest.raises(InputError, match="named twice"):
        images_named_alone(["plain.jpg", "images=b.jpg"])
