"""Vessel maps of new images: python scripts/predict.py images=IMAGES [run_dir=RUN_DIRECTORY]."""

from omegaconf import DictConfig

from fundus_unet.commands.entry import entry


@entry("predict")
def main(config: DictConfig) -> None:
    """Hydra's entry."""
    from fundus_unet.commands.predict import predict_from_config

    predict_from_config(config)


if __name__ == "__main__":
    main()
