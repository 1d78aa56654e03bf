"""A package that knows nothing of the project."""

import torch
from torch import nn


class ToyUNet(nn.Module):
    """Five halvings, so that it refuses sides that are no multiples of 32; from (B, 3, H, W) to (B, 1, H, W)."""

    def __init__(self, channels=4, options=None):
        super().__init__()
        self.first = nn.Conv2d(3, channels, 3, padding=1)
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.MaxPool2d(2), nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()
            )
            for _ in range(5)
        )
        self.up = nn.ModuleList(
            nn.Sequential(nn.Conv2d(2 * channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU())
            for _ in range(5)
        )
        self.last = nn.Conv2d(channels, 1, 1)

    def forward(self, image):
        x = self.first(image)
        skips = []
        for stage in self.down:
            skips.append(x)
            x = stage(x)
        for stage in self.up:
            x = nn.functional.interpolate(x, scale_factor=2)
            x = stage(torch.cat([x, skips.pop()], dim=1))  # fails where a side was rounded
        return self.last(x)
