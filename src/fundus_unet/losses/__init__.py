"""What a network is trained with: one module per loss."""

from fundus_unet.losses.bce_dice import BCEDiceLoss
from fundus_unet.losses.bce_dice_cldice import BCEDiceClDiceLoss

__all__ = ["BCEDiceClDiceLoss", "BCEDiceLoss"]
