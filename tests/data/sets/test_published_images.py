"""The images that published sets learn from are told by their checksums."""

import pytest

from fundus_unet.data.download.checksums import published, sha256_of
from fundus_unet.data.sets.published_images import learned_as_published

CHASE, HRF = "fundus_unet.data.sets.chasedb1.ChaseDB1", "fundus_unet.data.sets.hrf.HRF"


def test_they_are_those_of_the_split() -> None:
    sums = published("CHASE_DB1")
    found = learned_as_published({"_target_": CHASE, "split": "first20"})
    assert len(found) == 20
    assert sums["Image_10R.jpg"] in found
    assert sums["Image_11L.jpg"] not in found
    assert len(learned_as_published({"_target_": CHASE, "split": "fraz8"})) == 8
    hrf = learned_as_published({"_target_": HRF, "split": "official"})
    assert len(hrf) == 15
    assert published("HRF")["images/05_dr.JPG"] in hrf


def test_of_other_sets_and_splits_none_are_known() -> None:
    assert not learned_as_published({"_target_": CHASE, "split": "mine"})
    assert not learned_as_published({"_target_": "fundus_unet.data.sets.drive.DRIVE"})


@pytest.mark.real
def test_they_are_the_images_as_published(real_data) -> None:
    found = learned_as_published({"_target_": CHASE, "split": "first20"})
    assert sha256_of(real_data / "CHASE_DB1" / "Image_01L.jpg") in found
