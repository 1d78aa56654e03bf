"""One page about a comparison: python scripts/report.py dir=runs/comparison."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("report")
