"""What a network is trained with: one module per loss."""

from fundus_unet.losses.bce_dice import BCEDiceLoss

__all__ = ["BCEDiceLoss"]
