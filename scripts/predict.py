"""Vessel maps of new photographs: python scripts/predict.py images=PHOTOGRAPHS [run_dir=RUN_DIRECTORY]."""

from omegaconf import DictConfig

from fundus_unet.commands.entry import entry


@entry("predict")
def main(config: DictConfig) -> None:
    from fundus_unet.commands.predict import predict_from_config

    predict_from_config(config)


if __name__ == "__main__":
    main()
