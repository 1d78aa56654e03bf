"""Every fault that is planted in a sound set is found, and nothing else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from data.checking.planting import Plot, moved
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.checking.check import check_splits_for_faults
from fundus_unet.data.checking.finding import ERROR, WARNING
from fundus_unet.data.sets.chasedb1 import ChaseDB1
from fundus_unet.data.sets.hrf import HRF
from fundus_unet.data.sets.synthetic import Synthetic

SIZE = 320


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory) -> Splits:
    return Synthetic(tmp_path_factory.mktemp("sound"), train=4, val=2, test=3, size=SIZE, seed=3).splits()


@pytest.fixture
def plot(synthetic, tmp_path) -> Plot:
    return Plot(tmp_path, synthetic)


Planted = Callable[[Plot, Case], Splits]


def label_as(change: Callable[[np.ndarray], np.ndarray]) -> Planted:
    def planted(plot: Plot, case: Case) -> Splits:
        label = plot.write("planted.png", change(plot.label(case)))
        return plot.splits(**{case.name: replace(case, label=label, second_label=None)})

    return planted


def mask_as(change: Callable[[np.ndarray], np.ndarray]) -> Planted:
    def planted(plot: Plot, case: Case) -> Splits:
        mask = (plot.image(case).max(axis=2) > 20).astype(np.uint8) * 255
        return plot.splits(**{case.name: replace(case, mask=plot.write("planted.png", change(mask)))})

    return planted


def file_as(kind: str, write: Callable[[Path], None]) -> Planted:
    def planted(plot: Plot, case: Case) -> Splits:
        path = plot.folder / f"planted_{kind}.png"
        write(path)
        return plot.splits(**{case.name: replace(case, **{kind: path})})

    return planted


def copy_in(split: str, change: Callable[[np.ndarray], np.ndarray], suffix: str = ".png", **options: object) -> Planted:
    """The image of a case once more, under another name and without a label of its own where it may be."""

    def planted(plot: Plot, case: Case) -> Splits:
        image = plot.write(f"copy{suffix}", change(plot.image(case)), **options)
        label = plot.write("label.png", change(plot.label(case))) if split != "test" else None
        return plot.with_new(split, Case("copy", image, label))

    return planted


def scaled(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(label: np.ndarray) -> np.ndarray:
        height, width = label.shape
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 0, factor)
        return cv2.warpAffine(label, matrix, (width, height), flags=cv2.INTER_NEAREST)

    return change


def turned(degrees: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(label: np.ndarray) -> np.ndarray:
        height, width = label.shape
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
        return cv2.warpAffine(label, matrix, (width, height), flags=cv2.INTER_NEAREST)

    return change


def resized(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(values: np.ndarray) -> np.ndarray:
        interpolation = cv2.INTER_NEAREST if values.ndim == 2 else cv2.INTER_AREA
        return cv2.resize(values, None, fx=factor, fy=factor, interpolation=interpolation)

    return change


def disc(label: np.ndarray) -> np.ndarray:
    height, width = label.shape
    return cv2.circle(np.zeros_like(label), (width // 3, height // 2), round(0.08 * width), 255, cv2.FILLED)


def one_speck(label: np.ndarray) -> np.ndarray:
    return cv2.circle(np.zeros_like(label), (label.shape[1] // 2, label.shape[0] // 2), 2, 255, cv2.FILLED)


def of_a_stranger(label: np.ndarray) -> np.ndarray:
    """The vessels of an image that is not in the set."""
    from fundus_unet.data.synthetic.generate import generate_fundus

    stranger = generate_fundus(12345, max(label.shape)).label * np.uint8(255)
    return stranger[: label.shape[0], : label.shape[1]]


PLANTED: dict[str, tuple[Planted, str, str, str]] = {
    "label grey": (label_as(lambda label: np.maximum(label, 90)), ERROR, "unusable file", "neither background nor"),
    "label empty": (label_as(lambda label: label * 0), ERROR, "unusable file", "has no vessel"),
    "label all vessel": (label_as(lambda label: label * 0 + 255), ERROR, "unusable file", "no background"),
    "label of another size": (label_as(lambda label: label[:-8]), ERROR, "unusable file", "another size"),
    "label cut off": (file_as("label", lambda path: path.write_bytes(b"\x89PNG")), ERROR, "unusable file", "planted"),
    "label missing": (lambda plot, case: plot.splits(**{case.name: replace(case, label=None)}), ERROR, "no label", ""),
    "image cut off": (file_as("image", lambda path: path.write_bytes(b"\xff\xd8")), ERROR, "unusable file", "planted"),
    "second label empty": (
        file_as("second_label", lambda path: path.write_bytes(b"")),
        ERROR,
        "unusable file",
        "is empty",
    ),
    "label inverted": (label_as(lambda label: 255 - label), ERROR, "vessel fraction", "no label of vessels"),
    "label of an optic disc": (label_as(disc), ERROR, "filled label", "filled area"),
    "label nearly empty": (label_as(one_speck), ERROR, "vessel fraction", "next to nothing"),
    "label half done": (
        label_as(lambda label: np.where(np.arange(label.shape[1]) < 0.36 * label.shape[1], label, 0).astype(np.uint8)),
        WARNING,
        "vessel fraction",
        "known to have",
    ),
    "label mirrored": (label_as(np.fliplr), ERROR, "label placement", "mirrored left to right"),
    "label upside down": (label_as(np.flipud), ERROR, "label placement", "mirrored top to bottom"),
    "label turned by 180": (label_as(lambda label: label[::-1, ::-1]), ERROR, "label placement", "180 degrees"),
    "label turned a little": (label_as(turned(3)), ERROR, "label placement", "about 3 degrees counterclockwise"),
    "label shifted": (
        label_as(lambda label: moved(label, 24, -9)),
        ERROR,
        "label placement",
        "pixels to the right and 9 pixels up",
    ),
    "label scaled": (label_as(scaled(0.9)), ERROR, "label placement", "times as large as it should be"),
    "label of a stranger": (label_as(of_a_stranger), ERROR, "unrelated label", "no better than by chance"),
    "mask inverted": (mask_as(lambda mask: 255 - mask), ERROR, "mask", "inverted"),
    "mask black": (mask_as(lambda mask: mask * 0), ERROR, "unusable file", "is empty"),
    "mask of another size": (mask_as(lambda mask: mask[:-6]), ERROR, "unusable file", "another size"),
    "mask of a part": (
        mask_as(lambda mask: np.where(np.arange(mask.shape[1]) < 0.4 * mask.shape[1], mask, 0).astype(np.uint8)),
        ERROR,
        "mask",
        "another image's, or no such mask",
    ),
    "same file in train and test": (
        copy_in("test", lambda values: values),
        ERROR,
        "duplicate image",
        "same pixels under 2",
    ),
    "mirrored copy in test": (copy_in("test", np.fliplr), ERROR, "duplicate image", "(test, mirrored)"),
    "turned copy in test": (copy_in("test", np.rot90), ERROR, "duplicate image", "(test, turned)"),
    "smaller copy in test": (copy_in("test", resized(0.6)), ERROR, "duplicate image", "the same image under 2 names"),
    "JPEG copy in test": (copy_in("test", lambda values: values, ".jpg", quality=50), ERROR, "duplicate image", ""),
    "brighter copy in test": (
        copy_in("test", lambda values: np.clip(values * 1.3 + 5, 0, 255).astype(np.uint8)),
        ERROR,
        "duplicate image",
        "the same image under 2 names",
    ),
    "copy in val": (copy_in("val", lambda values: values), ERROR, "duplicate image", ""),
    "copy in train": (copy_in("train", lambda values: values), WARNING, "duplicate image", "(train), copy (train)"),
}


def found_in(splits: Splits) -> list:
    return list(check_splits_for_faults(splits, lambda case: (0.06, 0.14)).findings)


def check_planted(plot: Plot, fault: str) -> None:
    planted, severity, kind, words = PLANTED[fault]
    case = plot.sound.train[1]
    findings = found_in(planted(plot, case))
    assert [(one.severity, one.kind) for one in findings] == [(severity, kind)], findings
    assert case.name in findings[0].cases
    assert words in findings[0].message
    assert findings[0].fix


def test_a_sound_set_has_no_finding(synthetic) -> None:
    report = check_splits_for_faults(synthetic)
    assert report.findings == ()
    assert report.counts() == {"train": {"": 4}, "val": {"": 2}, "test": {"": 3}}
    assert report.sizes() == [((SIZE, SIZE), 9)]
    assert all(image.correlation > 0.3 and 0.05 < image.vessel_fraction < 0.15 for image in report.images)


@pytest.mark.parametrize("fault", PLANTED)
def test_planted_in_a_synthetic_set(plot, fault) -> None:
    check_planted(plot, fault)


def test_swapped_labels(plot) -> None:
    one, other = plot.sound.train[0], plot.sound.test[0]
    swapped = {one.name: replace(one, label=other.label), other.name: replace(other, label=one.label)}
    [finding] = found_in(plot.splits(**swapped))
    assert (finding.severity, finding.kind) == (ERROR, "swapped label")
    assert set(finding.cases) == {one.name, other.name}
    assert "are swapped" in finding.message


def test_one_label_of_two_images(plot) -> None:
    one, other = plot.sound.train[:2]
    findings = found_in(plot.splits(**{one.name: replace(one, label=other.label)}))
    assert {(each.severity, each.kind) for each in findings} == {(ERROR, "swapped label"), (ERROR, "same label twice")}
    assert any(f"the label of {one.name} fits {other.name}" in each.message for each in findings)


def test_one_person_in_train_and_test(plot) -> None:
    one, other = replace(plot.sound.train[0], subject="7"), replace(plot.sound.test[0], subject="7")
    splits = plot.splits(**{one.name: one, other.name: other})
    [finding] = check_splits_for_faults(splits).findings
    assert (finding.severity, finding.kind) == (ERROR, "same person")
    [finding] = check_splits_for_faults(splits, official=True).findings
    assert finding.severity == WARNING


def test_an_unlabelled_test_image_is_no_fault(plot) -> None:
    case = plot.sound.test[0]
    assert found_in(plot.splits(**{case.name: replace(case, label=None, mask=None)})) == []


def test_the_second_observers_label_of_another_image(plot) -> None:
    one, other = plot.sound.test[:2]
    [finding] = found_in(plot.splits(**{one.name: replace(one, second_label=other.label)}))
    assert (finding.severity, finding.kind) == (WARNING, "second observer")


def test_many_faults_are_all_told(plot) -> None:
    one, other, third = plot.sound.train[:3]
    changed = {
        one.name: replace(one, label=plot.write("a.png", np.fliplr(plot.label(one)))),
        other.name: replace(other, image=plot.folder / "absent.png"),
        third.name: replace(third, label=plot.write("c.png", 255 - plot.label(third))),
    }
    assert {finding.kind for finding in found_in(plot.splits(**changed))} == {
        "label placement",
        "unusable file",
        "vessel fraction",
    }


@pytest.mark.parametrize("size", [(1, 2), (3, 5), (40, 7), (900, 300)])
def test_any_size_and_a_mask_of_one_pixel(tmp_path, size) -> None:
    plot = Plot(tmp_path, Splits((), (), ()))
    values = np.random.default_rng(0).integers(0, 255, (*size, 3)).astype(np.uint8)
    label, mask = (np.zeros(size, np.uint8) for _ in range(2))
    label[0, 0] = mask[0, -1] = 255
    case = Case("eye", plot.write("i.png", values), plot.write("l.png", label), plot.write("m.png", mask))
    report = check_splits_for_faults(Splits((case,), (), ()))
    assert {finding.cases for finding in report.findings} <= {("eye",)}


class TestRealImages:
    pytestmark = pytest.mark.real

    @pytest.mark.slow
    def test_no_false_finding_in_all_of_chasedb1_and_hrf(self, real_data) -> None:
        for splits, known in (
            (ChaseDB1(real_data / "CHASE_DB1").splits(), (0.073, 0.123)),
            (HRF(real_data / "HRF").splits(), (0.06, 0.125)),
        ):
            report = check_splits_for_faults(splits, lambda case, known=known: known)
            assert report.findings == ()
            assert min(image.correlation for image in report.images) > 0.5

    @pytest.fixture
    def real_plot(self, real_data, tmp_path) -> Plot:
        whole = ChaseDB1(real_data / "CHASE_DB1").splits()
        return Plot(tmp_path, Splits(whole.train[:3], whole.val[:1], whole.test[:2]))

    @pytest.mark.slow
    @pytest.mark.parametrize("fault", [fault for fault in PLANTED if not fault.startswith("mask")])
    def test_planted_in_chasedb1(self, real_plot, fault) -> None:
        check_planted(real_plot, fault)

    @pytest.mark.parametrize("pixels", [5, 8, 12, 24, 60])
    def test_the_label_shifted(self, real_plot, pixels) -> None:
        case = real_plot.sound.train[0]
        for right, down in ((pixels, 0), (0, -pixels)):
            label = real_plot.write("planted.png", moved(real_plot.label(case), right, down))
            [finding] = found_in(real_plot.splits(**{case.name: replace(case, label=label, second_label=None)}))
            assert finding.kind == "label placement"
            assert "to the right" in finding.message if right else "up" in finding.message

    def test_the_label_of_the_other_eye(self, real_plot) -> None:
        left, right = real_plot.sound.train[:2]
        swapped = {left.name: replace(left, label=right.label), right.name: replace(right, label=left.label)}
        kinds = {finding.kind for finding in found_in(real_plot.splits(**swapped))}
        assert kinds == {"swapped label"}
