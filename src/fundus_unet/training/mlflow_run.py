"""Curves, settings and final scores for MLflow, in a folder on this machine that all runs beside each other share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import MLFlowLogger

FOLDER = "mlflow"
RUN_DIRECTORY, RUN_ID = "run_directory", "run_id"
"""Tags of a run."""


class MLflowRun(MLFlowLogger):
    """Writes to the folder `mlflow` beside the run directory: `mlflow ui --backend-store-uri sqlite:///mlflow/mlflow.db`.

    A resumed training continues its run there, by the id that `continue_as` is given.

    Args:
        save_dir: The run directory.
        experiment: Its runs are shown together.
    """

    def __init__(self, save_dir: str | Path, experiment: str = "fundus-unet") -> None:
        import mlflow  # noqa: F401  # says which package is missing

        path = Path(save_dir)
        self._is_resumed = False
        self.folder = path.parent / FOLDER
        self.folder.mkdir(parents=True, exist_ok=True)
        super().__init__(
            experiment,
            run_name=path.name,
            tracking_uri=f"sqlite:///{self.folder / 'mlflow.db'}",
            artifact_location=(self.folder / "artifacts").resolve().as_uri(),
            tags={RUN_DIRECTORY: path.name},
        )

    def continue_as(self, run_id: str) -> None:
        """Be the run of that id, before anything is logged."""
        self.tags = {**(self.tags or {}), RUN_ID: run_id}
        self._run_id = self._earlier(run_id)
        self._is_resumed = self._run_id is not None

    def log_hyperparams(self, params: Any) -> None:
        """Of a run that is there already they stay: MLflow refuses to change them, and places may have changed."""
        if not self._is_resumed:
            super().log_hyperparams(params)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        super().log_metrics({name: value for name, value in metrics.items() if name != "epoch"}, step)

    def _earlier(self, run_id: str) -> str | None:
        """The run that an earlier session began."""
        found = self._mlflow_client.get_experiment_by_name(self._experiment_name)
        if found is None:
            return None
        runs = self._mlflow_client.search_runs([found.experiment_id], f"tags.{RUN_ID} = '{run_id}'", max_results=1)
        return runs[0].info.run_id if runs else None
