"""Dealing out keeps persons together, and is as before where none are known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundus_unet.core.errors import InputError
from fundus_unet.data.sets.dealing import deal_out

EYES = tuple(f"{person:02d}{eye}" for person in range(20) for eye in "LR")
PERSONS = {name: name[:2] for name in EYES}
TESTED = ("02R", "03R", "04R", "07L", "09L", "16R")  # of the first version


@given(seed=st.integers(0, 99), val=st.floats(0.01, 0.3), test=st.floats(0.01, 0.3))
def test_persons_are_in_one_part(seed, val, test) -> None:
    dealt = deal_out(EYES, val, test, seed, PERSONS)
    assert sorted(dealt.all()) == sorted(EYES)
    parts = [{PERSONS[name] for name in part} for part in (dealt.train, dealt.val, dealt.test)]
    assert sum(map(len, parts)) == 20
    assert 0 <= len(dealt.test) - max(1, round(40 * test)) <= 1
    assert dealt == deal_out(EYES[::-1], val, test, seed, PERSONS)


def test_without_persons_as_ever() -> None:
    assert deal_out(EYES, 0.15, 0.15, 0, dict.fromkeys(EYES)) == deal_out(EYES, 0.15, 0.15, 0)
    assert deal_out(EYES, 0.15, 0.15, 0).test == TESTED


def test_too_few_persons() -> None:
    with pytest.raises(InputError, match=r"too few(.|\n)*of 2 persons"):
        deal_out(EYES[:4], 0.2, 0.2, 0, PERSONS)
