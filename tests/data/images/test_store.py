"""Images decoded and held: the same values whether held or not."""

from dataclasses import replace

import numpy as np
import pytest

from data.layouts import SIZE, draw, save, write_folder
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.field_of_view import estimate_field_of_view
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.reading import read_image
from fundus_unet.data.images.store import ImageStore, decode
from fundus_unet.data.sets.folder import Folder

ORIGINAL = Preprocessor(scale=1)
BYTES = SIZE[0] * SIZE[1] * (3 + 1 + 1 + 1 + 1)  # image, label and field of view, the latter two at both resolutions


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    splits = Folder(write_folder(tmp_path_factory.mktemp("eyes"), count=4)).splits()
    return splits.train + splits.val + splits.test


def test_holds_what_the_limit_allows_and_decodes_the_rest(cases):
    all_held = ImageStore(cases, ORIGINAL)
    all_held.load()
    store = ImageStore(cases, ORIGINAL, memory_limit_gb=2.5 * BYTES / 1e9)
    store.load()
    assert (all_held.nbytes, store.nbytes) == (4 * BYTES, 2 * BYTES)
    assert store[1] is store[1]
    assert store[3] is not store[3]
    assert "4 images" in all_held.describe()
    assert "more" not in all_held.describe()
    assert store.describe().startswith("2 images")
    assert "2 more" in store.describe()
    assert "memory_limit_gb" in store.describe()
    assert len(list(store)) == 4
    for one, other in zip(store, all_held, strict=True):
        assert one.case == other.case
        for name in ("working_label", "label", "field_of_view"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        np.testing.assert_array_equal(one.working.tensor(), other.working.tensor())


def test_loading_passes_every_case_through_the_display(cases):
    seen = []
    store = ImageStore(cases, ORIGINAL, memory_limit_gb=0)
    store.load(lambda all_cases: (seen.append(case) or case for case in all_cases))
    assert tuple(seen) == cases
    assert not store.held


def test_a_missing_label(cases):
    unlabelled = replace(cases[0], label=None)
    with pytest.raises(InputError, match=f"{cases[0].name} has no label"):
        ImageStore([unlabelled], ORIGINAL).load()


def test_the_mask_file_is_used_where_there_is_one(cases, tmp_path):
    window = np.zeros(SIZE, np.uint8)
    window[20:60, 30:70] = 255
    save(tmp_path / "window.png", window)
    given = decode(replace(cases[0], mask=tmp_path / "window.png"), ORIGINAL)
    np.testing.assert_array_equal(given.field_of_view, window > 0)
    np.testing.assert_array_equal(given.working.field_of_view, window > 0)
    estimated = decode(replace(cases[0], mask=None), ORIGINAL)
    np.testing.assert_array_equal(estimated.field_of_view, estimate_field_of_view(read_image(cases[0].image)))


@pytest.mark.parametrize("kind", ["label", "mask"])
def test_a_file_of_another_size_is_named(cases, tmp_path, kind):
    wrong = tmp_path / f"turned_{kind}.png"
    save(wrong, draw(0)[1].T.copy())
    with pytest.raises(InputError, match=wrong.name):
        decode(replace(cases[0], **{kind: wrong}), ORIGINAL)


def test_the_working_label_is_the_share_of_vessel(cases):
    sample = decode(cases[0], Preprocessor(scale=0.5))
    height, width = SIZE
    share = sample.label.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(sample.working_label / 255, share, atol=1 / 255)
    assert set(np.unique(sample.label)) == {0, 1}
