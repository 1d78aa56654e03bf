"""Which dtype to train in."""

import torch

from fundus_unet.core.errors import InputError, did_you_mean

PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed", "64-true")


def resolve_precision(precision: str, accelerator: str) -> str:
    """Turn `auto` into bf16-mixed where the hardware multiplies bf16 matrices fast, and 32-true elsewhere.

    Fast are GPUs of compute capability 8.0 on, and CPUs with AMX or AVX-512 BF16 instructions. Others emulate bf16 and
    are slower with it than without.

    Raises:
        InputError: For an unknown precision.
    """
    precision = str(precision)
    if precision not in PRECISIONS:
        raise InputError(
            f"unknown precision {precision!r}", expected=PRECISIONS, fix=did_you_mean(precision, PRECISIONS)
        )
    if precision != "auto":
        return precision
    return "bf16-mixed" if _bf16_is_fast(accelerator) else "32-true"


def _bf16_is_fast(accelerator: str) -> bool:
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_capability() >= (8, 0)
    if accelerator in ("auto", "cpu"):
        # torch has no public name for this on the CPU before its `get_capabilities`
        asks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
        return any(getattr(torch.cpu, ask, lambda: False)() for ask in asks)
    return False
