"""STARE: who is in which split and fold, and its four ways to lie on a disk."""

import pytest

from data.layouts import SIZE, write_stare
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.reading import read_image, read_label
from fundus_unet.data.sets.stare import NAMES, Stare, first10, leave_one_out


def test_first10_membership():
    names = first10()
    assert names.all() == NAMES
    assert names.val == ("im0082", "im0139")
    assert (names.test[0], names.test[-1], len(names.test)) == ("im0162", "im0324", 10)


def test_every_image_is_the_test_of_one_fold():
    folds = [leave_one_out(fold) for fold in range(20)]
    assert tuple(name for names in folds for name in names.test) == NAMES
    for names in folds:
        assert sorted(names.all()) == sorted(NAMES)
        assert (len(names.train), len(names.val)) == (17, 2)
    assert folds[4].val == ("im0044", "im0077")
    assert folds[19].val == ("im0001", "im0002")


@pytest.mark.parametrize("fold", [-1, 20, "first", 1.5])
def test_a_fold_that_is_not_there(tmp_path, fold):
    with pytest.raises(InputError, match="0 to 19"):
        Stare(tmp_path, "leave_one_out", fold)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("flat", [False, True])
def test_files_belong_together(tmp_path, packed, flat):
    root = write_stare(tmp_path / "STARE", packed=packed, flat=flat)
    splits = Stare(tmp_path).splits()
    ending = ".ppm.gz" if packed else ".ppm"
    for case in splits.train + splits.val + splits.test:
        assert case.image == root / ("" if flat else "stare-images") / f"{case.name}{ending}"
        assert case.label == root / ("" if flat else "labels-ah") / f"{case.name}.ah{ending}"
        assert case.second_label == root / ("" if flat else "labels-vk") / f"{case.name}.vk{ending}"
        assert case.mask is None
    assert read_image(case.image).shape == (*SIZE, 3)
    assert 0 < read_label(case.second_label, SIZE).mean() < read_label(case.label, SIZE).mean() < 0.2


def test_other_folders_and_formats(tmp_path):
    root = write_stare(tmp_path, size=(24, 24))
    for path in sorted((root / "stare-images").iterdir()):
        path.rename(path.with_suffix(".png"))  # the content decides
    for own, theirs in (("stare-images", "images"), ("labels-ah", "labels")):
        (root / own).rename(root / theirs)
    case = Stare(root).splits().train[0]
    below = [path.relative_to(root).as_posix() for path in (case.image, case.label, case.second_label)]
    assert below == ["images/im0001.png", "labels/im0001.ah.ppm", "labels-vk/im0001.vk.ppm"]


def test_archives_that_are_not_unpacked_are_named_with_the_command(tmp_path):
    for name in ("stare-images.tar", "labels-ah.tar"):
        (tmp_path / name).touch()
    with pytest.raises(InputError) as raised:
        Stare(tmp_path).splits()
    source = f"[{tmp_path / 'labels-ah.tar'},{tmp_path / 'stare-images.tar'}]"
    assert f"data get stare 'source={source}'" in str(raised.value)


def test_labels_are_raw_pgm(tmp_path):
    root = write_stare(tmp_path, size=(24, 24))
    assert (root / "labels-ah" / "im0001.ah.ppm").read_bytes().startswith(b"P5")


def test_second_observer_is_optional_as_a_whole(tmp_path):
    root = write_stare(tmp_path, size=(24, 24))
    (root / "labels-vk" / "im0077.vk.ppm").unlink()
    with pytest.raises(InputError, match=r"im0077\.vk\.ppm"):
        Stare(root).splits()
    (root / "labels-vk").rename(root / "elsewhere")
    assert all(case.second_label is None for case in Stare(root).splits().test)


def test_a_missing_file_is_named(tmp_path):
    root = write_stare(tmp_path, size=(24, 24))
    (root / "labels-ah" / "im0319.ah.ppm").unlink()
    with pytest.raises(InputError, match=r"labels-ah/im0319\.ah\.ppm"):
        Stare(root, "leave_one_out", 3).splits()


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match=r"im0001\.ppm(.|\n)*Clemson(.|\n)*contains/STARE"):
        Stare(tmp_path / "STARE").splits()


def test_unknown_split(tmp_path):
    with pytest.raises(InputError, match="did you mean 'leave_one_out'"):
        Stare(tmp_path, "leave-one-out")
