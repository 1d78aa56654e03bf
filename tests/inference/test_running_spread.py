"""Mean and deviation of maps in one pass are those of all maps together."""

import torch

from fundus_unet.inference.running_spread import RunningSpread


def test_as_of_all_together():
    torch.manual_seed(0)
    maps = torch.rand(7, 5, 6)
    spread = RunningSpread()
    for one in maps:
        spread.add(one.clone())
    torch.testing.assert_close(spread.mean, maps.mean(dim=0))
    torch.testing.assert_close(spread.deviation(), maps.std(dim=0, correction=0))


def test_maps_that_are_nearly_one_leave_no_rounding_errors():
    maps = torch.stack([torch.tensor([1 - 1e-6, 1.0 - step * 1e-6]) for step in range(8)]).double()
    spread = RunningSpread()
    for one in maps.float():
        spread.add(one)
    assert spread.deviation()[0] == 0
    torch.testing.assert_close(spread.deviation().double(), maps.std(dim=0, correction=0), atol=2e-7, rtol=0)


def test_half_zeros_and_half_ones_differ_most():
    spread = RunningSpread()
    for value in (0.0, 1.0, 1.0, 0.0):
        spread.add(torch.tensor([value]))
    assert spread.deviation() == 0.5


def test_one_map_has_no_spread():
    spread = RunningSpread()
    spread.add(torch.rand(3))
    assert not spread.deviation().any()
