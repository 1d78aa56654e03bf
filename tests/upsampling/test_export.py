"""Compiled and exported, every upsampler gives what it gives in eager mode."""

import io
import os
import shutil
import sysconfig
from pathlib import Path

import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from tensors import noise
from upsampling.cases import UpsamplerCase, every_upsampler

COMPILERS = [os.environ.get("CXX", "g++"), "clang++", "cl"]
can_compile = any(map(shutil.which, COMPILERS)) and Path(sysconfig.get_path("include"), "Python.h").is_file()
needs_compiler = pytest.mark.skipif(not can_compile, reason="torch.compile needs a C++ compiler and Python's headers")


class Doubling(nn.Module):
    """An upsampler at a fixed size: both tools take functions of tensors alone."""

    def __init__(self, case: UpsamplerCase) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.upsampler = case.factory(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.upsampler(x, (10, 12))


# Outputs only: torch 2.15 cannot compile the gradient of `nn.Conv2d(padding_mode="replicate")` for a CPU, because
# `replication_pad2d_backward` returns other strides than its meta kernel promises.
@needs_compiler
@every_upsampler
@torch.no_grad()
def test_compiled_equals_eager(case):
    model, x = Doubling(case), noise(2, 4, 5, 6)
    torch.compiler.reset()
    compiled = torch.compile(model, dynamic=False, fullgraph=True)
    torch.testing.assert_close(compiled(x), model(x), rtol=1e-4, atol=1e-5)


@every_upsampler
def test_onnx_equals_eager_for_any_batch_size(case):
    model = Doubling(case).eval()
    program = torch.onnx.export(
        model, (noise(2, 4, 5, 6),), dynamo=True, verbose=False, dynamic_shapes={"x": {0: torch.export.Dim("batch")}}
    )
    file = io.BytesIO()
    program.save(file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    for batch in (1, 2, 3):
        (got,) = session.run(None, {session.get_inputs()[0].name: noise(batch, 4, 5, 6).numpy()})
        torch.testing.assert_close(torch.from_numpy(got), model(noise(batch, 4, 5, 6)), rtol=1e-4, atol=1e-5)
