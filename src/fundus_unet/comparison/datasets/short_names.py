"""Names of runs that leave room for numbers."""

from collections.abc import Iterable

LONGEST = 24


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Long names cut to their first word and as many of the last as tell them apart: `chasedb1_*_seed0`.

    As `ls -d runs/chasedb1_*_seed0` finds them. A name that no cut tells apart stays whole.
    """
    names = list(names)
    cuts = {name: _cuts(name) for name in names}
    found = {name: cuts[name].pop(0) for name in names}
    while alike := [name for name in names if list(found.values()).count(found[name]) > 1 and cuts[name]]:
        found |= {name: cuts[name].pop(0) for name in alike}
    return found


def _cuts(name: str) -> list[str]:
    """From the shortest to the whole."""
    words = name.split("_")
    if len(name) <= LONGEST:
        return [name]
    return [f"{words[0]}_*_{'_'.join(words[-count:])}" for count in range(1, len(words) - 1)] + [name]
