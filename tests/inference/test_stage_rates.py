"""The rates of reading, network and writing are images over seconds, times the threads."""

import pytest

from fundus_unet.inference.stage_rates import NETWORK, READING, WRITING, StageRates


def test_rates_and_the_slowest() -> None:
    rates = StageRates(reading=2, writing=1)
    rates.add(READING, 0.5)
    rates.add(NETWORK, 1.0, images=4)
    assert rates.rates() == {}
    assert rates.describe() == ""
    rates.add(READING, 1.5)
    rates.add(WRITING, 0.25)
    rates.add(WRITING, 0.75)
    assert rates.rates() == pytest.approx({READING: 2.0, NETWORK: 4.0, WRITING: 2.0})
    rates.add(WRITING, 1.0)
    assert rates.describe() == "reading 2, network 4, writing 1.5 (slowest) images/s alone"
