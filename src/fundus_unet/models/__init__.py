"""Networks that segment: a U-Net, one on a ResNet, and what is asked of a network from elsewhere."""

from fundus_unet.models.attention_gate import AttentionGate
from fundus_unet.models.network import SegmentationNetwork, as_network
from fundus_unet.models.resnet_unet import ResNetUNet
from fundus_unet.models.unet import UNet

__all__ = ["AttentionGate", "ResNetUNet", "SegmentationNetwork", "UNet", "as_network"]
