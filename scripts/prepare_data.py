"""Get a public set of images: python scripts/prepare_data.py chasedb1."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("data get")
