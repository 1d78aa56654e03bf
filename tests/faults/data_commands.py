"""The commands on data sets, to be killed and to be given no room: what they are given, and what must come of it."""

import json
from pathlib import Path
from typing import Any

from data.download.archives import write_zip
from data.layouts import write_stare
from faults.attempt import content
from faults.kills import Command
from running import contents

SMALL = (40, 44)


def with_archive(folder: Path) -> None:
    """Puts STARE as the user has it into a folder: as `mine/stare.zip`, beside a set of another name."""
    stare = write_stare(folder / "mine" / "STARE", size=SMALL)
    write_zip(folder / "mine" / "stare.zip", contents(stare))
    (folder / "data" / "other").mkdir(parents=True)
    (folder / "data" / "other" / "a.txt").write_text("the user's own")


def getting(source: str = "mine/stare.zip") -> Command:
    """A set from an archive or an address: whole, with nothing beside it, and what the user has as it was."""
    given = ("stare", f"source={source}", "paths.data_dir=data")

    def results(folder: Path) -> dict[str, Any]:
        return {f"{name}/{path}": sum_ for name in ("data", "mine") for path, sum_ in content(folder / name).items()}

    return Command("data get", "prepare_data", given, lambda _: ("prepare_data", given), results, "")


def checking() -> Command:
    """The report of a check, every byte of it."""
    given = ("data=chasedb1", "paths.data_dir=sets")

    def results(folder: Path) -> dict[str, Any]:
        json.loads((folder / "runs/data_check/chasedb1/report.json").read_text())
        return content(folder / "runs/data_check") | content(folder / "sets")

    return Command("data check", "check_data", given, lambda _: ("check_data", given), results, "")


def across_sets() -> Command:
    """A run on its own set, from `run` and `sets`: the scores, and what is kept for the next time."""
    given = ("run_dirs=[run]", "sets=[chasedb1]", "paths.data_dir=sets", "device=cpu")

    def results(folder: Path) -> dict[str, Any]:
        out = folder / "runs/across_sets"
        found = json.loads((out / "datasets.json").read_text())
        return content(out / "scored_images") | {
            "cells": found["cells"],
            "rows": (out / "datasets_per_image.csv").read_bytes(),
            "figure": (out / "heatmap.png").read_bytes(),
        }

    return Command("compare datasets", "cross_dataset", given, lambda _: ("cross_dataset", given), results, "")
