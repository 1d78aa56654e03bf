"""Measure and draw checkerboards: python scripts/compare_checkerboard.py run_dirs=[RUN_DIR,RUN_DIR]."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("compare checkerboard")
