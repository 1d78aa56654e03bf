"""The steps that are timed: their shapes and FLOPs by hand, and that they do what training and prediction do."""

import pickle

import pytest
import torch
from torch import nn

from comparison.speed.cases import BILINEAR, K4, TRAINING, conditions, network
from fundus_unet.comparison.speed.measure import stages_under
from fundus_unet.comparison.speed.workload import (
    LayerWorkload,
    NetworkWorkload,
    TrainingStep,
)
from fundus_unet.core.counting import count_flops, parameter_count
from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler

SEEN: list[tuple[bool, torch.dtype, bool, bool]] = []


class Watching(TransposedConvUpsampler):
    def __init__(self, in_channels, out_channels):
        super().__init__(in_channels, out_channels, kernel_size=4, padding=1)

    def forward(self, x, output_size):
        channels_last = x.is_contiguous(memory_format=torch.channels_last)
        SEEN.append((channels_last, x.dtype, self.training, torch.is_grad_enabled()))
        return super().forward(x, output_size)


def stages_of(upsampler=K4, **changes):
    chosen = conditions(**changes)
    made = network(upsampler)
    return made, chosen, stages_under(chosen, made)


def layer_workload(upsampler, stage, **changes):
    made, chosen, stages = stages_of(upsampler, **changes)
    return LayerWorkload(made.get_submodule(stages[stage].path), chosen, stages[stage])


class TestStages:
    def test_shapes_by_hand(self):
        # 19 x 10 is padded to 20 x 12; halved twice: 5 x 3
        _, _, stages = stages_of(image_size=(19, 10))
        assert [(s.number, s.in_channels, s.out_channels, s.size, s.output_size) for s in stages] == [
            (1, 16, 8, (5, 3), (10, 6)),
            (2, 8, 4, (10, 6), (20, 12)),
        ]

    @pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
    def test_dtypes_are_the_networks(self, dtype):
        _, _, stages = stages_of(dtype=dtype)
        assert {stage.dtype for stage in stages} == {getattr(torch, dtype)}
        assert {stage.output_dtype for stage in stages} == {getattr(torch, dtype)}

    def test_the_network_is_left_as_it_was(self):
        made = network().train()
        stages_under(conditions(), made)
        assert made.training
        assert not any(module._forward_hooks for module in made.modules())

    def test_a_network_without_upsamplers(self):
        with pytest.raises(InputError, match="no upsampling layer"):
            stages_under(conditions(), nn.Conv2d(3, 1, 1))


class TestFlops:
    @pytest.mark.parametrize(("mode", "passes"), [("inference", 1), ("training", 3)])
    @pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
    def test_transposed_convolution_by_hand(self, mode, passes, dtype):
        workload = layer_workload(K4, 0, mode=mode, dtype=dtype)
        # every input value meets the whole kernel: 2 k k C_in C_out per input pixel, and as much for each gradient
        assert count_flops(workload.prepare(compiled=False)) == passes * 2 * 4 * 4 * 16 * 8 * (5 * 3) * 2
        assert parameter_count(workload.module) == 4 * 4 * 16 * 8 + 8

    @pytest.mark.parametrize(("mode", "passes"), [("inference", 1), ("training", 3)])
    def test_interpolation_and_convolution_by_hand(self, mode, passes):
        workload = layer_workload(BILINEAR, 1, mode=mode)
        assert count_flops(workload.prepare(compiled=False)) == passes * 2 * 3 * 3 * 8 * 4 * (20 * 12) * 2

    def test_a_networks_training_needs_three_passes_less_the_gradient_of_the_image(self):
        made = network()

        def flops(mode):
            workload = NetworkWorkload(made, conditions(level="network", mode=mode), 3, TRAINING)
            return count_flops(workload.prepare(compiled=False))

        first_convolution = 2 * 9 * 3 * 4 * (20 * 12) * 2
        assert flops("training") == 3 * flops("inference") - first_convolution


class TestSteps:
    @pytest.mark.parametrize("level", ["layer", "network"])
    @pytest.mark.parametrize("mode", ["training", "inference"])
    @pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
    @pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
    def test_run_under_their_conditions(self, level, mode, dtype, memory_format):
        chosen = conditions(level=level, mode=mode, dtype=dtype, memory_format=memory_format)
        if level == "layer":
            workload = layer_workload(Watching, 0, **vars(chosen))
        else:
            workload = NetworkWorkload(network(Watching), chosen, 3, TRAINING)
        step = workload.prepare(compiled=False)
        SEEN.clear()
        step()
        training = mode == "training"
        assert set(SEEN) == {(memory_format == "channels_last", getattr(torch, dtype), training, training)}

    @pytest.mark.parametrize("level", ["layer", "network"])
    def test_a_training_step_leaves_the_workload_as_it_was(self, level):
        made = network()
        before = {key: value.clone() for key, value in made.state_dict().items()}
        chosen = conditions(level=level, mode="training")
        stage = stages_under(chosen, made)[0]
        workload = (
            LayerWorkload(made.get_submodule(stage.path), chosen, stage)
            if level == "layer"
            else NetworkWorkload(made, chosen, 3, TRAINING)
        )
        workload.prepare(compiled=False)()
        assert all(torch.equal(before[key], value) for key, value in made.state_dict().items())
        assert all(parameter.grad is None for parameter in made.parameters())
        pickle.loads(pickle.dumps(workload)).prepare(compiled=False)()

    @pytest.mark.parametrize("clip", [0.5, None])
    def test_gradients_are_clipped_before_the_optimizer_moves(self, clip):
        trained = []

        def optimizer(parameters):
            trained.extend(parameters)
            return torch.optim.SGD(trained, lr=1.0)

        class Steep(nn.Module):
            def forward(self, logits, label, region):
                assert label.shape == logits.shape == region.shape
                assert set(label.unique().tolist()) <= {0.0, 1.0}
                return {"loss": 1e4 * logits.mean()}

        chosen = conditions(level="network", mode="training")
        step = NetworkWorkload(network(), chosen, 3, TrainingStep(Steep(), optimizer, clip)).prepare(compiled=False)
        before = [parameter.detach().clone() for parameter in trained]
        step()
        moved = torch.stack([(a - b).norm() for a, b in zip(trained, before, strict=True)]).norm().item()
        if clip:
            assert moved == pytest.approx(clip, rel=1e-3)
        else:
            assert moved > 100

    def test_tiny_ones_run_at_every_depth(self):
        deep = network(widths=(2, 2, 2, 2, 2, 2, 2))
        chosen = conditions(level="network", mode="training", batch_size=1, image_size=(512, 512))
        tiny = NetworkWorkload(deep, chosen, 3, TRAINING).tiny()
        tiny.prepare(compiled=False)()
        assert max(tiny.conditions.image_size) <= 16
        for upsampler in (K4, BILINEAR):
            layer_workload(upsampler, 1, mode="training", image_size=(64, 48)).tiny().prepare(compiled=False)()
