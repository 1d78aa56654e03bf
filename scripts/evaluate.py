"""Score a run on its test images: python scripts/evaluate.py run_dir=RUN_DIRECTORY."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("evaluate")
