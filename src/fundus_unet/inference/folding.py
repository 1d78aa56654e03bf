"""A trained network made faster: the same function in fewer passes over its feature maps."""

import copy
from collections.abc import Iterator
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fundus_unet.inference.integer_relu import IntegerReLU

RESNET_MODULE = "torchvision.models.resnet"
RESNET_PAIRS = (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"))


def folded(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode, each batch normalisation folded into the convolution before it; else left as it is.

    In evaluation, a batch normalisation multiplies and shifts every channel by constants, which the convolution can do.
    A pair is folded where the network's structure says that nothing else sees the convolution's output: neighbours in
    an `nn.Sequential`, and the convolutions of torchvision's ResNet blocks. The ReLU after such a pair works in place,
    and in bfloat16 on integers (`IntegerReLU`). Networks without such pairs are not copied.

    The logits are those of the network up to rounding.
    """
    if not any(True for module in network.modules() for _ in _pairs(module)):
        return network.eval()
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        for conv, norm in list(_pairs(module)):
            setattr(module, conv, fuse_conv_bn_eval(getattr(module, conv), getattr(module, norm)))
            setattr(module, norm, nn.Identity())
            _replace_activation(module, norm)
    return network


def _pairs(module: nn.Module) -> Iterator[tuple[str, str]]:
    """Names of a convolution and of the batch normalisation that alone is given its output."""
    children = dict(module.named_children())
    if type(module).forward is nn.Sequential.forward:
        candidates = list(pairwise(module._modules))
    elif type(module).__module__ == RESNET_MODULE:
        candidates = [pair for pair in RESNET_PAIRS if pair[0] in children and pair[1] in children]
    else:
        return
    for conv, norm in candidates:
        if _is_foldable(children.get(conv), children.get(norm)):
            yield conv, norm


def _is_foldable(conv: nn.Module | None, norm: nn.Module | None) -> bool:
    # a subclass may do more, as one does whose weights are computed, and a hook may look at what is between
    return (
        type(conv) is nn.Conv2d
        and type(norm) is nn.BatchNorm2d
        and norm.running_mean is not None
        and not conv._forward_hooks
        and not norm._forward_pre_hooks
    )


def _replace_activation(module: nn.Module, norm: str) -> None:
    if not isinstance(module, nn.Sequential):
        return
    names = list(module._modules)
    following = names[names.index(norm) + 1 :][:1]
    if following and type(module._modules[following[0]]) is nn.ReLU:
        setattr(module, following[0], IntegerReLU())
