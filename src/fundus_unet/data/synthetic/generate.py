"""Fundus-like images with vessel labels, made from a seed.

They stand in for real images where none may be fetched. Everything is generated from models of the eye and of the
camera; no pixel of any image is in them.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

import cv2
import numpy as np

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes
from fundus_unet.core.left_over import is_left_over, mark
from fundus_unet.data.synthetic.background import paint_background
from fundus_unet.data.synthetic.camera import draw_aperture, light, sample
from fundus_unet.data.synthetic.figure import SyntheticFundus
from fundus_unet.data.synthetic.layout import draw_frame, draw_layout
from fundus_unet.data.synthetic.lesions import paint_lesions, paint_sheen
from fundus_unet.data.synthetic.noise import blurred
from fundus_unet.data.synthetic.vessels import draw_vessels
from fundus_unet.data.synthetic.wide.paint import paint_wide

GENERATOR_VERSION = 1
"""Raised whenever the pixels of a seed change, so that an old set is not taken for a new one."""

VARIETIES = {"plain": GENERATOR_VERSION, "wide": 2}
"""What can be painted, and the version of each: `plain` is what sets were before there was a choice."""

MIN_SIZE, MAX_SIZE = 64, 4096
LARGEST_FACTS = 10_000  # bytes


def generate_fundus(seed: int, size: int = 512, variety: str = "plain") -> SyntheticFundus:
    """Paint one eye. Equal seeds, sizes and varieties give equal figures; nothing else enters.

    Args:
        variety: One of `VARIETIES`; `wide` are cameras, eyes and disturbances of many kinds.

    Raises:
        InputError: Where the seed is negative, the size is outside 64 .. 4096 or there is no such variety.
    """
    _check(seed=seed, size=size, variety=variety)
    return paint_wide(seed, size) if variety == "wide" else _paint_plain(seed, size)


def _paint_plain(seed: int, size: int) -> SyntheticFundus:
    # one stream for each part: a change in how one is painted leaves the others as they were
    anatomy, tree, surface, disease, optics = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(5)
    )
    layout, frame = draw_layout(anatomy), draw_frame(anatomy, size)
    aperture = draw_aperture(anatomy, frame)
    vessels = draw_vessels(tree, layout, frame)
    scene = paint_background(surface, layout, frame)
    beside = blurred(vessels.wide, 0.012 * frame.diameter)
    scene = paint_sheen(disease, frame, vessels.wide, beside, scene)
    scene = scene * np.exp(-vessels.absorption)
    scene = paint_lesions(disease, layout, frame, scene)
    image = sample(optics, frame, light(optics, frame, scene), aperture)
    return SyntheticFundus(image, (vessels.label & aperture).astype(np.uint8), aperture)


def image_seed(seed: int, index: int) -> int:
    """The seed of one figure of a set. Sets of different seeds share no figure."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0])


def write_synthetic_set(
    folder: Path,
    *,
    count: int,
    seed: int,
    size: int,
    variety: str = "plain",
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write `images/0001.png`, `labels/0001.png`, `masks/0001.png` (0 and 255) and so on, and `facts.json`.

    The set appears as a whole or not at all. Where the same set is there already, or another process writes it first,
    nothing is done. What killed processes left of this set is removed.
    `on_progress(done, count)` is called after each figure.

    Raises:
        InputError: Where `folder` holds anything else or cannot be written, or where count, seed, size or variety
            cannot be used.
    """
    _check(seed=seed, size=size, variety=variety)
    if count < 1:
        raise InputError("a synthetic set needs at least one figure", expected="count >= 1", got=count)
    folder = Path(folder)
    facts = _facts(count, seed, size, variety)
    if _read_facts(folder) == facts:
        return
    try:
        _check_free(folder, facts)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_over(folder)
        _write_whole(folder, facts, lambda index: generate_fundus(image_seed(seed, index), size, variety), on_progress)
    except OSError as error:
        raise InputError(
            f"synthetic images cannot be written to {folder}: {error.strerror or error}",
            fix="make room or give permission to write there, or choose another folder with paths.data_dir=...",
        ) from error


def _write_whole(
    folder: Path,
    facts: dict[str, int | str],
    paint: Callable[[int], SyntheticFundus],
    on_progress: Callable[[int, int], None] | None,
) -> None:
    count = int(facts["count"])
    half = Path(tempfile.mkdtemp(prefix=f".{folder.name}-{mark()}-", dir=folder.parent))
    try:
        # mkdtemp gives a folder nobody else may read; an ordinary one inherits the user's habits
        made = half / folder.name
        for name in ("images", "labels", "masks"):
            (made / name).mkdir(parents=True)
        for index in range(1, count + 1):
            _write_image(made, index, paint(index))
            if on_progress is not None:
                on_progress(index, count)
        (made / "facts.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        try:
            if folder.exists():
                folder.rmdir()
            made.rename(folder)
        except OSError:  # another process was faster; what it wrote is the same
            if _read_facts(folder) != facts:
                raise
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _check_free(folder: Path, facts: dict[str, int | str]) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        found = _read_facts(folder)
        if found == facts:  # written just now, by another process
            return
        raise InputError(
            f"{folder} is not this synthetic set, and it is not overwritten",
            expected=facts,
            got=found or "no readable facts.json",
            fix="give another folder, or delete or rename this one",
        )


def _remove_left_over(folder: Path) -> None:
    """Remove what killed processes left of this set; living ones keep theirs."""
    prefix = f".{folder.name}-"
    for path in folder.parent.iterdir():
        if path.name.startswith(prefix) and is_left_over(path, path.name.removeprefix(prefix)):
            shutil.rmtree(path, ignore_errors=True)


def is_synthetic_set(folder: Path, *, count: int, seed: int, size: int, variety: str = "plain") -> bool:
    """Whether `folder` holds just this set, painted by this version of the generator."""
    return _read_facts(Path(folder)) == _facts(count, seed, size, variety)


def _facts(count: int, seed: int, size: int, variety: str) -> dict[str, int | str]:
    version = GENERATOR_VERSION if variety == "plain" else VARIETIES[variety]
    facts: dict[str, int | str] = {"generator_version": version, "count": count, "seed": seed, "size": size}
    if variety != "plain":  # sets were written when there was no other
        facts["variety"] = variety
    return facts


def _read_facts(folder: Path) -> object:
    try:
        return json.loads(read_bytes(folder / "facts.json", LARGEST_FACTS))
    except (OSError, ValueError, RecursionError):
        return None


def _write_image(folder: Path, index: int, fundus: SyntheticFundus) -> None:
    name = f"{index:04d}.png"
    parts = {
        "images": cv2.cvtColor(fundus.image, cv2.COLOR_RGB2BGR),
        "labels": fundus.label * np.uint8(255),
        "masks": fundus.field_of_view.astype(np.uint8) * np.uint8(255),
    }
    for part, pixels in parts.items():
        path = folder / part / name
        # cv2.imwrite tells of a full disk by a return value only, and cannot write some paths Windows users have
        encoded, code = cv2.imencode(".png", pixels)
        if not encoded:
            raise OSError(f"could not encode {path}")
        path.write_bytes(code.tobytes())


def check_variety(variety: str) -> None:
    """Raises `InputError` for a variety that is none of `VARIETIES`."""
    if variety not in VARIETIES:
        near = get_close_matches(str(variety), VARIETIES, 1)
        raise InputError(
            "synthetic images have no such variety",
            expected=" or ".join(VARIETIES),
            got=variety,
            fix=f"set variety={near[0]}" if near else None,
        )


def _check(*, seed: int, size: int, variety: str) -> None:
    check_variety(variety)
    if seed < 0:
        raise InputError("a seed cannot be negative", expected="a whole number >= 0", got=seed)
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise InputError(
            "a synthetic figure of this size cannot be painted",
            expected=f"{MIN_SIZE} to {MAX_SIZE} pixels along a side",
            got=size,
        )
