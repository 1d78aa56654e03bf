"""How fast does training reach a quality? python scripts/benchmark_training.py data=chasedb1."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("benchmark training")
