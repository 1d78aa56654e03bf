"""What speed.json says, as tables for a terminal and for a Markdown file."""

import itertools
from collections.abc import Iterator
from typing import Any

from rich import box
from rich.table import Table

Row = dict[str, Any]
COLUMNS = ("upsampler", "ms", "quartiles", "vs control", "quartiles", "images/s", "MB", "GPU MB", "GFLOP", "% of rate")
SETTING = ("level", "mode", "device", "dtype", "memory_format", "compiled", "batch_size", "image_size")
LEGEND = (
    "ms: one step over the whole batch, median. vs control: time over the control's in the same round, median. "
    "MB: growth of the process's memory while it runs. GPU MB: most that tensors took on the accelerator. "
    "GFLOP: matrix products and convolutions of one step. % of rate: of the measured rate of matrix products."
)


def speed_markdown(result: dict[str, Any]) -> str:
    """A table per setting, with parameters; at the level of layers also a line per decoder stage."""
    facts = result["environment"]
    lines = [
        "# Speed of upsamplers",
        "",
        f"{result['created']}, control `{result['control']}`"
        + ("" if result["complete"] else "; **not complete**: these settings were measured"),
        "",
        f"{facts['processor']}, {facts['torch_threads']} threads; accelerator {facts['accelerator'] or 'none'}; "
        f"torch {facts['packages']['torch']}; commit {facts['commit'] or 'unknown'}",
        "",
        *(f"- matrix products, {_rate(rate)}" for rate in result["matrix_product_rate"]),
        "",
        LEGEND,
    ]
    for title, rows in _by_setting(result["rows"]):
        lines += ["", f"## {title}", "", _markdown_row((*COLUMNS, "parameters"))]
        lines.append("|---|" + "---:|" * len(COLUMNS))
        for stage, of_stage in itertools.groupby(rows, _stage):
            if stage:
                lines.append(_markdown_row((f"*{stage}*", *[""] * len(COLUMNS))))
            lines += [_markdown_row((*_cells(row), _number(row["parameters"]))) for row in of_stage]
        lines += [f"\n{remark}" for remark in _remarks(rows)]
    return "\n".join(lines) + "\n"


def speed_tables(result: dict[str, Any]) -> Iterator[Table | str]:
    """Whole networks, or single layers where no network was measured; then what could not be measured."""
    rows = [row for row in result["rows"] if row["level"] == "network"] or result["rows"]
    for title, of_setting in _by_setting(rows):
        for stage, of_stage in itertools.groupby(of_setting, _stage):
            yield _table(f"{title}\n{stage}" if stage else title, list(of_stage))
    yield from _remarks(result["rows"])


def _table(title: str, rows: list[Row]) -> Table:
    shown = [index for index, column in enumerate(COLUMNS) if column != "quartiles"]  # fits 80 columns without
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for index in shown:
        table.add_column(COLUMNS[index], justify="right" if index else "left", no_wrap=True)
    for row in rows:
        cells = _cells(row)
        table.add_row(*(cells[index] for index in shown))
    return table


def _by_setting(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    return [(title, list(group)) for title, group in itertools.groupby(rows, _title)]


def _title(row: Row) -> str:
    level, mode, device, dtype, memory_format, compiled, batch_size, (height, width) = (row[key] for key in SETTING)
    how = "compiled" if compiled else "eager"
    return f"{level} {mode}, {device} {dtype} {memory_format} {how}, {batch_size} x {height} x {width}"


def _stage(row: Row) -> str:
    if row["stage"] is None:
        return ""
    (h, w), (height, width) = row["size"], row["output_size"]
    channels = f"{row['in_channels']} -> {row['out_channels']} channels"
    return f"stage {row['stage']}, {channels}, {h} x {w} -> {height} x {width}"


def _cells(row: Row) -> tuple[str, ...]:
    share = row["share_of_matrix_rate"]
    return (
        row["upsampler"],
        _number(row["median_seconds"], 1e-3) if row["status"] == "measured" else row["status"],
        _range(row["lower_quartile_seconds"], row["upper_quartile_seconds"], 1e-3),
        _number(row["ratio_to_control"]),
        _range(row["ratio_lower_quartile"], row["ratio_upper_quartile"]),
        _number(row["images_per_second"]),
        _number(row["process_memory_bytes"], 1e6),
        _number(row["accelerator_memory_bytes"], 1e6),
        _number(row["flops"], 1e9),
        _number(share, 0.01),
    )


def _remarks(rows: list[Row]) -> list[str]:
    remarks = (f"{_title(row)}; {_stage(row)}, {row['upsampler']}: {row['reason']}" for row in rows if row["reason"])
    return list(dict.fromkeys(remark.replace("; ,", ";") for remark in remarks))


def _rate(rate: dict[str, Any]) -> str:
    where = f"{rate['device']} {rate['dtype']}{' (TF32)' if rate['tf32'] else ''}"
    if rate["flops_per_second"] is None:
        return f"{where}: {rate['reason']}"
    return f"{where}: {_number(rate['flops_per_second'], 1e9)} GFLOP/s, side {rate['size']}"


def _range(lower: float | None, upper: float | None, unit: float = 1.0) -> str:
    return "" if lower is None else f"{_number(lower, unit)} to {_number(upper, unit)}"


def _number(value: float | None, unit: float = 1.0) -> str:
    """Three digits or a little more; nothing for None."""
    if value is None:
        return ""
    value /= unit
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3g}"


def _markdown_row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
