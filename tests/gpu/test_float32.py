"""What float32 is on a GPU: TF32 in convolutions, as PyTorch has it, and float32 proper where it is asked for."""

import pytest
import torch
import torch.nn.functional as F

from fundus_unet.comparison.speed import roofline
from fundus_unet.core.float32 import without_tf32
from gpu.on_cuda import CUDA

pytestmark = pytest.mark.gpu


def error_of_a_convolution() -> float:
    """Relative, against float64."""
    random = torch.Generator().manual_seed(0)
    image = torch.randn(4, 64, 64, 64, generator=random).to(CUDA)
    kernel = torch.randn(64, 64, 3, 3, generator=random).to(CUDA)
    exact = F.conv2d(image.double(), kernel.double())
    return float((F.conv2d(image, kernel).double() - exact).norm() / exact.norm())


def test_convolutions_without_tf32_are_exact_and_what_was_set_comes_back() -> None:
    before = torch.backends.cudnn.allow_tf32
    with without_tf32():
        assert error_of_a_convolution() < 1e-5
    assert torch.backends.cudnn.allow_tf32 == before


def test_the_rate_of_products_is_that_of_what_convolutions_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "LARGEST", 2048)
    before = torch.get_float32_matmul_precision()
    rounded = roofline.matrix_product_rate(CUDA, "float32")
    with without_tf32():
        exact = roofline.matrix_product_rate(CUDA, "float32")
    half = roofline.matrix_product_rate(CUDA, "bfloat16")
    assert (rounded.tf32, exact.tf32, half.tf32) == (True, False, False)
    assert all(one.flops_per_second for one in (rounded, exact, half))
    assert torch.get_float32_matmul_precision() == before == "highest"
