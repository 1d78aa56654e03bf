"""Which files are of a set, and of which set they are otherwise."""

import pytest

from fundus_unet.data.download.addresses import PUBLISHED
from fundus_unet.data.download.belonging import other_set, strangers

NAMES = {
    "chasedb1": ["Image_01L.jpg", "Image_01L_1stHO.png", "Image_01L_2ndHO.png"],
    "hrf": ["images/01_dr.JPG", "manual1/01_dr.tif", "mask/01_dr_mask.tif", "healthy/02_h.jpg"],
    "stare": ["stare-images/im0001.ppm.gz", "labels-ah/im0001.ah.ppm.gz", "im0002.vk.ppm"],
    "fives": ["train/Original/1_A.png", "train/Ground truth/1_A.png", "test/Original/2_D.png"],
    "drive": [
        *(
            "training/images/21_training.tif",
            "training/1st_manual/21_manual1.gif",
            "training/mask/21_training_mask.gif",
        ),
        *("test/images/01_test.tif", "test/mask/01_test_mask.gif"),
    ],
    "les_av": ["images/1.png", "masks/1_mask.gif", "arteries-and-veins/1.png", "vessel-segmentations/1.png"],
}


def test_every_set_has_names_here() -> None:
    assert NAMES.keys() == PUBLISHED.keys()


@pytest.mark.parametrize("asked", PUBLISHED)
@pytest.mark.parametrize("came", PUBLISHED)
def test_a_set_is_known_by_its_files(asked: str, came: str) -> None:
    wrapped = [f"mine/{name}" for name in NAMES[came]]
    for names in (NAMES[came], wrapped, [*NAMES[came], "readme.txt"]):
        other = other_set(PUBLISHED[asked], names)
        assert (other and other.key) == (None if asked == came else came)


@pytest.mark.parametrize("names", [[], ["holiday.jpg", "1.png"], ["Image_01L.jpg", "b.jpg", "c.jpg"]])
def test_other_files_are_of_no_set(names: list[str]) -> None:
    assert other_set(PUBLISHED["hrf"], names) is None


@pytest.mark.parametrize(
    ("asked", "names", "expected"),
    [
        ("chasedb1", ["a.jpg", "more.zip", "README", "docs/Licence.html", "b.pdf"], ["more.zip"]),
        ("chasedb1", ["readmeat.jpg"], ["readmeat.jpg"]),
        ("hrf", ["a.jpg", "images/11_h.jpg", "mask/11_h_mask.tif", "Image_01L.jpg", "other/x.jpg", "ReadMe.txt"],
         ["Image_01L.jpg", "other/x.jpg"]),
    ],
)  # fmt: skip
def test_strangers(asked: str, names: list[str], expected: list[str]) -> None:
    assert strangers(PUBLISHED[asked], names, ["a.jpg"]) == expected


def test_where_no_list_is_published_none_is_a_stranger() -> None:
    assert strangers(PUBLISHED["stare"], ["anything.jpg"], []) == []
