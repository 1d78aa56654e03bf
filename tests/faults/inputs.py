"""Damage images, labels, masks and lists of paths at random, and give them to whoever reads them."""

import csv
import io
import os
import random
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from data.layouts import draw
from faults.attempt import HUNG, LOST, OUTSIDE, TRACEBACK, TRACED, Attempt, content
from faults.forked import launch
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.reading import read_image, read_label, read_mask

FORMATS = {"png": "PNG", "jpg": "JPEG", "tif": "TIFF", "ppm": "PPM", "gif": "GIF", "bmp": "BMP", "webp": "WEBP"}
PARTS = {"image": 0, "label": 1, "mask": 3}
IN_A_BATCH = 250
_ROWS = ("a.png", "../b.png", "/etc/passwd", "", "é.png", "x" * 5000, '"', "=1", "a,b", "\x00.png")
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")
ODD_NAMES = (
    "new\nline.png",
    "carriage\rreturn.png",
    "=1+1.png",
    "@cell.png",
    "-rf.png",
    "'quoted.png",
    'comma,quote".png',
    "\x1b[31mred.png",
    "é.png",
    "e\u0301.png",
    "\u202edoog.png",
    " leading space.png",
    "trailing dot..png",
    "CON.png",
    "..png",
    "a..b.png",
    "n" * 200 + ".png",
)


def raters(seed: int, count: int, folder: Path) -> list[Attempt]:
    """Give damaged files to the functions that read images, labels and masks: an array, or an `InputError`."""
    folder.mkdir(parents=True, exist_ok=True)
    choose = random.Random(seed)
    wholes = {part: _encoded(part) for part in PARTS}
    return [_read(seed, number, choose, wholes, folder) for number in range(count)]


def batches(seed: int, count: int, folder: Path) -> list[Attempt]:
    """Predict folders of damaged images, odd names and things that are no files, with some good ones among them."""
    choose = random.Random(seed)
    wholes = _encoded("image")
    attempts: list[Attempt] = []
    while len(attempts) < count:
        attempts += _batch(
            seed, len(attempts) // IN_A_BATCH, choose, wholes, folder, min(IN_A_BATCH, count - len(attempts))
        )
    return attempts


def lists(seed: int, count: int, folder: Path, find: Callable[[str, Path], object]) -> list[Attempt]:
    """Give damaged lists of paths to `find(images, out_dir)`."""
    folder.mkdir(parents=True, exist_ok=True)
    choose, path = random.Random(seed), folder / "list.csv"

    def find_listed() -> object:
        return find(str(path), folder / "out")

    attempts = []
    for number in range(count):
        rows = [choose.choice(_ROWS) for _ in range(5)]
        whole = "path\n" * choose.randint(0, 1) + "\n".join(rows)
        path.write_bytes(damaged(choose, whole.encode(choose.choice(_ENCODINGS))))
        attempts.append(_guarded("list of paths", f"seed {seed}, number {number}", find_listed))
    return attempts


def damaged(choose: random.Random, data: bytes) -> bytes:
    """Cut, overwritten, repeated, or with single bits turned; sometimes as it was."""
    changed = bytearray(data)
    for _ in range(choose.choice((0, 1, 1, 1, 2, 5, 50))):
        if not changed:
            break
        position = min(int(choose.random() ** 2 * len(changed)), len(changed) - 1)  # more often near the beginning
        kind = choose.randrange(5)
        if kind == 0:
            del changed[position:]
        elif kind == 1:
            changed[position] ^= 1 << choose.randrange(8)
        elif kind == 2:
            changed[position : position + 4] = choose.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
        elif kind == 3:
            changed[position:position] = changed[position : position + choose.randint(1, 300)]
        else:
            changed[position : position + 16] = choose.randbytes(16)
    return bytes(changed)


def _encoded(part: str) -> list[tuple[str, bytes]]:
    """(suffix, file) in every format, also with 16 bits, a palette, one bit, transparency and orientation."""
    array = draw(0, (64, 72))[PARTS[part]]
    wholes = []
    for suffix, name in FORMATS.items():
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, format=name)
        wholes.append((suffix, buffer.getvalue()))
    image = Image.fromarray(array)
    exif = Image.Exif()
    exif[0x0112] = 6
    variants = (
        (image.convert("P"), "png", {}),
        (image.convert("1"), "png", {}),
        (image.convert("RGBA"), "png", {}),
        (image.convert("CMYK"), "jpg", {}),
        (image.convert("RGB"), "jpg", {"exif": exif}),
        (image.convert("L"), "tif", {"compression": "tiff_lzw"}),
        (image.convert("RGB"), "tif", {"compression": "jpeg"}),
    )
    for variant, suffix, options in variants:
        buffer = io.BytesIO()
        variant.save(buffer, format=FORMATS[suffix], **options)
        wholes.append((suffix, buffer.getvalue()))
    _, wide = cv2.imencode(".png", array.astype(np.uint16) * 257)
    return [*wholes, ("png", wide.tobytes())]


def _read(
    seed: int, number: int, choose: random.Random, wholes: dict[str, list[tuple[str, bytes]]], folder: Path
) -> Attempt:
    part = choose.choice(list(PARTS))
    suffix, whole = choose.choice(wholes[part])
    path = folder / f"damaged.{suffix}"
    path.write_bytes(damaged(choose, whole))
    read = {
        "image": lambda: read_image(path),
        "label": lambda: read_label(path, (64, 72)),
        "mask": lambda: read_mask(path, (64, 72)),
    }[part]
    return _guarded(f"damaged {part}", f"seed {seed}, number {number} ({suffix})", read)


def _guarded(kind: str, detail: str, call: Callable[[], object]) -> Attempt:
    try:
        call()
    except InputError as error:
        return Attempt(kind, detail, told=str(error))
    except Exception as error:
        return Attempt(kind, detail, TRACED, f"{type(error).__name__}: {error}")
    return Attempt(kind, detail)


def _batch(
    seed: int, number: int, choose: random.Random, wholes: list[tuple[str, bytes]], folder: Path, count: int
) -> list[Attempt]:
    here = folder / f"batch_{number}"
    images = here / "images"
    images.mkdir(parents=True)
    good = [f"good_{index}" for index in range(3)]
    for name in good:
        (images / f"{name}.png").write_bytes(wholes[0][1])
    for index in range(count - len(good)):
        _write_odd(choose, wholes, images, index)
    # a file that several links mean is predicted once, and links to folders are not followed
    meant = {os.path.realpath(path) for path in images.iterdir() if not path.is_dir()}
    before = content(images)
    process = launch(here, "predict", "images=images", "out_dir=out", "scale=native", "outputs=[mask]", "tile=null")
    code = process.wait(seconds=120)
    detail = f"seed {seed}, batch {number}"
    failure, told = None, process.told
    if code is None:
        failure = HUNG
    elif TRACEBACK in told:
        failure = TRACED
    elif code not in (0, 1) or not (here / "out/predictions.csv").is_file():
        failure, told = LOST, f"exit code {code}: {told}"
    elif content(images) != before or {path.name for path in here.iterdir()} != {"images", "out", "output.txt"}:
        failure = OUTSIDE
    else:
        failure, told = _missing(here, good, len(meant), told)
    return [Attempt("damaged images", detail, failure if index == 0 else None, told[-3000:]) for index in range(count)]


def _missing(here: Path, good: list[str], inputs: int, told: str) -> tuple[str | None, str]:
    with (here / "out/predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    if len(rows) != inputs:
        return LOST, f"{len(rows)} rows for {inputs} images"
    lost = [name for name in good if cv2.imread(str(here / f"out/mask/{name}.png")) is None]
    return (LOST, f"no mask of {', '.join(lost)}") if lost else (None, told)


def _write_odd(choose: random.Random, wholes: list[tuple[str, bytes]], images: Path, index: int) -> None:
    suffix, whole = choose.choice(wholes)
    path = images / f"{index:03d}.{suffix}"
    kind = choose.random()
    if kind < 0.03:
        path = images / f"{index:03d}{choose.choice(ODD_NAMES)}"
        path.write_bytes(whole)
    elif kind < 0.04:
        path = images / os.fsdecode(b"%03d\xff\xfe.png" % index)
        path.write_bytes(whole)
    elif kind < 0.05:
        os.mkfifo(path)
    elif kind < 0.07:
        path.symlink_to(choose.choice(("/dev/zero", "/dev/tty", "nowhere", path.name, "..")))
    else:
        path.write_bytes(damaged(choose, whole))
