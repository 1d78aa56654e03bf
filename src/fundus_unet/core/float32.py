"""Convolutions in float32 proper: on recent GPUs, cuDNN rounds what it multiplies to TF32, ten bits after the point."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def without_tf32() -> Iterator[None]:
    """Convolve in float32, as on a CPU; matrix products do so anyway."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
