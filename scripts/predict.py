"""Vessel maps of new images: python scripts/predict.py images=IMAGES [run_dir=RUN_DIRECTORY]."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("predict")
