"""The model file: a network's weights and what is needed to use them, in one safetensors file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omegaconf import OmegaConf
from safetensors.torch import save
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import write_bytes
from fundus_unet.models.network import SegmentationNetwork
from fundus_unet.runs.allowed_parts import check_part
from fundus_unet.runs.build import build_network, sketch
from fundus_unet.runs.config_file import check_references
from fundus_unet.runs.load import check_fits, fill
from fundus_unet.runs.model_facts import ModelFacts
from fundus_unet.runs.safetensors_file import read_tensors

EXPECTED = "a .safetensors file that fundus-unet export wrote"


FLOAT32, FLOAT16 = "float32", "float16"
DTYPES = (FLOAT32, FLOAT16)


def write_model_file(path: Path, network: nn.Module, facts: ModelFacts, dtype: str = FLOAT32) -> None:
    """Write the weights and the facts: a whole file or none.

    Args:
        dtype: Of the kernels. Everything else is float32: in half precision, small variances would lose their digits.
    """
    weights = {key: _written(value, dtype) for key, value in network.state_dict().items()}
    write_bytes(path, save(weights, metadata=facts.as_metadata()))


def read_model_file(path: Path) -> tuple[SegmentationNetwork, ModelFacts]:
    """The network, ready to predict, and its facts.

    Nothing in the file is executed: its format has no place for code, and the configuration of the network may name
    only what `build` allows.

    Raises:
        InputError: Where the file is missing, damaged, of another format or project, or describes a network that is
            not allowed or does not fit its weights.
    """
    metadata, weights = read_tensors(path, EXPECTED, "copy it again, or export the run again")
    facts = ModelFacts.from_metadata(metadata, path)
    with _described_in(path):
        check_references({"model": facts.model})
        check_part(facts.model, "model", "model")
        model = OmegaConf.create(facts.model)
        planned = sketch(model)
    _check_described(planned, facts, path)
    check_fits(planned, weights, path)
    with _described_in(path):
        network = build_network(model, trusted=False)
    fill(network, weights, path)
    network.eval()
    return network, facts


@contextmanager
def _described_in(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(
            f"the network that {path} describes cannot be built: {error}",
            fix="use a file that you or someone you trust exported with this version of the project",
        ) from error


def _check_described(network: SegmentationNetwork, facts: ModelFacts, path: Path) -> None:
    if (network.size_multiple, network.context) != (facts.size_multiple, facts.context):
        raise InputError(
            f"{path} does not describe the network it is for",
            expected=f"size_multiple={facts.size_multiple}, context={facts.context}",
            got=f"size_multiple={network.size_multiple}, context={network.context} of {facts.model['_target_']}",
        )


def _written(value: Tensor, dtype: str) -> Tensor:
    """Counters keep their integers."""
    value = value.detach().cpu().contiguous()
    if not value.is_floating_point():
        return value
    return value.half() if dtype == FLOAT16 and value.dim() > 1 else value.float()
