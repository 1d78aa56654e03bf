"""One table of a folder of runs: python scripts/summarize.py dir=runs/multirun."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("summarize")
