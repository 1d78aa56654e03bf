"""The table at the end of a multirun, for a terminal of 80 columns."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from fundus_unet.commands.multirun import Job


def multirun_table(jobs: Sequence[Job]) -> Table:
    """One row per job.

    The end of a run's name, a number made of all its settings, stands for it: `ls -d runs/multirun/*_76d2ec80`.
    """
    splits = list(dict.fromkeys(split for job in jobs for split in job.scores))
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("run", no_wrap=True)
    table.add_column("settings", overflow="fold")
    for split in splits:
        table.add_column(f"Dice\n{split}", justify="right", no_wrap=True)
    table.add_column("min", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for job in jobs:
        scores = (f"{job.scores[split]:.4f}" if split in job.scores else "" for split in splits)
        minutes = "" if job.minutes is None else f"{job.minutes:.1f}"
        table.add_row(_short(job.run), _named(job.settings), *scores, minutes, job.state)
    return table


def _named(settings: str) -> str:
    """Upsamplers without the word, so that the longest name fits a line."""
    return " ".join(item.removeprefix("upsampler=") for item in settings.split())


def _short(run: str) -> str:
    return f"*_{run.rpartition('_')[2]}" if "_" in run else run
