"""Train a U-Net on fundus vessels: python scripts/train.py data=chasedb1 upsampler=bilinear_conv."""

from fundus_unet.commands.program import run_command

if __name__ == "__main__":
    run_command("train")
