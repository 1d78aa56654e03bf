"""One page about a comparison: python scripts/report.py dir=runs/comparison."""

from omegaconf import DictConfig

from fundus_unet.commands.entry import entry


@entry("report")
def main(config: DictConfig) -> None:
    """Hydra's entry."""
    from fundus_unet.commands.report import report_from_config

    report_from_config(config)


if __name__ == "__main__":
    main()
