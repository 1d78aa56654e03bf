"""Most sets need no code: each public set is read by `folder` alone, as by its own class."""

import numpy as np
import pytest

from data.layouts import (
    SIZE,
    artery_vein,
    draw,
    save,
    write_chasedb1,
    write_drive,
    write_fives,
    write_folder,
    write_hrf,
    write_les_av,
    write_rite,
    write_stare,
)
from fundus_unet.data.images.reading import count_label_classes, read_label
from fundus_unet.data.sets.chasedb1 import ChaseDB1
from fundus_unet.data.sets.drive import Drive
from fundus_unet.data.sets.fives import Fives
from fundus_unet.data.sets.folder import Folder
from fundus_unet.data.sets.hrf import HRF
from fundus_unet.data.sets.les_av import LesAV
from fundus_unet.data.sets.stare import Stare

SMALL = (24, 24)


def everything(splits) -> dict:
    """Files by image, whatever split and name."""
    return {case.image: (case.label, case.mask, case.second_label) for case in splits.train + splits.val + splits.test}


def by_name(splits) -> dict:
    return {case.name: case for case in splits.train + splits.val + splits.test}


def test_chasedb1_in_one_folder(tmp_path) -> None:
    root = write_chasedb1(tmp_path, SMALL)
    patterns = {"images": "*.jpg", "labels": "*_1stHO.png", "labels2": "*_2ndHO.png"}
    splits = Folder(root, **patterns, subjects="Image_*?").splits()
    assert everything(splits) == everything(ChaseDB1(root).splits())
    assert set(by_name(splits)) == set(by_name(ChaseDB1(root).splits()))
    persons = [{case.subject for case in part} for part in (splits.train, splits.val, splits.test)]
    assert sum(map(len, persons)) == 14, "both eyes of a child are in one part"
    assert by_name(splits)["Image_01L"].subject == "01"


@pytest.mark.parametrize("images", ["**/*.jpg", "*", "*.JPG", "/ROOT/*.jpg"])
def test_patterns_that_name_the_same_images(tmp_path, images) -> None:
    root = write_chasedb1(tmp_path, SMALL)
    images = images.replace("/ROOT", str(root))
    splits = Folder(root, images, "*_1stHO.png", labels2=f"{root}/*_2ndHO.png").splits()
    assert everything(splits) == everything(ChaseDB1(root).splits())


def test_absolute_places_need_no_root(tmp_path) -> None:
    root = write_chasedb1(tmp_path, SMALL)
    splits = Folder("/nowhere", f"{root}/*.jpg", f"{root}/*_1stHO.png").splits()
    assert set(everything(splits)) == set(everything(ChaseDB1(root).splits()))


def test_hrf(tmp_path) -> None:
    root = write_hrf(tmp_path, SMALL)
    splits = Folder(root, labels="manual1", masks="mask", groups="*_(*)").splits()
    assert everything(splits) == everything(HRF(root).splits())
    assert {name: case.group for name, case in by_name(splits).items()} == {
        name: case.group for name, case in by_name(HRF(root).splits()).items()
    }


def test_drive(tmp_path, capsys) -> None:
    root = write_drive(tmp_path, SMALL)
    splits = Folder(root, labels="1st_manual", masks="mask", labels2="2nd_manual").splits()
    own = Drive(root).splits()
    assert everything(splits) == everything(own)
    assert [case.name for case in splits.test] == [case.name for case in own.test]
    said = capsys.readouterr().out
    assert "images and labels are paired by name: NAME_training with NAME_manual1" in said
    Folder(root, labels="1st_manual", masks="mask").splits()
    assert "paired by name" not in capsys.readouterr().out, "said once"


def test_drive_without_test_labels(tmp_path) -> None:
    root = write_drive(tmp_path, SMALL, test_labels=False)
    splits = Folder(root, labels="1st_manual", masks="mask").splits()
    assert len(splits.test) == 20
    assert str(root / "test" / "1st_manual") in splits.test_reason


def test_rite(tmp_path) -> None:
    splits = Folder(write_rite(tmp_path), labels="av").splits()
    case = splits.test[0]
    assert case.label.parent.name == "av"
    assert (read_label(case.label, SIZE) == read_label(case.label.parents[1] / "vessel" / case.label.name, SIZE)).all()
    assert count_label_classes(case.label, SIZE)["vein"] > 0


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("flat", [False, True])
def test_stare(tmp_path, packed, flat) -> None:
    root = write_stare(tmp_path, SMALL, packed=packed, flat=flat)
    ending = ".ppm.gz" if packed else ".ppm"
    places = (
        {"images": f"im*{ending}", "labels": f"im*.ah{ending}", "labels2": f"im*.vk{ending}"}
        if flat
        else {"images": "stare-images", "labels": "labels-ah", "labels2": "labels-vk"}
    )
    assert everything(Folder(root, **places).splits()) == everything(Stare(root).splits())


def test_fives_whose_numbers_begin_anew(tmp_path) -> None:
    root = write_fives(tmp_path / "whole")
    splits = Folder(root, "Original", "Ground truth", groups="*_(*)").splits()
    own = Fives(root).splits()
    assert everything(splits) == everything(own)
    assert [case.name for case in splits.test] == sorted(case.name for case in own.test)
    assert {case.group for case in splits.test} == set("ADGN")


def test_les_av(tmp_path) -> None:
    root = write_les_av(tmp_path)
    assert everything(Folder(root, labels="vessel-segmentations").splits()) == everything(LesAV(root).splits())
    case = Folder(root, labels="arteries-and-veins").splits().test[0]
    assert count_label_classes(case.label, SIZE)["vein"] > 0


def test_maps_of_arteries_and_veins_in_a_folder(tmp_path) -> None:
    write_folder(tmp_path)
    for path in sorted((tmp_path / "labels").iterdir()):
        label = draw(int(path.stem[3:]))[1]
        save(path, artery_vein(label))
    for name, case in by_name(Folder(tmp_path).splits()).items():
        assert (read_label(case.label, SIZE) == np.sign(draw(int(name[3:]))[1])).all()


@pytest.mark.real
def test_the_real_sets(real_data) -> None:
    chasedb1 = Folder(real_data / "CHASE_DB1", "*.jpg", "*_1stHO.png", labels2="*_2ndHO.png")
    assert everything(chasedb1.splits()) == everything(ChaseDB1(real_data).splits())
    hrf = everything(Folder(real_data / "HRF", labels="manual1", masks="mask").splits())
    assert hrf.items() >= everything(HRF(real_data / "HRF").splits()).items()


def test_gave(tmp_path) -> None:
    """`training/images`, `training/masks` and `training/av`, whose channels are arteries, crossings and veins."""
    write_folder(tmp_path / "training", count=4)
    for path in sorted((tmp_path / "training" / "labels").iterdir()):
        save(tmp_path / "training" / "av" / path.name, artery_vein(draw(int(path.stem[3:]))[1], unknown=False))
    splits = Folder(tmp_path, labels="av").splits()
    assert {case.label.parent.name for case in splits.train + splits.val} == {"av"}
    assert len(splits.train + splits.val) == 4
