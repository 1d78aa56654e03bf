"""The fastest way to execute a trained network: python scripts/benchmark_inference.py sizes=[512] rounds=3."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("benchmark inference")
