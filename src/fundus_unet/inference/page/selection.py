"""Which rows a page shows: all, or of very many those that a person should look at first."""

from collections import Counter
from collections.abc import Iterator

from fundus_unet.inference.record import ERROR, WARNING, Record

MOST_ROWS = 20_000
"""A browser sorts and filters them at once, and the page has some 5 MB."""


class Selection:
    """Takes in every row of a table, and keeps no more than twice `most`.

    Of more than `most` it gives those with an error or a warning first, then others, all in their order.
    """

    def __init__(self, most: int = MOST_ROWS) -> None:
        self.counts: Counter[str] = Counter()
        self._most = most
        self._flagged: list[tuple[int, Record]] = []
        self._others: list[tuple[int, Record]] = []

    def __bool__(self) -> bool:
        return self.total > 0

    @property
    def total(self) -> int:
        return self.counts.total()

    def add(self, record: Record) -> None:
        rows = self._flagged if record.status in (ERROR, WARNING) else self._others
        if len(rows) < self._most:
            rows.append((self.total, record))
        self.counts[record.status] += 1

    def taking(self, records: Iterator[Record]) -> Iterator[Record]:
        """Take in each of them as it passes."""
        for record in records:
            self.add(record)
            yield record

    def rows(self) -> list[Record]:
        room = self._most - len(self._flagged)
        chosen = sorted([*self._flagged, *self._others[:room]], key=lambda row: row[0])
        return [record for _, record in chosen]
