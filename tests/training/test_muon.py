"""Muon: orthogonal updates of kernels, AdamW for all else, and a state that checkpoints can keep."""

import copy

import pytest
import torch
from torch import nn

from fundus_unet.core.errors import InputError
from fundus_unet.training.muon import Muon, orthogonalized, orthogonalized_all, orthogonalized_filled_up


@pytest.mark.parametrize("shape", [(1, 16, 144), (3, 64, 576), (2, 128, 32), (1, 3, 27), (1, 2, 2)])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e6])
def test_all_singular_values_become_about_one(shape, scale):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    result = orthogonalized(matrices * scale)
    # directions stay those of the matrix: U and V of its singular value decomposition
    u, _, v = torch.linalg.svd(matrices.double(), full_matrices=False)
    values = u.mT @ result.double() @ v.mT
    diagonal = values.diagonal(dim1=-2, dim2=-1)
    assert (values - torch.diag_embed(diagonal)).abs().max() < 1e-3
    assert diagonal.max() < 1.3
    assert diagonal.median() > 0.6


def test_it_is_the_iteration_of_the_paper():
    matrix = torch.randn(1, 32, 288, generator=torch.Generator().manual_seed(1))
    expected = matrix.double() / matrix.double().norm()
    for _ in range(5):
        gram = expected @ expected.mT
        expected = 3.4445 * expected + (-4.7750 * gram + 2.0315 * gram @ gram) @ expected
    assert torch.allclose(orthogonalized(matrix).double(), expected, atol=1e-5)


def test_zero_gradients_change_nothing():
    assert torch.equal(orthogonalized(torch.zeros(2, 4, 9)), torch.zeros(2, 4, 9))


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ConvTranspose2d(8, 6, 4), nn.Conv2d(6, 6, 3), nn.Conv2d(6, 1, 1)
    )


def give_gradients(module: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


def test_a_step_changes_kernels_by_the_rate_and_the_rest_as_adamw_does():
    module = network()
    before = copy.deepcopy(module)
    optimizer = Muon(module.parameters(), lr=0.1, adamw_ratio=0.5)
    rest = [module[0].bias, *module[1].parameters(), module[2].bias, module[3].bias, *module[4].parameters()]
    twins = [nn.Parameter(one.detach().clone()) for one in rest]
    adamw = torch.optim.AdamW(twins, lr=0.05, weight_decay=0)
    for seed in range(3):
        give_gradients(module, seed)
        for one, twin in zip(rest, twins, strict=True):
            twin.grad = one.grad.clone()
        optimizer.step()
        adamw.step()
        if seed == 0:
            for layer in (0, 2, 3):
                change = (module[layer].weight - before[layer].weight).detach().flatten(1)
                rows, columns = change.shape
                largest = torch.linalg.matrix_norm(change, 2) / max(1, rows / columns) ** 0.5
                assert 0.05 < largest < 0.13
    for one, twin in zip(rest, twins, strict=True):
        assert torch.allclose(one, twin, atol=1e-6)


def test_one_schedule_moves_both_rates_and_the_momentum():
    optimizer = Muon(network().parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=10)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.004, 0.004])
    for _ in range(9):
        optimizer.step()
        schedule.step()
    assert optimizer.param_groups[0]["lr"] < 1e-6
    assert optimizer.param_groups[1]["momentum"] == pytest.approx(0.95)


def test_it_continues_from_its_state_exactly():
    one, other = network(), network()
    first, second = Muon(one.parameters()), Muon(other.parameters())
    for seed in range(2):
        give_gradients(one, seed)
        first.step()
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for module, optimizer in ((one, first), (other, second)):
        give_gradients(module, 9)
        optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_it_trains():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
    image = torch.randn(4, 3, 16, 16)
    wanted = image.mean(dim=1, keepdim=True) - image[:, :1].roll(1, dims=-1)
    optimizer = Muon(module.parameters(), lr=0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (module(image) - wanted).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize(
    "setting",
    [{"lr": -1}, {"lr": float("nan")}, {"momentum": 1.0}, {"beta2": -0.1}, {"adamw_ratio": float("inf")}, {"eps": -1}],
)
def test_numbers_out_of_range_are_refused(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        Muon(network().parameters(), **setting)


def test_matrices_filled_up_to_one_batch_become_what_each_becomes_alone():
    generator = torch.Generator().manual_seed(0)
    matrices = [torch.randn(shape, generator=generator) for shape in [(16, 144), (27, 16), (16, 16), (16, 31)]]
    results = orthogonalized_filled_up(matrices)
    for matrix, result in zip(matrices, results, strict=True):
        assert result.shape == matrix.shape
        assert torch.allclose(result, orthogonalized(matrix[None])[0], atol=1e-4)


def test_batches_keep_the_order_of_the_matrices():
    matrices = [torch.randn(shape) for shape in [(4, 9), (9, 4), (4, 9), (3, 3)]]
    for matrix, result in zip(matrices, orthogonalized_all(matrices), strict=True):
        assert torch.allclose(result, orthogonalized(matrix[None])[0], atol=1e-5)


def test_weight_decay_draws_kernels_to_zero():
    plain, decayed = network(), network()
    for module, decay in ((plain, 0.0), (decayed, 0.5)):
        give_gradients(module, 0)
        Muon(module.parameters(), lr=0.1, weight_decay=decay).step()
    for layer in (0, 2, 3):
        before = network()[layer].weight
        assert torch.allclose(plain[layer].weight - decayed[layer].weight, 0.05 * before, atol=1e-6)


def test_the_count_of_a_loaded_state_lies_beside_its_parameter():
    """torch's fused AdamW reads it there; `Optimizer.load_state_dict` leaves it where it was saved."""
    give_gradients(module := network(), 0)
    saved = Muon(module.parameters())
    saved.step()
    state = copy.deepcopy(saved.state_dict())
    loaded = Muon(network().to("meta").parameters())
    loaded.load_state_dict(state)
    counts = [values["step"] for values in loaded.state.values() if "step" in values]
    assert counts
    assert {count.device.type for count in counts} == {"meta"}
