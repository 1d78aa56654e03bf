"""Sizes along one axis of a (transposed) convolution. Height and width follow the same formulas, independently.

Every function takes the integers that `torch.nn.ConvTranspose2d` takes and checks them.

Source: PyTorch's `ConvTranspose2d`; Dumoulin & Visin, "A guide to convolution arithmetic for deep learning",
arXiv 1603.07285.
"""

from fundus_unet.core.errors import InputError


def conv_output_size(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Output length of a convolution; where several input lengths give the same one, only the floor differs.

    `H_out = floor((H_in + 2 * padding - dilation * (kernel_size - 1) - 1) / stride) + 1`

    Raises:
        InputError: Where an argument makes no sense or the kernel does not fit into the padded input.
    """
    check_options(size, kernel_size, stride, padding, dilation)
    length = (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1
    if length < 1:
        raise InputError(
            "the kernel does not fit into the padded input",
            expected="floor((H_in + 2 * padding - dilation * (kernel_size - 1) - 1) / stride) + 1 >= 1",
            got=f"floor(({size} + 2 * {padding} - {dilation} * ({kernel_size} - 1) - 1) / {stride}) + 1 = {length}",
        )
    return length


def transposed_output_size(
    size: int, kernel_size: int, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    """Output length of a transposed convolution.

    `H_out = (H_in - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1`

    Raises:
        InputError: Where an argument makes no sense or `padding` crops everything away.
    """
    check_options(size, kernel_size, stride, padding, dilation)
    valid = valid_output_paddings(stride, dilation)
    if output_padding not in valid:
        raise InputError(
            "output_padding chooses among output sizes; it cannot add more than that",
            expected=f"0 <= output_padding < max(stride, dilation) = max({stride}, {dilation}) = {len(valid)}",
            got=f"output_padding={output_padding}",
        )
    length = _smallest_output(size, kernel_size, stride, padding, dilation) + output_padding
    if length < 1:
        raise InputError(
            "padding crops the whole output of the transposed convolution",
            expected="(H_in - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1 >= 1",
            got=f"{transposed_formula(size, kernel_size, stride, padding, output_padding, dilation)} = {length}",
        )
    return length


def transposed_formula(
    size: int, kernel_size: int, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> str:
    """The right-hand side of `transposed_output_size` with the numbers filled in, for messages and titles."""
    return f"({size} - 1) * {stride} - 2 * {padding} + {dilation} * ({kernel_size} - 1) + {output_padding} + 1"


def valid_output_paddings(stride: int = 1, dilation: int = 1) -> range:
    """Every `output_padding` that PyTorch accepts: `0 <= output_padding < max(stride, dilation)`.

    Convention:
        `output_size=` of `torch.nn.ConvTranspose2d` uses those below `stride` alone, which tell apart the sizes
        that a convolution turns into one; others exist where `dilation > stride`.
    """
    check_options(stride=stride, dilation=dilation)
    return range(max(stride, dilation))


def reachable_output_sizes(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> range:
    """Every output length that some valid `output_padding` gives, smallest first; empty where `padding` crops all.

    `H_min .. H_min + max(stride, dilation) - 1` with `H_min` of `output_padding = 0`

    Raises:
        InputError: Where an argument makes no sense.
    """
    check_options(size, kernel_size, stride, padding, dilation)
    smallest = _smallest_output(size, kernel_size, stride, padding, dilation)
    return range(max(smallest, 1), max(smallest + len(valid_output_paddings(stride, dilation)), 1))


def output_padding_for(
    target: int, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """The `output_padding` that turns an input of length `size` into an output of length `target`.

    `output_padding = target - H_min`

    Raises:
        InputError: (a `ValueError`) that names the reachable lengths where `target` is none of them.
    """
    check_options(size, kernel_size, stride, padding, dilation)
    # comparisons alone, no range of sizes: torch.export then follows a size that is not known yet
    output_padding = target - _smallest_output(size, kernel_size, stride, padding, dilation)
    if target < 1 or not 0 <= output_padding < max(stride, dilation):
        reachable = reachable_output_sizes(size, kernel_size, stride, padding, dilation)
        formula = transposed_formula(size, kernel_size, stride, padding, 0, dilation)
        raise InputError(
            f"a transposed convolution (kernel {kernel_size}, stride {stride}, padding {padding}, dilation {dilation}) "
            f"cannot turn length {size} into {target}",
            expected=f"one of {list(reachable)}: {formula} plus output_padding < {max(stride, dilation)}",
            got=target,
            fix="ask for a reachable size, or choose another kernel size or padding",
        )
    return output_padding


def input_sizes_for(target: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> range:
    """Every input length from which `target` can be reached; empty where there is none.

    All `H_in >= 1` with `0 <= target - H_min(H_in) < max(stride, dilation)`. The largest is
    `conv_output_size(target)`: the transposed convolution undoes the size of the convolution with the same options.
    It is the only one where `dilation <= stride`.

    Raises:
        InputError: Where an argument makes no sense.
    """
    check_options(target, kernel_size, stride, padding, dilation)
    rest = target - _smallest_output(1, kernel_size, stride, padding, dilation)
    fewest_steps = -((len(valid_output_paddings(stride, dilation)) - 1 - rest) // stride)
    return range(max(fewest_steps, 0) + 1, max(rest // stride + 2, 1))


def effective_zero_border(kernel_size: int, padding: int = 0, dilation: int = 1) -> int:
    """Rows of zeros around the zero-inserted input of a transposed convolution; a negative number crops.

    `dilation * (kernel_size - 1) - padding`; `output_padding` adds to the bottom and the right only.

    Raises:
        InputError: Where an argument makes no sense.
    """
    check_options(kernel_size=kernel_size, padding=padding, dilation=dilation)
    return dilation * (kernel_size - 1) - padding


def _smallest_output(size: int, kernel_size: int, stride: int, padding: int, dilation: int) -> int:
    return (size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + 1


def check_options(size: int = 1, kernel_size: int = 1, stride: int = 1, padding: int = 0, dilation: int = 1) -> None:
    """Raise `InputError` for integers that no convolution along one axis can have."""
    for name, value, least in (
        ("size", size, 1),
        ("kernel_size", kernel_size, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    ):
        if value < least:
            raise InputError(
                f"{name} makes no sense for a convolution", expected=f"{name} >= {least}", got=f"{name}={value}"
            )
