"""The table of operations in docs/upsampling.md, row by row, against the code."""

import pytest
import torch

from fundus_unet.core.counting import parameter_count
from fundus_unet.upsampling.measuring import (
    flops_per_output_pixel,
    is_linear,
    overlap_of,
    phase_values,
)
from running import ROOT
from upsampling.cases import CASES

PAGE = (ROOT / "docs" / "upsampling.md").read_text(encoding="utf-8")
CHANNELS = {"c_in": 4, "c_out": 8}
NAMES = CHANNELS | {"m": 4 * 8}


def rows() -> dict[str, list[str]]:
    lines = PAGE.split("| `upsampler=` |")[1].split("\n\n")[0].splitlines()[2:]
    table = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]
    return {cells[0]: cells[1:] for cells in table}


def test_every_option_has_a_row():
    assert sorted(rows()) == sorted(case.name for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_row(case):
    reaches, parameters, flops, overlap, at_start, after_training, source = rows()[case.name]
    upsampler = case.factory(*CHANNELS.values())
    assert parameter_count(upsampler) == eval(parameters, NAMES.copy())
    assert flops_per_output_pixel(upsampler, (8, 8), (16, 16)) == eval(flops, NAMES.copy())
    h = 5
    if case.reaches:
        sizes = [eval(size.replace("2h", "2 * h"), {"h": h}) for size in reaches.split(", ")]
        assert sizes == case.reaches(h)
    else:
        assert reaches == "any"
    single = case.factory(1, 1)
    if is_linear(single, (8, 8), (16, 16)):
        phases = phase_values(overlap_of(single, (8, 8), (16, 16)))
        torch.testing.assert_close(phases.flatten().tolist(), [float(count) for count in overlap.split(",")])
    else:
        assert overlap == "not linear"
    assert (at_start == "yes") == case.constant_stays_constant
    assert (after_training == "yes") == case.constant_through_training
    assert source
