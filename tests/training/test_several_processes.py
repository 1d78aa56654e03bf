"""Steps of two processes are steps of one: loss, gradients, batch norm and weights."""

from pathlib import Path

import pytest
import torch
from torch import nn

from data.layouts import write_folder
from in_processes import in_processes
from training.parts_of_a_batch import gathered, network, trained, validated


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("eyes"), count=6)


def test_two_processes_step_as_one() -> None:
    """In float64, so that what is left is an error and not rounding."""
    one = trained(torch.float64)
    two = in_processes(trained, torch.float64)
    for part in two:
        torch.testing.assert_close(part["losses"], one["losses"], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(part["gradients"], one["gradients"], rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(part["weights"], one["weights"], rtol=1e-7, atol=1e-9)
        assert part["kinds"] == [type(module) for module in network(torch.float64).modules()]
        assert nn.BatchNorm2d in part["kinds"]
    torch.testing.assert_close(two[0]["weights"], two[1]["weights"], rtol=0, atol=0)


def test_without_it_they_do_not() -> None:
    """Each of the two parts is needed: the averages of halves are other numbers."""
    one = trained(torch.float64)
    for separate in ({"synced": False}, {"whole": False}):
        two = in_processes(_trained_apart, separate)
        assert max(abs(a - b) for a, b in zip(two[0]["losses"], one["losses"], strict=True)) > 1e-3
        torch.testing.assert_close(
            dict(_parameters(two[0]["weights"])), dict(_parameters(two[1]["weights"])), rtol=0, atol=0
        )


def _trained_apart(separate: dict[str, bool]):
    return trained(torch.float64, **separate)


def _parameters(weights: dict[str, torch.Tensor]):
    return ((name, value) for name, value in weights.items() if name.endswith(("weight", "bias")))


def test_float32_differs_by_rounding() -> None:
    one, (first, second) = trained(torch.float32), in_processes(trained, torch.float32)
    torch.testing.assert_close(first["losses"], one["losses"], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(first["weights"], second["weights"], rtol=0, atol=0)


def test_a_batch_is_put_together_in_the_order_of_one_process() -> None:
    for parts in in_processes(gathered, count=3):
        logits, label, region, mask = (part.flatten() for part in parts)
        assert logits.tolist() == label.tolist() == mask.tolist() == [0, 1, 2, 3, 4, 5]
        assert region.tolist() == [False] * 3 + [True] * 3
        assert (logits.dtype, label.dtype, mask.dtype) == (torch.bfloat16, torch.float64, torch.uint8)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "limit"), [(2, None), (3, None), (2, 0.6)])
def test_validation_counts_every_pixel_once(eyes: Path, count: int, limit: float | int | None) -> None:
    """Also with more processes than images, and where one has an image more than the other."""
    one, several = validated(eyes, limit), in_processes(validated, eyes, limit, count=count)
    for part in several:
        assert torch.equal(part["histogram"], one["histogram"])
        scores = {name: value for name, value in one["logged"].items() if name.startswith("val/")}
        assert scores == {name: part["logged"][name] for name in scores}
        assert part["logged"] == pytest.approx(one["logged"], rel=1e-6)


@pytest.mark.slow
def test_a_network_that_diverges_in_one_process_ends_all(eyes: Path) -> None:
    found = in_processes(validated, eyes, None, True)
    assert all("not finite" in part["diverged"] for part in found)
