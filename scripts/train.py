"""Train a U-Net on fundus vessels: python scripts/train.py data=chasedb1 upsampler=bilinear_conv."""

from omegaconf import DictConfig

from fundus_unet.commands.entry import entry


@entry("train")
def main(config: DictConfig) -> None:
    """Hydra's entry."""
    from fundus_unet.commands.train import train_from_config  # after composing: a misspelt key then fails in a second

    train_from_config(config)


if __name__ == "__main__":
    main()
