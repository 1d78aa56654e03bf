"""Get a public set of images, or list them."""

import textwrap
from pathlib import Path

from omegaconf import DictConfig, ListConfig, OmegaConf
from rich.console import Console

from fundus_unet.commands.config_files import CONFIG_DIR
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.invocation import command, from_here
from fundus_unet.core.plain_text import printable
from fundus_unet.data.case import Splits
from fundus_unet.data.download.addresses import PUBLISHED, Published
from fundus_unet.data.download.existing import Verified
from fundus_unet.data.download.get_command import data_dir_setting, get_command
from fundus_unet.data.download.obtain import obtain
from fundus_unet.data.download.room import megabytes
from fundus_unet.runs.build import build

COLUMNS = 80
"""Of the list of sets."""


def prepare_data_from_config(config: DictConfig) -> Path | None:
    """Entry of `scripts/prepare_data.py`; returns the folder of the set, None where they are listed.

    Raises:
        InputError: For an unknown set, and as `obtain`.
    """
    console = Console()
    if config.set is None:
        _say(console, _list_of_sets())
        return None
    if config.set not in PUBLISHED:
        raise InputError(f"there is no set {config.set!r}", fix=did_you_mean(str(config.set), PUBLISHED))
    row = PUBLISHED[config.set]
    data_dir = Path(config.paths.data_dir).expanduser()
    found = obtain(row, data_dir, _sources(config.source), lambda folder: _check(row, folder), console)
    folder = found.folder if found else data_dir / row.folder
    splits, width = _splits(row, folder), console.width
    _say(console, *_what_is_there(row, folder, found, config.source is not None, _count(splits) == row.images))
    _say(console, _wrapped("licence", row.licence, width), _wrapped("cite", row.citation, width))
    _say(console, *_images(row, folder, splits, width))
    _say(console, *_next(row, data_dir))
    return folder


def _sources(given: object) -> list[str]:
    if given is None:
        return []
    return [str(one) for one in given] if isinstance(given, ListConfig) else [str(given)]


def _check(row: Published, folder: Path) -> None:
    """Raises: InputError where the class that reads the set for a training does not find all of it there."""
    splits = _splits(row, folder)
    outside = [case for case in splits.train + splits.test if not case.image.is_relative_to(folder.absolute())]
    if outside or not splits.train:
        raise InputError(f"there is no image of {row.name} in {folder}")


def _splits(row: Published, folder: Path) -> Splits:
    node = OmegaConf.load(CONFIG_DIR / "data" / f"{row.key}.yaml").source
    node.root = str(folder.absolute())
    splits: Splits = build(node, trusted=True).splits()
    return splits


def _images(row: Published, folder: Path, splits: Splits, width: int) -> list[str]:
    parts = {"train": splits.train, "val": splits.val, "test": splits.test}
    counts = ", ".join(f"{len(cases)} {name}" for name, cases in parts.items())
    lines = [_wrapped("images", counts, width)]
    there = _count(splits)
    if there < row.images:
        place = from_here(folder)
        without = "" if splits.test else " (no test images)"
        sentence = f"{row.name} in {place} is incomplete: {there} of {row.images} images{without}. "
        lines.append(_filled(f"{sentence}For the whole set move {place} away, then:", width))
        lines.append(f"  {get_command(row, folder.parent)}")
    elif splits.test_reason:
        lines.append(_filled(splits.test_reason, width))
    return lines


def _count(splits: Splits) -> int:
    return len(splits.train) + len(splits.val) + len(splits.test)


def _wrapped(title: str, text: str, width: int) -> str:
    return _filled(f"{title:9}{text}", width, indent=" " * 9)


def _filled(text: str, width: int, indent: str = "") -> str:
    """Lines that fit the terminal; a path that does not is left whole."""
    return textwrap.fill(text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _what_is_there(row: Published, folder: Path, found: Verified | None, named: bool, whole: bool) -> list[str]:
    place = from_here(folder)
    if found is None:
        first = f"{row.name} is in {place}"
    elif found.is_ours:
        first = f"{row.name} is already in {place}: verified, {found.compared} files"
    else:
        compared = f"{found.compared} files as published" if found.compared else ""
        known = ", ".join(filter(None, ["whole" if whole else "", compared, "nothing was written"]))
        first = f"{row.name} is already in {place}, your own copy: {known}"
    ignored = ["source was not read, since the set is there"] if found and named else []
    return [first, *ignored]


def _next(row: Published, data_dir: Path) -> list[str]:
    where = data_dir_setting(data_dir)
    return [
        f"check    {command('data check', row.key, *where)}",
        f"train    {command('train', f'data={row.key}', *where)}",
    ]


def _list_of_sets() -> str:
    lines = [f"{'set':10}{'images':>6}  {'size':>7}  {'loaded here':12} licence, as its record states it"]
    for row in PUBLISHED.values():
        loads = "yes" if row.archives else "no: you ask"
        size = megabytes(row.download) if row.download else "?"
        start = f"{row.key:10}{row.images:6}  {size:>7}  {loads:12} "
        licence = textwrap.wrap(row.licence, COLUMNS - len(start), break_on_hyphens=False)
        lines += [f"{start}{licence[0]}", *(" " * len(start) + more for more in licence[1:])]
    return "\n".join([*lines, "", f"{command('data get', 'chasedb1')} gets one"])


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        for part in line.split("\n"):
            console.print(printable(part), soft_wrap=True, highlight=False, markup=False)
