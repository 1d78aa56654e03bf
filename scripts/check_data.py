"""Check a data set: python scripts/check_data.py data=chasedb1."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("data check")
