"""How well does a network do on other sets? python scripts/cross_dataset.py run_dirs=[runs/RUN] sets=[chasedb1,hrf]."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("compare datasets")
