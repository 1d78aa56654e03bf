"""The device to compute on, and the precision to compute with."""

import torch

from fundus_unet.core.errors import InputError, did_you_mean

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS: dict[str, torch.dtype | None] = {
    "32-true": None,
    "bf16-mixed": torch.bfloat16,
    "16-mixed": torch.float16,
    "64-true": None,
}
"""Lightning's names, and the dtype of matrix products where that is not the weights' own; prediction casts to it."""
AUTO = "auto"


def choose_device(device: str) -> torch.device:
    """`auto` is a GPU where there is one.

    Raises:
        InputError: For another name, or where there is no such device.
    """
    if device not in DEVICES:
        fix = "set device=cuda" if device == "gpu" else did_you_mean(device, DEVICES)
        raise InputError(f"unknown device {device!r}", expected=" or ".join(DEVICES), fix=fix)
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("there is no CUDA device here", expected="a GPU that torch can use", fix="set device=cpu")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def uses_gpu(accelerator: str) -> bool:
    """Whether Lightning's `accelerator` of that name is no CPU here."""
    return accelerator != "cpu" and torch.accelerator.is_available()


def resolve_precision(precision: str, accelerator: str) -> str:
    """Turn `auto` into bf16-mixed where the hardware multiplies bf16 matrices fast, and 32-true elsewhere.

    Fast are GPUs of compute capability 8.0 on, and CPUs with AMX or AVX-512 BF16 instructions. Others emulate bf16 and
    are slower with it than without.

    Raises:
        InputError: For an unknown precision.
    """
    if precision == AUTO:
        return "bf16-mixed" if _bf16_is_fast(accelerator) else "32-true"
    if precision not in PRECISIONS:
        names = (AUTO, *PRECISIONS)
        raise InputError(f"unknown precision {precision!r}", expected=names, fix=did_you_mean(str(precision), names))
    return precision


def _bf16_is_fast(accelerator: str) -> bool:
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_capability() >= (8, 0)
    if accelerator in ("auto", "cpu"):
        # torch has no public name for this on the CPU before its `get_capabilities`
        asks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
        return any(getattr(torch.cpu, ask, lambda: False)() for ask in asks)
    return False
