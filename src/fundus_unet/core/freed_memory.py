"""Memory that was freed stays with the process: a network asks for the same large blocks again and again.

By default the C library gives blocks above some 32 MB back to the system at once, and smaller ones soon. The system
then has to clear every page of the next block, which for a feature map takes longer than many a layer: a sixth of a
training step, and more of prediction.
"""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BLOCK = 2**30
_NEVER = -1
_USUAL_BLOCK, _USUAL_TRIM = 2**25, 2**26
"""What the C library arrives at by itself once a process has freed large blocks."""


def keep_freed_memory() -> bool:
    """Keep freed blocks of up to a gigabyte; returns whether the C library can, which glibc can.

    For a process of the project's own: the memory stays at its peak until the process ends.
    """
    return _set(_KEPT_BLOCK, _NEVER)


def return_freed_memory() -> bool:
    """The C library's usual way again, and what is kept is returned."""
    done = _set(_USUAL_BLOCK, _USUAL_TRIM)
    if done:
        ctypes.CDLL(None).malloc_trim(0)
    return done


def _set(mmap_threshold: int, trim_threshold: int) -> bool:
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return mallopt is not None and bool(
        mallopt(_M_MMAP_THRESHOLD, mmap_threshold) and mallopt(_M_TRIM_THRESHOLD, trim_threshold)
    )
