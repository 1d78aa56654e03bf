"""Print and draw what one upsampling does: python scripts/explain_upsampling.py upsampler=transposed_k3s2p1 size=6."""

from omegaconf import DictConfig

from fundus_unet.commands.entry import entry


@entry("explain_upsampling")
def main(config: DictConfig) -> None:
    """Hydra's entry."""
    from fundus_unet.commands.explain_upsampling import explain_from_config

    explain_from_config(config)


if __name__ == "__main__":
    main()
