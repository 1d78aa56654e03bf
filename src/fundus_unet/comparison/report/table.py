"""A table of the report: plain values by column, and how each column is to be shown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column.

    Args:
        key: Of its values in the rows.
        title: With the unit.
        show: The name of how its values are written, of `formats.FORMATS`.
        group: A title over neighbouring columns.
    """

    key: str
    title: str
    show: str
    group: str = ""


def table(columns: Sequence[Column], rows: Sequence[Row]) -> dict[str, Any]:
    """`{groups: [{title, columns}], rows}` as plain values, without columns in which no row has a value."""
    kept = [column for column in columns if any(row.get(column.key) is not None for row in rows)]
    groups: list[dict[str, Any]] = []
    for column in kept:
        if not (groups and column.group and groups[-1]["title"] == column.group):
            groups.append({"title": column.group, "columns": []})
        groups[-1]["columns"].append(asdict(column))
    return {"groups": groups, "rows": [{column.key: row.get(column.key) for column in kept} for row in rows]}
