"""Export the network of a run: python scripts/export.py run_dir=RUN_DIRECTORY format=onnx."""

from omegaconf import DictConfig

from fundus_unet.commands.entry import entry


@entry("export")
def main(config: DictConfig) -> None:
    """Hydra's entry."""
    from fundus_unet.commands.export import export_from_config

    export_from_config(config)


if __name__ == "__main__":
    main()
