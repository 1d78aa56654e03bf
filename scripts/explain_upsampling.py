"""Print and draw what one upsampling does: python scripts/explain_upsampling.py upsampler=transposed_k3s2p1 size=6."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("explain")
