import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.histogram import BINS, probability_histogram


def occupied(histogram: torch.Tensor) -> dict[tuple[int, int], int]:
    return {(row, column): int(histogram[row, column]) for row, column in histogram.nonzero().tolist()}


def test_probabilities_fall_in_the_bin_whose_lower_edge_they_reach():
    below_half = float(torch.nextafter(torch.tensor(0.5), torch.tensor(0.0)))
    probability = torch.tensor([0.0, 1 / BINS, below_half, 0.5, 1.0])
    histogram = probability_histogram(probability, torch.tensor([0, 1, 1, 0, 1]))
    assert histogram.shape == (2, BINS)
    assert histogram.dtype == torch.int64
    assert occupied(histogram) == {
        (0, 0): 1,
        (1, 1): 1,
        (1, BINS // 2 - 1): 1,
        (0, BINS // 2): 1,
        (1, BINS - 1): 1,
    }


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_floating_dtype_is_counted_alike(dtype):
    probability = torch.tensor([0.0, 0.25, 0.5, 1.0], dtype=dtype)
    histogram = probability_histogram(probability, torch.tensor([0, 1, 0, 1]))
    assert occupied(histogram) == {(0, 0): 1, (1, BINS // 4): 1, (0, BINS // 2): 1, (1, BINS - 1): 1}


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float32])
def test_every_label_dtype_is_counted_alike(dtype):
    histogram = probability_histogram(torch.tensor([0.5, 0.5, 0.5]), torch.tensor([0, 1, 1]).to(dtype))
    assert occupied(histogram) == {(0, BINS // 2): 1, (1, BINS // 2): 2}


def test_only_the_region_is_looked_at():
    probability = torch.tensor([[0.5, float("nan")], [0.25, 7.0]])
    label = torch.tensor([[1, 255], [0, 255]])
    histogram = probability_histogram(probability, label, torch.tensor([[True, False], [True, False]]))
    assert occupied(histogram) == {(1, BINS // 2): 1, (0, BINS // 4): 1}


def test_an_empty_region_gives_an_empty_histogram():
    histogram = probability_histogram(torch.rand(3, 3), torch.zeros(3, 3), torch.zeros(3, 3, dtype=torch.bool))
    assert histogram.shape == (2, BINS)
    assert histogram.sum() == 0


def test_inputs_are_left_as_they_were():
    probability, label = torch.rand(4, 4, requires_grad=True), torch.randint(0, 2, (4, 4))
    before = probability.detach().clone(), label.clone()
    histogram = probability_histogram(probability, label)
    assert not histogram.requires_grad
    torch.testing.assert_close((probability.detach(), label), before, rtol=0, atol=0)


@pytest.mark.parametrize(("bad", "shown"), [(float("nan"), "NaN"), (-0.01, "-0.01"), (1.01, "1.01")])
def test_what_is_not_a_probability_is_refused(bad, shown):
    with pytest.raises(InputError, match="not a probability") as caught:
        probability_histogram(torch.tensor([0.5, bad]), torch.tensor([0, 1]))
    assert shown in str(caught.value)


@pytest.mark.parametrize("bad", [255, 2, -1, 0.5, float("nan")])
def test_a_label_that_is_not_binary_is_refused(bad):
    with pytest.raises(InputError, match="label is not binary"):
        probability_histogram(torch.rand(2), torch.tensor([0, bad]))


def test_shapes_must_agree():
    with pytest.raises(InputError, match="differ in shape"):
        probability_histogram(torch.rand(1, 2, 2), torch.zeros(2, 2))
    with pytest.raises(InputError, match="differ in shape"):
        probability_histogram(torch.rand(2, 2), torch.zeros(2, 2), torch.ones(2, 1, dtype=torch.bool))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 60), cut=st.integers(0, 60))
def test_histograms_of_parts_add_up_to_the_whole(seed, size, cut):
    generator = torch.Generator().manual_seed(seed)
    probability = torch.rand(size, generator=generator)
    label, region = torch.rand(2, size, generator=generator).round()
    region = region.bool()
    parts = [
        probability_histogram(probability[part], label[part], region[part]) for part in (slice(cut), slice(cut, None))
    ]
    whole = probability_histogram(probability, label, region)
    assert torch.equal(parts[0] + parts[1], whole)
    assert whole.sum() == region.sum()
    assert whole[1].sum() == label[region].sum()
