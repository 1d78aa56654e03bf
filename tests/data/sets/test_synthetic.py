"""The synthetic set: drawn once, then read like any other."""

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.reading import read_label
from fundus_unet.data.images.store import decode
from fundus_unet.data.sets.synthetic import Synthetic
from fundus_unet.data.synthetic.generate import generate_fundus, image_seed

COUNTS = {"train": 2, "val": 1, "test": 1}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("synthetic")
    Synthetic(root, **COUNTS, size=128).splits()
    return root


def test_splits_are_disjoint_and_complete(root):
    splits = Synthetic(root, **COUNTS, size=128).splits()
    assert [case.name for case in splits.train] == ["0001", "0002"]
    assert [case.name for case in splits.val] == ["0003"]
    assert [case.name for case in splits.test] == ["0004"]
    assert all(case.second_label is None for case in splits.train + splits.val + splits.test)


def test_cases_are_what_the_generator_drew(root):
    case = Synthetic(root, **COUNTS, size=128).splits().val[0]
    drawn = generate_fundus(image_seed(0, 3), 128)
    sample = decode(case, Preprocessor(scale=1))
    assert (sample.working.image == drawn.image).all()
    assert (read_label(case.label, drawn.label.shape) == drawn.label).all()
    assert (sample.field_of_view == drawn.field_of_view).all()


def test_drawn_once(root):
    def written():
        return {path: path.stat().st_mtime_ns for path in root.rglob("*")}

    before = written()
    assert len([path for path in before if path.suffix == ".png"]) == 3 * 4
    Synthetic(root, **COUNTS, size=128).splits()
    Synthetic(root, train=1, val=2, test=1, size=128).splits()
    assert written() == before, "the same images in other splits are not drawn again"


@pytest.mark.parametrize("change", [{"seed": 1}, {"size": 64}, {"train": 3}], ids=str)
def test_another_set_has_another_folder(root, change):
    assert Synthetic(root, **(COUNTS | {"size": 128} | change)).folder != Synthetic(root, **COUNTS, size=128).folder


@pytest.mark.parametrize("split", COUNTS)
def test_every_split_needs_an_image(tmp_path, split):
    with pytest.raises(InputError, match=rf"data\.source\.{split}"):
        Synthetic(tmp_path, **(COUNTS | {split: 0}))
