"""Runs that differ in more than the upsampler are refused, whatever they differ in."""

import copy

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.runs.run_settings import check_same, differing, protocol_of

CONFIG = {
    "seed": 0,
    "data": {
        "source": {"_target_": "ChaseDB1", "root": "/here", "split": "first20"},
        "fov_diameter": 512,
        "scale": None,
        "workers": 1,
        "epochs": 22,
    },
    "augment": {"flips": True},
    "model": {"widths": [16, 32], "upsampler": {"kernel_size": 4}, "upsampled_width": 1.0, "downsampler": {"x": 1}},
    "optimizer": {"lr": 0.005},
    "trainer": {"max_epochs": 22, "precision": "bf16-mixed", "accelerator": "cpu"},
    "paths": {"runs_dir": "runs"},
    "final_split": "test",
}


def changed(*path_and_value):
    config = copy.deepcopy(CONFIG)
    *path, last, value = path_and_value
    node = config
    for key in path:
        node = node[key]
    node[last] = value
    return config


@pytest.mark.parametrize(
    "difference",
    [
        ("data", "source", "split", "fraz8"),
        ("data", "fov_diameter", 600),
        ("model", "widths", [8, 16]),
        ("model", "downsampler", {"x": 2}),
        ("optimizer", "lr", 0.1),
        ("augment", "flips", False),
        ("trainer", "max_epochs", 10),
        ("trainer", "precision", "32-true"),
        ("trainer", "limit_train_batches", 5),
    ],
)
def test_other_split_preprocessing_network_or_budget_is_refused_by_name(difference) -> None:
    protocols = {"a": protocol_of(CONFIG), "b": protocol_of(changed(*difference))}
    key, value = ".".join(difference[:-1]), difference[-1]
    with pytest.raises(InputError, match="do not compare upsamplers") as error:
        check_same(protocols)
    named = next(iter(differing(protocols)))
    assert named.startswith(key)
    assert named in str(error.value)
    assert not isinstance(value, dict) or str(value["x"]) in str(error.value)


@pytest.mark.parametrize(
    "difference",
    [
        ("seed", 1),
        ("model", "upsampler", {"kernel_size": 3}),
        ("model", "upsampled_width", 1.5),
        ("data", "source", "root", "/there"),
        ("data", "workers", 0),
        ("data", "epochs", 1),
        ("trainer", "accelerator", "gpu"),
        ("final_split", "val"),
        ("paths", "runs_dir", "elsewhere"),
    ],
)
def test_what_does_not_matter_or_is_compared_may_differ(difference) -> None:
    check_same({"a": protocol_of(CONFIG), "b": protocol_of(changed(*difference))})


def test_many_differences_are_counted_not_listed() -> None:
    many = {f"setting{number}": number for number in range(20)}
    with pytest.raises(InputError, match="and 12 more settings"):
        check_same({"a": many, "b": dict.fromkeys(many, -1)})


def test_a_setting_that_only_one_run_has_is_a_difference() -> None:
    assert differing({"a": {"x": 1}, "b": {}}) == {"x": {"a": 1, "b": None}}


def test_mixed_sets_may_lie_elsewhere_but_not_be_others():
    def mix(root: str, split: str = "first20"):
        return changed("data", "source", {"sets": {"chasedb1": {"source": {"root": root, "split": split}}}})

    here, there, other = (protocol_of(config) for config in (mix("/here"), mix("/there"), mix("/here", "fraz8")))
    assert here == there
    assert here != other
