"""HRF: who is in which split, mixed-case endings, and training without the test part."""

import pytest

from data.layouts import SIZE, write_hrf, write_hrf_av, write_hrf_by_group
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.reading import count_label_classes, read_label, read_mask
from fundus_unet.data.sets.hrf import HRF, SPLITS


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_hrf(tmp_path_factory.mktemp("data") / "HRF")


def test_membership():
    names = SPLITS["official"]
    assert names.val == ("05_h", "05_dr", "05_g")
    assert {name[:2] for name in names.train} == {"01", "02", "03", "04"}
    assert {name[:2] for name in names.test} == {f"{number:02d}" for number in range(6, 16)}
    assert len(set(names.all())) == 45


def test_files_belong_together(root):
    splits = HRF(root).splits()
    assert (len(splits.train), len(splits.val), len(splits.test)) == (12, 3, 30)
    for case in splits.train + splits.val + splits.test:
        assert case.image.name == case.name + (".JPG" if case.name.endswith("dr") else ".jpg")
        assert (case.label.parent.name, case.label.name) == ("manual1", f"{case.name}.tif")
        assert case.mask.name == f"{case.name}_mask.tif"
    assert read_mask(case.mask, SIZE)[45, 48]
    assert set(read_label(case.label, SIZE).ravel().tolist()) == {0, 1}
    assert HRF(root.parent).splits() == splits


def test_training_goes_on_without_the_test_part(tmp_path):
    splits = HRF(write_hrf(tmp_path, size=(24, 24), test=False)).splits()
    assert (len(splits.train), len(splits.val), splits.test) == (12, 3, ())
    for words in ["30 test images", str(tmp_path / "images"), f"move {tmp_path} away", "data get hrf"]:
        assert words in splits.test_reason


def test_half_a_test_part_is_an_error(tmp_path):
    root = write_hrf(tmp_path, size=(24, 24))
    (root / "images" / "07_dr.JPG").unlink()
    with pytest.raises(InputError, match=r"images/07_dr\.jpg is not in"):
        HRF(root).splits()


def test_a_missing_mask_is_estimated_and_a_missing_label_is_named(tmp_path):
    root = write_hrf(tmp_path, size=(24, 24))
    (root / "mask" / "02_g_mask.tif").unlink()
    masks = {case.name: case.mask for case in HRF(root).splits().train}
    assert masks.pop("02_g") is None
    assert None not in masks.values()
    (root / "manual1" / "02_g.tif").unlink()
    with pytest.raises(InputError, match=r"manual1/02_g\.tif"):
        HRF(root).splits()


@pytest.mark.parametrize("nested", [False, True])
def test_the_archives_of_each_group(root, tmp_path, nested):
    splits = HRF(write_hrf_by_group(tmp_path, nested=nested)).splits()
    usual = HRF(root).splits()
    for case, same in zip(splits.train + splits.test, usual.train + usual.test, strict=True):
        assert case.name == same.name
        for kind in ("image", "label", "mask"):
            assert getattr(case, kind).read_bytes() == getattr(same, kind).read_bytes()


def test_the_wrapping_folder_of_the_archive(root, tmp_path):
    (tmp_path / "HRF").mkdir()
    (tmp_path / "HRF" / "all").symlink_to(root)
    assert HRF(tmp_path / "HRF").splits().train[0].image.parent == tmp_path / "HRF" / "all" / "images"


def test_artery_vein_maps_have_every_vessel(root, tmp_path):
    splits, usual = HRF(write_hrf_av(tmp_path)).splits(), HRF(root).splits()
    for case, same in zip(splits.train + splits.test, usual.train + usual.test, strict=True):
        assert case.label.name == f"{case.name}_AVmanual.png"
        assert (read_label(case.label, SIZE) == read_label(same.label, SIZE)).all()
        assert count_label_classes(case.label, SIZE)["vein"] > 0


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match=r"images/01_h\.jpg(.|\n)*an empty folder(.|\n)*contains/HRF"):
        HRF(tmp_path).splits()


def test_unknown_split(tmp_path):
    with pytest.raises(InputError, match="did you mean 'official'"):
        HRF(tmp_path, "offical")


@pytest.mark.real
def test_real_labels_and_masks(real_data):
    splits = HRF(real_data / "HRF").splits()
    cases = splits.train + splits.val
    assert len(cases) == 15
    if not splits.test:
        assert "HRF" in splits.test_reason
    for case in cases:
        label = read_label(case.label, (2336, 3504))
        assert label.max() == 1
        assert 0.04 < label.mean() < 0.12
        if case.mask:
            mask = read_mask(case.mask, (2336, 3504))
            assert 0.8 < mask.mean() < 0.9
            assert label[~mask].mean() < 0.01
