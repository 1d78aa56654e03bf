"""What `hydra/sweeper=optuna` names: Hydra takes plugins from the package `hydra_plugins` alone, and scans it always.

So it only hands over. The sweeper of Hydra's own is for an optuna of 2022, whose storage does not work with today's
SQLAlchemy; it neither prunes nor continues trials that were killed.
"""

from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class OptunaSweeper(Sweeper):
    """See `fundus_unet.commands.optuna_sweep`; takes the settings of configs/hydra/sweeper/optuna.yaml."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from hydra.core.plugins import Plugins

        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        from fundus_unet.commands.optuna_sweep import sweep

        if self.config is None or self.hydra_context is None or self.launcher is None:
            raise RuntimeError("setup comes before sweep")
        return sweep(self.settings, arguments, self.config, self.hydra_context.config_loader, self.launcher.launch)
