"""Which upsampling segments best? python scripts/compare_accuracy.py upsamplers=[transposed_k4s2p1,bilinear_conv]."""

from omegaconf import DictConfig

from fundus_unet.commands.entry import entry


@entry("compare_accuracy")
def main(config: DictConfig) -> None:
    """Hydra's entry."""
    from fundus_unet.commands.compare_accuracy import compare_accuracy_from_config

    compare_accuracy_from_config(config)


if __name__ == "__main__":
    main()
