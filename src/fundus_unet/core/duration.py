"""Times in words."""

import re

LONGEST = 1000 * 3600.0
_UNITS = {"h": 3600.0, "min": 60.0, "s": 1.0}
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_WORDS = re.compile(rf"(?:({_NUMBER}) ?h)? ?(?:({_NUMBER}) ?min)? ?(?:({_NUMBER}) ?s)?")


def duration(seconds: float) -> str:
    """`42 s`, `12 min` or `3 h 05 min`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def short_duration(seconds: float) -> str:
    """Two digits of what is below ten seconds: `52 ms`, `1.3 s`; else as `duration`."""
    if seconds < 0.0995:
        return f"{1000 * seconds:.2g} ms"
    return f"{seconds:.2g} s" if seconds < 9.95 else duration(seconds)


def seconds_of(text: str) -> float:
    """What is meant by `5min`, `90s`, `1h30min` or `1.5h`.

    Raises:
        ValueError: For anything else, for nothing, and above 1000 hours; it says what to do.
    """
    found = _WORDS.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(_advice(text))
    seconds = sum(float(number or 0) * unit for number, unit in zip(found.groups(), _UNITS.values(), strict=True))
    if not 0 < seconds <= LONGEST:
        raise ValueError("above nothing, and at most 1000h")
    return seconds


def _advice(text: str) -> str:
    if re.fullmatch(_NUMBER, text):
        return f"add a unit: {text}min or {text}s"
    units = ", ".join(_UNITS)
    return f"a number and its unit, {units}, the larger unit first"
