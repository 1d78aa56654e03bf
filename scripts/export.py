"""Export the network of a run: python scripts/export.py run_dir=RUN_DIRECTORY format=onnx."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("export")
