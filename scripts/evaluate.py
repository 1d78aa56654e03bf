"""Score a run on its test images: python scripts/evaluate.py run_dir=RUN_DIRECTORY."""

from omegaconf import DictConfig

from fundus_unet.commands.entry import entry


@entry("evaluate")
def main(config: DictConfig) -> None:
    """Hydra's entry."""
    from fundus_unet.commands.evaluate import evaluate_from_config

    evaluate_from_config(config)


if __name__ == "__main__":
    main()
