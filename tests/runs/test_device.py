"""Which dtype `auto` becomes on which hardware."""

import pytest
import torch

from fundus_unet.core.errors import InputError
from fundus_unet.runs.device import PRECISIONS, resolve_precision


@pytest.fixture
def hardware(monkeypatch):
    def answer(capability: tuple[int, int] | None = None, amx: bool = False, avx512: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: capability is not None)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)

    return answer


@pytest.mark.parametrize("accelerator", ["auto", "gpu", "cuda"])
@pytest.mark.parametrize(
    ("capability", "expected"), [((7, 5), "32-true"), ((8, 0), "bf16-mixed"), ((9, 0), "bf16-mixed")]
)
def test_gpus(hardware, accelerator, capability, expected):
    hardware(capability, amx=True)
    assert resolve_precision("auto", accelerator) == expected


@pytest.mark.parametrize("accelerator", ["auto", "cpu"])
@pytest.mark.parametrize(
    ("amx", "avx512", "expected"),
    [(False, False, "32-true"), (True, False, "bf16-mixed"), (False, True, "bf16-mixed")],
)
def test_cpus(hardware, accelerator, amx, avx512, expected):
    hardware(None, amx, avx512)
    assert resolve_precision("auto", accelerator) == expected


def test_a_cpu_run_does_not_ask_the_gpu(hardware):
    hardware((9, 0))
    assert resolve_precision("auto", "cpu") == "32-true"


@pytest.mark.parametrize("accelerator", ["mps", "gpu"])
def test_other_accelerators_are_not_the_cpu(hardware, accelerator):
    hardware(None, amx=True, avx512=True)
    assert resolve_precision("auto", accelerator) == "32-true"


def test_a_torch_without_these_questions(hardware, monkeypatch):
    hardware(None)
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    assert resolve_precision("auto", "cpu") == "32-true"


@pytest.mark.parametrize("precision", list(PRECISIONS))
def test_a_choice_is_kept(hardware, precision):
    hardware((9, 0), amx=True)
    assert resolve_precision(precision, "auto") == precision


def test_an_unknown_precision():
    with pytest.raises(InputError, match="did you mean 'bf16-mixed'"):
        resolve_precision("bf16-mixd", "cpu")
