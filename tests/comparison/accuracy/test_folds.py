"""The folds of a cross-validation become one run that scored every image once."""

from dataclasses import replace

import pytest

from fundus_unet.comparison.accuracy.folds import merge_folds
from fundus_unet.comparison.accuracy.scores import ScoredRun, differences
from fundus_unet.core.errors import InputError

RATER = "network at 0.5"
OBSERVER = {"threshold": 0.5, "pooled": {"dice": 0.7}, "over_images": {"dice": {"mean": 0.7}, "auroc": {"mean": None}}}


def run(variant: str, seed: int, fold: int, images: tuple[str, ...], dice: float) -> ScoredRun:
    return ScoredRun(
        variant,
        seed,
        {RATER: {"dice": dice, "auroc": None}},
        {RATER: {name: {"dice": dice + 0.01 * place, "auroc": None} for place, name in enumerate(images)}},
        {"run_dir": f"fold{fold}", "wall_seconds": 2.0, "processor_seconds": 3.0, "validation_threshold": 0.4 + fold},
        OBSERVER | {"pooled": {"dice": dice}},
        {name: {"dice": 0.5 + 0.1 * fold, "auroc": None, "threshold": 0.5} for name in images},
        fold=fold,
        folds=2,
    )


def folds(variant: str = "a", seed: int = 0, better: float = 0.0) -> list[ScoredRun]:
    return [
        run(variant, seed, 0, ("p", "q"), 0.8 + better + 0.001 * seed),
        run(variant, seed, 1, ("o", "r", "s"), 0.6 + better - 0.001 * seed),
    ]


def test_every_image_is_there_once_with_its_fold() -> None:
    found, incomplete = merge_folds(folds()[::-1])
    (merged,) = found
    assert not incomplete
    assert merged.images == ["o", "p", "q", "r", "s"]
    assert merged.fold_of == {"p": 0, "q": 0, "o": 1, "r": 1, "s": 1}
    assert merged.per_image[RATER]["q"]["dice"] == pytest.approx(0.81)
    assert merged.pooled[RATER] == {"dice": pytest.approx(0.7), "auroc": None}
    assert (merged.facts["wall_seconds"], merged.facts["processor_seconds"]) == (4.0, 6.0)
    assert merged.facts["validation_threshold"] == pytest.approx(0.9)
    assert [one["run_dir"] for one in merged.facts["folds"]] == ["fold0", "fold1"]
    observer = merged.second_observer
    assert observer["pooled"]["dice"] == pytest.approx(0.7)
    assert observer["over_images"]["dice"]["mean"] == pytest.approx((2 * 0.5 + 3 * 0.6) / 5)
    assert observer["over_images"]["auroc"] == {"mean": None, "standard_deviation": None, "images": 0}


def test_a_missing_fold_leaves_its_variant_and_seed_out() -> None:
    found, incomplete = merge_folds([*folds("a"), *folds("b")[:1], replace(folds("c")[0], fold=None)])
    assert [one.variant for one in found] == ["c", "a"]
    assert incomplete == {"b_seed0": "its cross-validation lacks fold 1"}
    with pytest.raises(InputError, match="nothing to compare"):
        merge_folds(folds("b")[1:])


def test_folds_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(InputError, match="twice with one fold"):
        merge_folds([*folds(), folds()[0]])
    with pytest.raises(InputError, match="do not belong together"):
        merge_folds([folds()[0], run("a", 0, 1, ("p", "r"), 0.6)])


def test_differences_are_paired_over_images_folds_and_seeds() -> None:
    scored = [one for seed in (0, 1) for name, better in (("a", 0.0), ("b", 0.1)) for one in folds(name, seed, better)]
    merged, _ = merge_folds(scored)
    found = differences(merged, "a", RATER)["dice"]["b"]
    assert (found.mean, found.seeds, found.folds, found.images) == (pytest.approx(0.1), 2, 2, 5)
    other = [replace(one, fold_of=dict.fromkeys(one.images, 0)) if one.variant == "b" else one for one in merged]
    with pytest.raises(InputError, match="in other folds"):
        differences(other, "a", RATER)
