"""Curves, settings and final scores for Weights & Biases, kept on this machine: `wandb sync` sends them."""

from collections.abc import Mapping
from pathlib import Path

from lightning.pytorch.loggers import WandbLogger


class WandbRun(WandbLogger):
    """Writes to the folder `wandb` beside the run directory, without a network or an account.

    It is not inside: wandb makes links there that lead to its cache, and a run with such links is not resumed.

    Sessions of a resumed training are one run there, by the id that `continue_as` is given.

    Args:
        save_dir: The run directory.
        project: Where `wandb sync` puts it.
    """

    def __init__(self, save_dir: str | Path, project: str = "fundus-unet") -> None:
        import wandb

        path = Path(save_dir)
        super().__init__(
            name=path.name,
            save_dir=path.parent,
            project=project,
            offline=True,
            mode="offline",
            reinit="create_new",  # the next run of a multirun is another one
            settings=wandb.Settings(silent=True, console="off"),
        )

    def continue_as(self, run_id: str) -> None:
        """Be the run of that id, before anything is logged."""
        self._wandb_init["id"] = self._id = run_id

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        super().log_metrics({name: value for name, value in metrics.items() if name != "epoch"}, step)

    def close(self) -> None:
        """Nothing more will be logged."""
        self.experiment.finish()
