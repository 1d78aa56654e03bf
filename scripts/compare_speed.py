"""Time and memory of upsamplers: python scripts/compare_speed.py 'upsamplers=[transposed_k4s2p1,bilinear_conv]'."""

from omegaconf import DictConfig

from fundus_unet.commands.entry import entry


@entry("compare_speed")
def main(config: DictConfig) -> None:
    """Hydra's entry."""
    from fundus_unet.commands.compare_speed import compare_speed_from_config

    compare_speed_from_config(config)


if __name__ == "__main__":
    main()
