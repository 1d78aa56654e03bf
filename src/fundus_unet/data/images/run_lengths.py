"""Unpack DICOM's run lengths, no further than the image needs, whatever a damaged file says."""

import itertools

import numpy as np

_HEADER = 64


def unpack_planes(packed: bytes, planes: int, pixels: int) -> np.ndarray:
    """One frame of 8-bit samples.

    Shapes:
        bytes -> uint8 (pixels, planes).

    Raises:
        ValueError: For another number of planes, or one that ends early.

    Source:
        DICOM PS3.5 annex G; the packing is that of TIFF's PackBits.
    """
    numbers = np.frombuffer(packed[:_HEADER], "<u4")
    if len(numbers) != _HEADER // 4 or numbers[0] != planes:
        raise ValueError("another number of planes")
    bounds = [*(int(number) for number in numbers[1 : planes + 1]), len(packed)]
    unpacked = [_unpacked(packed[start:end], pixels) for start, end in itertools.pairwise(bounds)]
    return np.stack([np.frombuffer(plane, np.uint8) for plane in unpacked], axis=1)


def _unpacked(packed: bytes, size: int) -> bytes:
    found, position = bytearray(), 0
    while len(found) < size and position < len(packed):
        control = packed[position]
        if control < 128:
            found += packed[position + 1 : position + control + 2]
            position += control + 2
        elif control > 128:
            found += packed[position + 1 : position + 2] * (257 - control)
            position += 2
        else:
            position += 1
    if len(found) < size:
        raise ValueError("a plane ends early")
    return bytes(found[:size])
