"""Measure and draw checkerboards: python scripts/compare_checkerboard.py run_dirs=[RUN_DIR,RUN_DIR]."""

from omegaconf import DictConfig

from fundus_unet.commands.entry import entry


@entry("compare_checkerboard")
def main(config: DictConfig) -> None:
    """Hydra's entry."""
    from fundus_unet.commands.compare_checkerboard import compare_checkerboard_from_config

    compare_checkerboard_from_config(config)


if __name__ == "__main__":
    main()
