"""Write tiny generated sets with exactly the file names and formats of the real ones."""

import gzip
import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from fundus_unet.data.sets import chasedb1, drive, hrf, les_av, stare

SIZE = (90, 96)  # height, width


def draw(seed: int, size: tuple[int, int] = SIZE) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """An image with what belongs to it: RGB, label, second observer's label (thinner), field of view.

    Shapes:
        (H, W, 3) uint8 and three (H, W) uint8, 0 and 255.
    """
    height, width = size
    rng = np.random.default_rng(seed)
    mask, label, second = (np.zeros(size, np.uint8) for _ in range(3))
    radius = int(0.46 * min(size))
    cv2.circle(mask, (width // 2, height // 2), radius, 255, cv2.FILLED)
    disc = np.array([width * 0.4, height * 0.5])
    for angle in np.linspace(0, 2 * np.pi, 6, endpoint=False) + rng.uniform(0, 1):
        directions = angle + np.cumsum(rng.normal(0, 0.15, 5))
        points = disc + np.cumsum(np.stack([np.cos(directions), np.sin(directions)], axis=1) * radius / 4, axis=0)
        polyline = [np.rint(np.vstack([disc, points])).astype(np.int32)]
        cv2.polylines(label, polyline, False, 255, thickness=2)
        cv2.polylines(second, polyline, False, 255, thickness=1)
    label &= mask
    second &= mask
    photo = np.zeros((*size, 3), np.uint8)
    photo[mask > 0] = (200, 100, 40)
    cv2.circle(photo, (int(disc[0]), int(disc[1])), radius // 6, (240, 190, 110), cv2.FILLED)
    photo[label > 0] = (130, 45, 25)
    noise = rng.integers(-6, 7, photo.shape)
    photo = np.where(mask[..., None] > 0, np.clip(photo + noise, 0, 255), 0).astype(np.uint8)
    return photo, label, second, mask


def save(path: Path, values: np.ndarray, **options: object) -> None:
    """Write an array with Pillow, as `.gz` where the name says so; `format="PPM"` of a grey array is raw PGM (P5)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        buffer = io.BytesIO()
        Image.fromarray(values).save(buffer, format="PPM")
        path.write_bytes(gzip.compress(buffer.getvalue()))
    else:
        Image.fromarray(values).save(path, **options)


def write_chasedb1(root: Path, size: tuple[int, int] = SIZE, second: bool = True) -> Path:
    for seed, name in enumerate(chasedb1.SPLITS["first20"].all()):
        photo, label, second_label, _ = draw(seed, size)
        save(root / f"{name}.jpg", photo, quality=95)
        save(root / f"{name}_1stHO.png", label > 0)
        if second:
            save(root / f"{name}_2ndHO.png", second_label > 0)
    return root


def write_hrf(root: Path, size: tuple[int, int] = SIZE, test: bool = True) -> Path:
    names = hrf.SPLITS["official"]
    for seed, name in enumerate(names.all() if test else names.train + names.val, 100):  # no image of another set
        photo, label, _, mask = draw(seed, size)
        save(root / "images" / f"{name}{'.JPG' if name.endswith('dr') else '.jpg'}", photo, quality=95)
        save(root / "manual1" / f"{name}.tif", label)
        save(root / "mask" / f"{name}_mask.tif", np.repeat(mask[..., None], 3, axis=2))
    return root


def write_drive(root: Path, size: tuple[int, int] = SIZE, test_labels: bool = True) -> Path:
    for seed, name in enumerate(drive.SPLITS["official"].all()):
        photo, label, second_label, mask = draw(seed, size)
        number, part = name.split("_")
        save(root / part / "images" / f"{name}.tif", photo)
        save(root / part / "mask" / f"{name}_mask.gif", mask)
        if part == "training" or test_labels:
            save(root / part / "1st_manual" / f"{number}_manual1.gif", label)
        if part == "test" and test_labels:
            save(root / part / "2nd_manual" / f"{number}_manual2.gif", second_label)
    return root


def write_stare(root: Path, size: tuple[int, int] = SIZE, packed: bool = False, flat: bool = False) -> Path:
    """`packed`: every file as `.ppm.gz`; `flat`: all in `root` in place of three folders."""
    ending = ".ppm.gz" if packed else ".ppm"
    for seed, name in enumerate(stare.NAMES):
        photo, label, second_label, _ = draw(seed, size)
        for folder, middle, values in (
            ("stare-images", "", photo),
            ("labels-ah", ".ah", label),
            ("labels-vk", ".vk", second_label),
        ):
            save((root if flat else root / folder) / f"{name}{middle}{ending}", values)
    return root


def write_folder(root: Path, count: int = 8, size: tuple[int, int] = SIZE, masks: bool = True, first: int = 1) -> Path:
    """`images/eye1.png`, `images/eye2.JPG`, ... with `labels/`, `labels2/` and, where asked for, `masks/`."""
    for number in range(first, first + count):
        photo, label, second_label, mask = draw(number, size)
        save(root / "images" / f"eye{number}{'.JPG' if number % 2 == 0 else '.png'}", photo)
        save(root / "labels" / f"eye{number}.png", label)
        save(root / "labels2" / f"eye{number}.gif", second_label)
        if masks:
            save(root / "masks" / f"eye{number}.tif", mask)
    return root


def artery_vein(label: np.ndarray, seed: int = 0, unknown: bool = True) -> np.ndarray:
    """A label as RITE colours it: red artery, blue vein, green crossing and, where asked for, white of unknown kind.

    Shapes:
        (H, W) uint8 -> (H, W, 3) uint8.
    """
    colours = [(255, 0, 0), (0, 0, 255), (255, 0, 0), (0, 0, 255), (0, 255, 0), *[(255, 255, 255)] * unknown]
    kind = np.random.default_rng(seed).integers(len(colours), size=label.shape)
    return (np.array(colours)[kind] * (label > 0)[..., None]).astype(np.uint8)


def write_chasedb1_sorted(root: Path, size: tuple[int, int] = SIZE) -> Path:
    """As users sort it: `images/Image_01L.JPG`, `1st_manual/`, `2nd_manual/`."""
    for path in sorted(write_chasedb1(root, size).iterdir()):
        folder = {"1stHO": "1st_manual", "2ndHO": "2nd_manual"}.get(path.stem[10:], "images")
        (root / folder).mkdir(exist_ok=True)
        path.rename(root / folder / (path.name if folder != "images" else f"{path.stem}.JPG"))
    return root


def write_hrf_by_group(root: Path, size: tuple[int, int] = SIZE, nested: bool = False) -> Path:
    """The site's archives of each group: `healthy/`, `healthy_manualsegm/`, `healthy_fovmask/`; or one in another."""
    write_hrf(root, size)
    for kind, suffix in (("images", ""), ("manual1", "_manualsegm"), ("mask", "_fovmask")):
        for path in sorted((root / kind).iterdir()):
            group = hrf.GROUPS[path.stem.split("_")[1]]
            folder = root / group / f"{group}{suffix}" if nested else root / f"{group}{suffix}"
            folder.mkdir(parents=True, exist_ok=True)
            path.rename(folder / path.name)
        (root / kind).rmdir()
    return root


def write_hrf_av(root: Path, size: tuple[int, int] = SIZE) -> Path:
    """HRF with the labels of HRF-AV in place of its own."""
    write_hrf(root, size)
    for seed, path in enumerate(sorted((root / "manual1").iterdir())):
        label = np.asarray(Image.open(path))
        save(root / "HRF_AV_GT" / f"{path.stem}_AVmanual.png", artery_vein(label, seed, unknown=False))
        path.unlink()
    return root


def write_rite(root: Path, size: tuple[int, int] = SIZE, vessel: bool = True) -> Path:
    """RITE as its archive has it, `AV_groundTruth/`: test labels are the second observer's."""
    for seed, name in enumerate(drive.SPLITS["official"].all()):
        photo, label, second_label, _ = draw(seed, size)
        part = name.split("_")[1]
        drawn = label if part == "training" else second_label
        save(root / part / "images" / f"{name}.tif", photo)
        save(root / part / "av" / f"{name}.png", artery_vein(drawn, seed))
        if vessel:
            save(root / part / "vessel" / f"{name}.png", drawn)
    return root


def fives_names() -> list[tuple[str, str]]:
    """Part and name of every image: 150 and 50 of each disease."""
    blocks = {"train": 150, "test": 50}
    return [
        (part, f"{block * count + number}_{disease}")
        for part, count in blocks.items()
        for block, disease in enumerate("ADGN")
        for number in range(1, count + 1)
    ]


def write_fives(root: Path, size: tuple[int, int] = (12, 12)) -> Path:
    for seed, (part, name) in enumerate(fives_names()):
        photo, label, _, _ = draw(seed, size)
        save(root / part / "Original" / f"{name}.png", photo)
        save(root / part / "Ground truth" / f"{name}.png", label)
    return root


def write_les_av(root: Path, size: tuple[int, int] = SIZE, vessels: bool = True) -> Path:
    """`vessels`: with `vessel-segmentations/`; otherwise the maps alone."""
    for number in range(1, les_av.COUNT + 1):
        photo, label, _, mask = draw(number, size)
        save(root / "images" / f"{number}.png", photo)
        save(root / "masks" / f"{number}_mask.gif", mask)
        save(root / "arteries-and-veins" / f"{number}.png", artery_vein(label, number))
        if vessels:
            save(root / "vessel-segmentations" / f"{number}.png", label)
    return root
