"""The scores of a table, recomputed with scikit-learn and scikit-image from the same pixels."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from skimage.morphology import skeletonize
from sklearn import metrics
from torch import nn

from data.layouts import SIZE, draw, save, write_folder
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.field_of_view import field_of_view_diameter
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import decode
from fundus_unet.data.sets.folder import Folder
from fundus_unet.inference import evaluation as module
from fundus_unet.inference.evaluation import (
    MASKS_ALONE,
    NETWORK,
    NETWORK_HYSTERESIS,
    NETWORK_VALIDATED,
    REGIONS,
    SECOND_OBSERVER,
    Evaluation,
    choose_masks,
    evaluate,
)
from fundus_unet.inference.predictor import Predictor
from fundus_unet.metrics.histogram import BINS
from fundus_unet.metrics.mask_choice import ChosenMasks, HysteresisChoice
from fundus_unet.metrics.masks import Hysteresis
from fundus_unet.metrics.topology import thinned

THRESHOLD = 0.31
HYSTERESIS = Hysteresis(0.2, 0.55, 0.1)
MASKS = ChosenMasks(THRESHOLD, HYSTERESIS)
RANKING = ("auroc", "average_precision")
OF_PROBABILITY = (*RANKING, "ece")


class DarkIsVessel(nn.Module):
    """Looks at blue, where the noise is about as large as the vessels are dark."""

    def forward(self, image):
        return -3 * image[:, 2:] - 3.5


ORIGINAL = Preprocessor(scale=1)
PREDICTOR = Predictor(DarkIsVessel(), torch.device("cpu"), None)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Three images; a second observer for the first two."""
    splits = Folder(write_folder(tmp_path_factory.mktemp("eyes"), count=3)).splits()
    cases = splits.train + splits.val + splits.test
    return (*cases[:2], replace(cases[2], second_label=None))


@pytest.fixture(scope="module")
def pixels(cases):
    """Name -> (probability as the histogram counts it, label, field of view, second label or None), flat."""
    pixels = {}
    for case in cases:
        sample = decode(case, ORIGINAL)
        probability = PREDICTOR.probability(sample.working, sample.field_of_view)
        binned = np.floor(probability.astype(np.float64) * BINS) / BINS
        second = draw(int(case.name[3:]))[2] > 0 if case.second_label else None
        pixels[case.name] = tuple(
            None if part is None else part.ravel() for part in (binned, sample.label, sample.field_of_view, second)
        )
    return pixels


@pytest.fixture(scope="module")
def evaluation(cases):
    return evaluate(PREDICTOR, ORIGINAL, cases, MASKS)


def reference(probability: np.ndarray, label: np.ndarray, threshold: float, ranks: bool = True) -> dict[str, float]:
    predicted = probability >= round(threshold * BINS) / BINS
    scores = {
        "dice": metrics.f1_score(label, predicted),
        "sensitivity": metrics.recall_score(label, predicted),
        "specificity": metrics.recall_score(label, predicted, pos_label=0),
        "accuracy": metrics.accuracy_score(label, predicted),
        "mcc": metrics.matthews_corrcoef(label, predicted),
    }
    if ranks:
        scores["auroc"] = metrics.roc_auc_score(label, probability)
        scores["average_precision"] = metrics.average_precision_score(label, probability)
        scores["ece"] = reference_ece(probability, label)
    return scores


def reference_ece(probability: np.ndarray, label: np.ndarray) -> float:
    step = np.round(probability * BINS).astype(int)
    place = np.minimum(step * 15 // (BINS - 1), 14)
    of_bins = [(label[place == number].sum(), step[place == number].sum() / (BINS - 1)) for number in range(15)]
    return sum(abs(vessels - said) for vessels, said in of_bins) / len(label)


def masks_alone(name: str, of_image, rater: str) -> np.ndarray | None:
    """The observer's, or that by hysteresis from the map as the histogram counts it."""
    probability, _, inside, observed = of_image
    if rater != NETWORK_HYSTERESIS:
        return observed
    region = inside.reshape(SIZE)
    return HYSTERESIS.mask(probability.reshape(SIZE), region, field_of_view_diameter(region)).ravel()


def reference_topology(pixels, region: str, rater: str, threshold: float) -> dict[str, tuple[np.ndarray, int]]:
    """Name -> (|S(P)|, |S(P) & G|, |S(G)|, |S(G) & P|) and the error in the number of pieces."""
    by_name = {}
    for name, (probability, label, inside, _) in pixels.items():
        predicted = masks_alone(name, pixels[name], rater)
        if rater not in MASKS_ALONE:
            predicted = probability >= round(threshold * BINS) / BINS
        if predicted is None:
            continue
        counted = inside if region == "field_of_view" else np.ones_like(inside)
        masks = [(mask * counted).astype(np.uint8).reshape(SIZE) for mask in (predicted, label)]
        skeletons = [skeletonize(mask > 0) for mask in masks]
        counts = [(skeletons[0], 1), (skeletons[0], masks[1]), (skeletons[1], 1), (skeletons[1], masks[0])]
        pieces = [cv2.connectedComponents(mask, connectivity=8)[0] for mask in masks]
        by_name[name] = np.array([(skeleton * mask).sum() for skeleton, mask in counts]), abs(pieces[0] - pieces[1])
    return by_name


def reference_cldice(counts: np.ndarray) -> float:
    return 2 / (counts[0] / counts[1] + counts[2] / counts[3])


def chosen(pixels, region: str, rater: str = NETWORK) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name -> (prediction, label) inside the region, where there is a prediction."""
    return {
        name: tuple(
            part[inside if region == "field_of_view" else slice(None)]
            for part in (mask.astype(float) if rater in MASKS_ALONE else probability, label)
        )
        for name, (probability, label, inside, observed) in pixels.items()
        if (mask := masks_alone(name, pixels[name], rater)) is not None or rater not in MASKS_ALONE
    }


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(
    ("rater", "threshold"),
    [(NETWORK, 0.5), (NETWORK_VALIDATED, THRESHOLD), (NETWORK_HYSTERESIS, 0.5), (SECOND_OBSERVER, 0.5)],
)
def test_scores_equal_their_references(evaluation, pixels, region, rater, threshold):
    ranks = rater not in MASKS_ALONE
    by_name = chosen(pixels, region, rater)
    assert len(by_name) == (2 if rater == SECOND_OBSERVER else 3)
    summary = evaluation.metrics()[region][rater]
    assert summary["threshold"] == threshold
    together = [np.concatenate(parts) for parts in zip(*by_name.values(), strict=True)]
    topology = reference_topology(pixels, region, rater, threshold)
    pooled = {"cldice": reference_cldice(sum(counts for counts, _ in topology.values()))}
    expected = reference(*together, threshold, ranks) | pooled
    assert {name: summary["pooled"][name] for name in expected} == pytest.approx(expected, rel=1e-9)
    each = {
        name: reference(*parts, threshold, ranks)
        | {"cldice": reference_cldice(topology[name][0]), "betti0_error": topology[name][1]}
        for name, parts in by_name.items()
    }
    assert set(summary["over_images"]) >= set(next(iter(each.values())))
    rows = [row for row in evaluation.rows() if (row["region"], row["rater"]) == (region, rater)]
    assert [row["name"] for row in rows] == list(each)
    for row in rows:
        assert {key: row[key] for key in each[row["name"]]} == pytest.approx(each[row["name"]], rel=1e-9)
        assert [key in row for key in OF_PROBABILITY] == [ranks] * 3
    assert ("near_threshold" in summary) == ranks
    if ranks:
        near = summary["near_threshold"]
        assert near["low"] <= threshold < near["high"]
        assert near["error"] == near["vessel_fraction"] - near["mean_probability"]
    for key in next(iter(each.values())):
        over_images, values = summary["over_images"][key], [scores[key] for scores in each.values()]
        assert over_images["mean"] == pytest.approx(np.mean(values))
        assert over_images["standard_deviation"] == pytest.approx(np.std(values, ddof=1), abs=1e-12)
        assert over_images["images"] == len(values)


def test_the_regions_and_thresholds_differ(evaluation):
    table = evaluation.metrics()
    inside, whole = (table[region][NETWORK]["pooled"] for region in REGIONS)
    assert inside["accuracy"] < whole["accuracy"], "the border is easy background"
    assert inside["dice"] == pytest.approx(whole["dice"], abs=1e-12), "where nothing is predicted outside"
    assert table["field_of_view"][NETWORK_VALIDATED]["pooled"]["sensitivity"] > inside["sensitivity"]


def test_without_a_second_observer_there_is_no_row(cases):
    table = evaluate(PREDICTOR, ORIGINAL, cases[2:], MASKS).metrics()
    assert all(list(table[region]) == [NETWORK, NETWORK_VALIDATED, NETWORK_HYSTERESIS] for region in REGIONS)


def test_without_a_hysteresis_there_is_no_row(cases):
    """As of a run or a model file of before."""
    table = evaluate(PREDICTOR, ORIGINAL, cases, ChosenMasks(THRESHOLD)).metrics()
    assert all(list(table[region]) == [NETWORK, NETWORK_VALIDATED, SECOND_OBSERVER] for region in REGIONS)


def test_hysteresis_is_that_of_the_prediction(cases, evaluation):
    """Inside the field of view alone, so the whole image adds the label's vessels outside at most."""
    inside, whole = (evaluation.metrics()[region][NETWORK_HYSTERESIS]["pooled"] for region in REGIONS)
    assert inside["dice"] == pytest.approx(whole["dice"], abs=1e-12)
    assert inside["dice"] != evaluation.metrics()["field_of_view"][NETWORK]["pooled"]["dice"]


def test_the_threshold_that_is_best_on_validation(cases, pixels):
    probability, label = (np.concatenate(part) for part in zip(*chosen(pixels, "field_of_view").values(), strict=True))
    tried = [step / 100 for step in range(1, 100)]
    dice = [metrics.f1_score(label, probability >= round(threshold * BINS) / BINS) for threshold in tried]
    best = choose_masks(PREDICTOR, ORIGINAL, cases)
    assert best.threshold == tried[int(np.argmax(dice))]
    assert max(dice) > dice[49], "0.5 is not the answer here"
    choice = HysteresisChoice()
    for probability, label, inside, _ in pixels.values():
        arrays = [array.reshape(SIZE) for array in (probability, label, inside)]
        choice.add(*arrays, field_of_view_diameter(arrays[2]))
    assert best.hysteresis == choice.best()


def test_undefined_scores_are_none(cases, tmp_path):
    """A label whose vessels all lie outside the field of view."""
    vessels, window = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    vessels[2:4] = 255
    window[30:60, 30:60] = 255
    save(tmp_path / "vessels.png", vessels)
    save(tmp_path / "window.png", window)
    case = replace(cases[2], label=tmp_path / "vessels.png", mask=tmp_path / "window.png")
    evaluation = evaluate(PREDICTOR, ORIGINAL, [case], MASKS)
    table = evaluation.metrics()
    inside = table["field_of_view"][NETWORK]
    assert [inside["pooled"][name] for name in ("sensitivity", *RANKING)] == [None] * 3
    assert inside["pooled"]["specificity"] is not None
    assert inside["pooled"]["cldice"] is None, "the network sees no vessel there either"
    assert inside["over_images"]["betti0_error"]["mean"] == 0
    assert [table["whole_image"][NETWORK]["over_images"][name]["mean"] for name in ("cldice", "betti0_error")] == [0, 1]
    assert inside["over_images"]["sensitivity"] == {"mean": None, "standard_deviation": None, "images": 0}
    assert table["whole_image"][NETWORK]["pooled"]["sensitivity"] == 0
    assert table["whole_image"][NETWORK]["over_images"]["dice"]["standard_deviation"] is None
    json.dumps(table, allow_nan=False)
    with pytest.raises(InputError, match="no best threshold"):
        choose_masks(PREDICTOR, ORIGINAL, [case])


def test_vessels_outside_the_field_of_view_count_in_the_whole_image_alone(cases, tmp_path):
    """Of three straight vessels two lie outside, one of which in two pieces; the network predicts none there."""
    vessels, window = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    vessels[[2, 40, 80], 10:70] = 255
    vessels[80, 30:33] = 0
    window[30:60] = 255
    save(tmp_path / "vessels.png", vessels)
    save(tmp_path / "window.png", window)
    case = replace(cases[2], label=tmp_path / "vessels.png", mask=tmp_path / "window.png")
    sample = decode(case, ORIGINAL)
    evaluation = Evaluation(MASKS)
    evaluation.add(sample, (sample.label * sample.field_of_view).astype(np.float32))
    inside, whole = (evaluation.tallies[region][NETWORK].per_image[case.name] for region in REGIONS)
    assert (inside["cldice"], inside["betti0_error"]) == (1, 0)
    assert (whole["cldice"], whole["betti0_error"]) == (pytest.approx(2 * 60 / (60 + 177)), 3)


def test_a_mask_is_thinned_once_and_never_for_a_threshold(cases, monkeypatch):
    calls = []
    monkeypatch.setattr(module, "thinned", lambda *arguments: calls.append(arguments) or thinned(*arguments))
    evaluate(PREDICTOR, ORIGINAL, cases[:1], MASKS)
    assert len(calls) == 5, "label, three masks of the network, second observer; all empty outside the field of view"
    choose_masks(PREDICTOR, ORIGINAL, cases)
    assert len(calls) == 5


def test_each_image_is_shown_once_with_its_probability(cases, pixels):
    shown = {}
    evaluate(PREDICTOR, ORIGINAL, cases, MASKS, lambda sample, p: shown.update({sample.case.name: p}))
    assert list(shown) == [case.name for case in cases]
    for name, probability in shown.items():
        np.testing.assert_array_equal(np.floor(probability.ravel().astype(np.float64) * BINS) / BINS, pixels[name][0])


def test_nothing_to_evaluate():
    with pytest.raises(InputError, match="no image"):
        evaluate(PREDICTOR, ORIGINAL, [], MASKS)


def test_a_case_without_a_label(cases):
    with pytest.raises(InputError, match="no label"):
        evaluate(PREDICTOR, ORIGINAL, [replace(cases[0], label=None)], MASKS)
