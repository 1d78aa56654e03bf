"""LES-AV: its split by hash, and its labels, drawn or as artery/vein maps."""

import pytest

from data.layouts import SIZE, write_les_av
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.reading import count_label_classes, read_label, read_mask
from fundus_unet.data.sets.les_av import LesAV, by_hash

NAMES = [str(number) for number in range(1, 23)]
TESTED = ("12", "16", "21", "3", "6", "9")  # the same on every machine and in every version


def all_cases(splits):
    return splits.train + splits.val + splits.test


def test_membership_is_a_function_of_the_names() -> None:
    names = by_hash(NAMES)
    assert (len(names.train), len(names.val), len(names.test)) == (13, 3, 6)
    assert sorted(names.all()) == sorted(NAMES)
    assert by_hash(NAMES[::-1]) == names
    assert names.test == TESTED


def test_files_belong_together(tmp_path) -> None:
    root = write_les_av(tmp_path / "LES-AV")
    splits = LesAV(tmp_path).splits()
    for case in all_cases(splits):
        below = [path.relative_to(root).as_posix() for path in (case.image, case.label, case.mask)]
        name = case.name
        assert below == [f"images/{name}.png", f"vessel-segmentations/{name}.png", f"masks/{name}_mask.gif"]
    assert read_mask(case.mask, SIZE).mean() > 0.4
    assert set(count_label_classes(case.label, SIZE)) == {"vessel"}


def test_artery_vein_maps_have_every_vessel(tmp_path) -> None:
    drawn = LesAV(write_les_av(tmp_path / "a" / "LES_AV")).splits()
    maps = LesAV(write_les_av(tmp_path / "b", vessels=False)).splits()
    for one, other in zip(all_cases(drawn), all_cases(maps), strict=True):
        assert other.label.parent.name == "arteries-and-veins"
        assert (read_label(one.label, SIZE) == read_label(other.label, SIZE)).all()
        assert count_label_classes(other.label, SIZE)["vein"] > 0


def test_as_other_projects_sort_it(tmp_path) -> None:
    root = write_les_av(tmp_path / "LES_AV")
    for own, theirs in (("masks", "mask"), ("vessel-segmentations", "manual"), ("arteries-and-veins", "manual_av")):
        (root / own).rename(root / theirs)
    case = LesAV(tmp_path / "LES-AV").splits().train[0]
    assert (case.label.parent.name, case.mask.parent.name) == ("manual", "mask")


def test_a_missing_image_and_a_missing_label(tmp_path) -> None:
    root = write_les_av(tmp_path / "LES-AV")
    (root / "vessel-segmentations" / "5.png").unlink()
    (root / "arteries-and-veins" / "5.png").unlink()
    with pytest.raises(InputError, match=r"vessel-segmentations/5\.png"):
        LesAV(root).splits()
    (root / "images" / "5.png").unlink()
    with pytest.raises(InputError, match=r"22 images in (.|\n)*21"):
        LesAV(root).splits()


def test_nothing_there(tmp_path) -> None:
    with pytest.raises(InputError, match=r"images/NAME\.png(.|\n)*contains/LES-AV"):
        LesAV(tmp_path).splits()
