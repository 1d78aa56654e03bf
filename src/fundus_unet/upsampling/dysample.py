"""Content-aware upsampling: the input itself decides where each output pixel samples it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.upsampler import Upsampler, check_doubles, init_keeping_variance


class DySampleUpsampler(Upsampler):
    """Mixes the channels by a 1x1 convolution, then samples them at points that a second 1x1 convolution displaces.

    Sampling is bilinear with a replicated border, so it starts almost as bilinear upsampling, and a constant gives a
    constant whatever is learned. This is the paper's design with a static scope and the linear layer before the pixel
    shuffle; the channel mix is added, at low resolution because it commutes with sampling where `groups` is 1.

    Shapes:
        see `Upsampler`; `(H, W) = (2h, 2w)` only. Each of `groups` equal parts of the output channels has points of
        its own.

    Units:
        displacements in pixels of the input.

    Convention:
        `align_corners=False`, pixel centres.

    Raises:
        InputError: For groups that do not divide `out_channels`, or a size other than twice the input's.

    Source:
        Liu, Lu, Fu, Cao, "Learning to Upsample by Learning to Sample", ICCV 2023, arXiv 2308.15085.
    """

    FACTOR = 2
    SCOPE = 0.25  # half the distance of two output pixels: points displaced by up to +-1 times this do not cross
    START_STD = 0.001  # of the displacing weights: so small that sampling starts almost as bilinear upsampling

    def __init__(self, in_channels: int, out_channels: int, *, groups: int = 1, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels)
        if groups < 1 or out_channels % groups:
            raise InputError(
                "the output channels do not divide into groups",
                expected=f"groups >= 1 that divide out_channels={out_channels}",
                got=f"groups={groups}",
            )
        self.groups = groups
        self.mix = nn.Conv2d(in_channels, out_channels, 1, bias=bias)
        self.displacement = nn.Conv2d(in_channels, groups * 2 * self.FACTOR**2, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init_keeping_variance(self.mix.weight, self.mix.bias, taps=self.in_channels)
        nn.init.normal_(self.displacement.weight, std=self.START_STD)
        if self.displacement.bias is not None:
            nn.init.zeros_(self.displacement.bias)

    def forward(self, x: Tensor, output_size: tuple[int, int]) -> Tensor:
        check_doubles(x, output_size)
        mixed, points = self.mix(x), self.points(x)
        parts = mixed.unflatten(1, (self.groups, -1)).flatten(0, 1).to(points.dtype)
        sampled = F.grid_sample(parts, points, mode="bilinear", padding_mode="border", align_corners=False)
        return sampled.unflatten(0, (-1, self.groups)).flatten(1, 2).to(mixed.dtype)

    def points(self, x: Tensor) -> Tensor:
        """Where each output pixel samples `x`: (B * groups, 2h, 2w, 2), as `sampling_points` gives them."""
        moved = self.displacement(x)
        # Positions across a large image need more digits than bfloat16 has.
        dtype = torch.promote_types(moved.dtype, torch.float32)
        shift = F.pixel_shuffle(moved, self.FACTOR).to(dtype) * self.SCOPE
        return sampling_points(shift.unflatten(1, (self.groups, 2)).flatten(0, 1), self.FACTOR)


def sampling_points(shift: Tensor, factor: int) -> Tensor:
    """Where each output pixel samples the input: its own centre plus a shift.

    Shapes:
        shift (N, 2, H, W), x before y -> (N, H, W, 2), x before y.

    Units:
        shift in pixels of the input; points as of `grid_sample`, -1 and 1 at the outer edges of the image.
    """
    height, width = shift.shape[-2:]
    y, x = ((2 * torch.arange(n, device=shift.device, dtype=shift.dtype) + 1) / n - 1 for n in (height, width))
    # an input pixel is 2 * factor / size wide where the image goes from -1 to 1
    return torch.stack([x + shift[:, 0] * 2 * factor / width, y[:, None] + shift[:, 1] * 2 * factor / height], -1)
