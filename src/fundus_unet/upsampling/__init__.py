"""Operations that double a feature map, and their arithmetic."""

from fundus_unet.upsampling.bilinear_init import BilinearInitTransposedConvUpsampler
from fundus_unet.upsampling.blur import BlurredUpsampler
from fundus_unet.upsampling.conv_interpolate import ConvInterpolateUpsampler
from fundus_unet.upsampling.dysample import DySampleUpsampler
from fundus_unet.upsampling.equal_gain import EqualGainTransposedConvUpsampler
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from fundus_unet.upsampling.pixel_shuffle import PixelShuffleUpsampler
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler
from fundus_unet.upsampling.upsampler import Upsampler, UpsamplerFactory

__all__ = [
    "BilinearInitTransposedConvUpsampler",
    "BlurredUpsampler",
    "ConvInterpolateUpsampler",
    "DySampleUpsampler",
    "EqualGainTransposedConvUpsampler",
    "InterpolateConvUpsampler",
    "PixelShuffleUpsampler",
    "TransposedConvUpsampler",
    "Upsampler",
    "UpsamplerFactory",
]
