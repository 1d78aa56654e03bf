"""Sizes along one axis of a (transposed) convolution.

Source: PyTorch's `ConvTranspose2d`; Dumoulin & Visin, "A guide to convolution arithmetic for deep learning",
arXiv 1603.07285.
"""

from fundus_unet.core.errors import InputError


def transposed_output_size(
    size: int, kernel_size: int, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    """Output length of a transposed convolution.

    `H_out = (H_in - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1`
    """
    return (size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1


def reachable_output_sizes(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> range:
    """Every output length that some valid `output_padding` gives, smallest first.

    Convention: PyTorch accepts `0 <= output_padding < max(stride, dilation)`.
    """
    smallest = transposed_output_size(size, kernel_size, stride, padding, 0, dilation)
    return range(max(smallest, 1), smallest + max(stride, dilation))


def output_padding_for(
    target: int, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """The `output_padding` that turns an input of length `size` into an output of length `target`.

    Raises: `InputError` (a `ValueError`) that names the reachable lengths where `target` is none of them.
    """
    reachable = reachable_output_sizes(size, kernel_size, stride, padding, dilation)
    if target not in reachable:
        raise InputError(
            f"a transposed convolution (kernel {kernel_size}, stride {stride}, padding {padding}, dilation {dilation}) "
            f"cannot turn length {size} into {target}",
            expected=f"one of {list(reachable)}",
            got=target,
            fix="ask for a reachable size, or choose another kernel size or padding",
        )
    return target - transposed_output_size(size, kernel_size, stride, padding, 0, dilation)
