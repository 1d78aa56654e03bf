"""What to set where a folder has no images or labels under the usual names: told from what lies there."""

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fundus_unet.data.sets.locate import list_folder
from fundus_unet.data.sets.patterns import image_files

IMAGES = ("images", "image", "original", "originals", "img", "imgs", "photos")
LABELS = ("labels", "label", "ground truth", "groundtruth", "ground_truth", "gt", "manual1", "1st_manual", "manual")
"""Folders of other sets, in whatever case."""
LOSSY = (".jpg", ".jpeg")
_FEW = 4
_MOST = 400


def what_is_there(base: Path) -> str | None:
    """The images in the folder itself, and its folders that hold some; None where there are none."""
    names = [one.path.name for one in image_files(base, ".")]
    folders = [name for name in list_folder(base) if image_files(base, name)]
    found = [f"{len(names)} images in {base} itself: {_some(names)}"] if names else []
    found += [f"images in the folders {_some(folders)}"] if folders else []
    return "; ".join(found) or None


def settings_for(base: Path) -> str | None:
    """Settings that read what is there, quoted for a shell; None where nothing is recognised."""
    folders = {name.lower(): name for name in list_folder(base) if image_files(base, name)}
    images = next((folders[name] for name in IMAGES if name in folders), None)
    labels = next((folders[name] for name in LABELS if name in folders), None)
    if images and labels:
        given = [f"data.{kind}={name}" for kind, name in (("images", images), ("labels", labels)) if name != kind]
        return " ".join(map(shlex.quote, given))
    pair = _patterns([one.path.name for one in image_files(base, ".")][:_MOST])
    if pair is None:
        return None
    return " ".join(
        shlex.quote(f"data.{kind}={pattern}") for kind, pattern in zip(("images", "labels"), pair, strict=True)
    )


def _patterns(names: Sequence[str]) -> tuple[str, str] | None:
    """`*.jpg` and `*_gt.png` for `p01L.jpg` beside `p01L_gt.png`, where a third of the files are so."""
    counts: Counter[tuple[str, str]] = Counter()
    for image in names:
        stem, _, ending = image.rpartition(".")
        for other in names:
            rest = other[len(stem) :]
            if other != image and other.startswith(stem) and not rest[0].isalnum():
                counts[f"*.{ending}", f"*{rest}"] += 1
    # of `1.jpg` and `1.gif` each may belong to the other, and JPEG is no format of labels
    best = max(counts, key=lambda pair: (counts[pair], pair[0].lower().endswith(LOSSY)), default=None)
    return best if best is not None and 3 * counts[best] >= len(names) else None


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_FEW]) + (", ..." if len(names) > _FEW else "")
