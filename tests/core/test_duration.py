"""Durations as people write them."""

import pytest

from fundus_unet.core.duration import duration, seconds_of, short_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5min", 300),
        ("90s", 90),
        ("1h", 3600),
        ("1h30min", 5400),
        ("1h 30min 15s", 5415),
        ("1.5h", 5400),
        ("0.5min", 30),
        ("2 min", 120),
        ("1h5s", 3605),
        ("1000h", 3_600_000),
    ],
)
def test_what_is_meant(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("5", "5min or 5s"),
        ("0.5", "0.5min or 0.5s"),
        ("5m", "a number and its unit"),
        ("five minutes", "a number and its unit"),
        ("", "a number and its unit"),
        (" ", "a number and its unit"),
        ("min", "a number and its unit"),
        ("-5min", "a number and its unit"),
        ("1e3s", "a number and its unit"),
        ("30min1h", "larger unit first"),
        ("5min\n", "a number and its unit"),
        ("nan", "a number and its unit"),
        ("٥min", "a number and its unit"),
        ("0s", "above nothing"),
        ("0h0min", "above nothing"),
        ("1001h", "at most 1000h"),
        ("999999999h", "at most 1000h"),
    ],
)
def test_what_cannot_be_meant_is_answered_with_what_to_write(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        seconds_of(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.00021, "0.21 ms"),
        (0.052, "52 ms"),
        (0.0999, "0.1 s"),
        (0.14, "0.14 s"),
        (1.34, "1.3 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (14.2, "14 s"),
        (140, "2 min"),
    ],
)
def test_short_times_have_two_digits(seconds: float, words: str) -> None:
    assert short_duration(seconds) == words


@pytest.mark.parametrize("seconds", [1, 42, 99, 300, 5400, 11_100])
def test_what_is_told_is_what_is_meant(seconds: float) -> None:
    assert seconds_of(duration(seconds)) == pytest.approx(seconds, rel=0.01)
