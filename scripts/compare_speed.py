"""Time and memory of upsamplers: python scripts/compare_speed.py 'upsamplers=[transposed_k4s2p1,bilinear_conv]'."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("compare speed")
