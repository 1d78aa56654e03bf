"""Every script's settings: which there are, what each may be, and their check before the command begins.

A node that names a class by `_target_` is only said to be one here; `settings_arguments` checks what it gives to the
class.
"""

from collections import Counter
from typing import Annotated, Any, TypeVar

from annotated_types import Ge, Le, Len
from lightning.fabric.strategies import STRATEGY_REGISTRY
from lightning.pytorch.accelerators import AcceleratorRegistry
from lightning.pytorch.strategies import StrategyRegistry
from omegaconf import DictConfig, OmegaConf
from pydantic import AfterValidator

from fundus_unet.commands.settings_arguments import check_targets_below, check_trainer
from fundus_unet.commands.settings_paths import PathText, WritableFile, WritableFolder
from fundus_unet.comparison.speed.conditions import DTYPES, LEVELS, MEMORY_FORMATS, MODES
from fundus_unet.inference.outputs import BITS, ENDINGS
from fundus_unet.inference.symmetries import SYMMETRIES
from fundus_unet.runs.device import DEVICES
from fundus_unet.runs.export import SUFFIXES
from fundus_unet.runs.run_directory import CHECKPOINTS
from fundus_unet.runs.schema import (
    BatchSize,
    Count,
    DataSettings,
    Node,
    NotNegative,
    Positive,
    Precision,
    Seed,
    Settings,
    Side,
    Split,
    Steps,
    Text,
    TrainerSettings,
    TrainingSettings,
    check,
    one_of,
)
from fundus_unet.runs.trained_model import RUNTIMES


def _distinct(items: list[Any]) -> list[Any]:
    twice = [item for item, count in Counter(items).items() if count > 1]
    if twice:
        raise ValueError(f"name {twice[0]} only once")
    return items


T = TypeVar("T")
Some = Annotated[list[T], Len(1)]
Pair = Annotated[list[T], Len(2, 2)]
Seeds = Annotated[list[Seed], Len(1), AfterValidator(_distinct)]
Options = Text | Some[Text]
Trusted = Text | list[Text]
RunDirs = list[PathText]
Device = Annotated[str, one_of(*DEVICES)]
Symmetries = Annotated[str, one_of(*SYMMETRIES)]
Checkpoint = Annotated[str, one_of(*CHECKPOINTS)]
Threads = Annotated[int, Ge(1), Le(1024)]
Channels = Annotated[int, Ge(1), Le(4096)]
SmallSide = Annotated[int, Ge(1), Le(32)]
"""Of an input that is explained: the measured matrix has a row per output pixel and a column per input pixel."""
UpsampledSide = Annotated[int, Ge(1), Le(4 * 32)]


class _DataPaths(Settings):
    data_dir: PathText | None


class _RunsPaths(Settings):
    runs_dir: PathText


class _ComparePaths(_DataPaths, _RunsPaths):
    pass


class _TrainPaths(Settings):
    data_dir: PathText
    runs_dir: WritableFolder
    run_dir: WritableFolder | None


class _AnyTrainer(TrainerSettings):
    accelerator: Annotated[str, one_of("auto", "gpu", *sorted(AcceleratorRegistry.available_accelerators()))]
    strategy: Annotated[str, one_of("auto", *sorted(StrategyRegistry.available_strategies()))] = "auto"


class _RunUser(Settings):
    trust: Trusted


class _Train(TrainingSettings, _RunUser):
    paths: _TrainPaths
    trainer: _AnyTrainer
    resume: PathText | None


class _CompareAccuracy(_Train):
    upsamplers: Options
    seeds: Seeds
    control: Text | None
    match_parameters: bool
    run_dirs: RunDirs
    allow_different: bool
    out_dir: WritableFolder


class _VAETraining(Settings):
    steps: Steps
    batch_size: BatchSize
    patch_size: Side
    learning_rate: Positive
    beta: NotNegative


class _CompareCheckerboard(_RunUser):
    data: DataSettings
    augment: Node
    generator: Node | None
    model: Node
    run_dirs: RunDirs
    upsamplers: Options
    seeds: Seeds
    split: Split
    images: Count
    max_shifts: Annotated[int, Ge(2), Le(10**6)]
    device: Device
    paths: _ComparePaths
    out_dir: WritableFolder
    vae_training: _VAETraining


class _Speed(Settings):
    image_size: Side | Pair[Side]
    batch_sizes: Some[BatchSize]


class _TrainingSpeed(_Speed):
    gradient_clip_val: Positive | None


class _CompareSpeed(Settings):
    model: Node
    loss: Node
    optimizer: Node
    upsamplers: Options
    control: Text | None
    levels: Some[Annotated[str, one_of(*LEVELS)]]
    modes: Some[Annotated[str, one_of(*MODES)]]
    devices: Some[Device]
    dtypes: Some[Annotated[str, one_of(*DTYPES)]]
    memory_formats: Some[Annotated[str, one_of(*MEMORY_FORMATS)]]
    compile: Some[bool]
    training: _TrainingSpeed
    inference: _Speed
    rounds: Count
    min_seconds: Positive
    memory: bool
    threads: Threads | None
    seed: Seed
    paths: _RunsPaths
    out_dir: WritableFolder


class _Evaluate(_RunUser):
    run_dir: PathText | None
    checkpoint: Checkpoint
    split: Split
    tta: Symmetries
    device: Device
    paths: _DataPaths
    data: DataSettings | None = None


class _Export(_RunUser):
    run_dir: PathText | None
    checkpoint: Checkpoint
    format: Annotated[str, one_of(*SUFFIXES)]
    path: WritableFile | None
    tolerance: NotNegative
    overwrite: bool


class _Predict(_RunUser):
    images: PathText | list[PathText] | None
    out_dir: WritableFolder
    run_dir: PathText | None
    weights: PathText | None
    runtime: Annotated[str, one_of(*RUNTIMES)]
    scale: Annotated[str, one_of("auto", "native")] | Positive
    threshold: Annotated[str, one_of("validation")] | Annotated[float, Ge(0), Le(1)]
    tta: Symmetries
    tile: Side | None
    outputs: list[Annotated[str, one_of(*ENDINGS)]]
    probability_bits: Annotated[int, one_of(*BITS)]
    overwrite: bool
    device: Device
    devices: Threads
    strategy: Annotated[str, one_of("auto", *sorted(STRATEGY_REGISTRY.available_strategies()))]
    precision: Precision
    batch_size: BatchSize | None
    read_threads: Threads | None
    write_threads: Threads | None
    megapixels_in_memory: Positive


class _Report(_RunUser):
    dir: PathText
    title: Text
    image: Text | None
    show_images: bool
    device: Device
    paths: _ComparePaths


class _Upsampler(Settings):
    upsampler: Node


class _Explain(Settings):
    model: _Upsampler
    size: SmallSide | Pair[SmallSide]
    output_size: UpsampledSide | Pair[UpsampledSide] | None
    in_channels: Channels
    out_channels: Channels
    seed: Seed
    name: Text
    figure: WritableFile


SCRIPTS: dict[str, type[Settings]] = {
    "train": _Train,
    "compare_accuracy": _CompareAccuracy,
    "compare_checkerboard": _CompareCheckerboard,
    "compare_speed": _CompareSpeed,
    "evaluate": _Evaluate,
    "export": _Export,
    "predict": _Predict,
    "report": _Report,
    "explain_upsampling": _Explain,
}
"""By the name of the script's configuration."""


LATER = {
    "compare_checkerboard": ("model.upsampler", "generator.upsampler"),
    "compare_speed": ("model.upsampler",),
}
"""Arguments of classes that the command adds."""


def check_settings(config: DictConfig, script: str) -> None:
    """Check a composed configuration.

    Args:
        script: The name of the script's configuration in configs/.

    Raises:
        InputError: That names the dotted keys, what was expected and what came; errors of OmegaConf where an
            interpolation cannot be resolved.
    """
    settings = SCRIPTS[script]
    check(settings, OmegaConf.to_container(config, resolve=False), keep=lambda error: error["type"] == "missing")
    values = _resolved(config)
    check(settings, values)
    if "trainer" in values:
        check_trainer(values["trainer"])
    check_targets_below(values, "", LATER.get(script, ()))


def _resolved(config: DictConfig) -> dict[str, Any]:
    if OmegaConf.select(config, "paths.run_dir", default="") is None:
        config = config.copy()
        config.paths.run_dir = "a_new_run"  # other settings name it
    found: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    return found
