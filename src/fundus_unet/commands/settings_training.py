"""The settings of commands that train or time networks; more has to be imported to say what they may be."""

from collections import Counter
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Len
from lightning.pytorch.accelerators import AcceleratorRegistry
from pydantic import AfterValidator

from fundus_unet.commands.settings import ComparePaths, Device, Pair, RunsPaths, RunUser, Some, Threads
from fundus_unet.commands.settings_paths import PathText, WritableFolder
from fundus_unet.comparison.speed.conditions import DTYPES, LEVELS, MEMORY_FORMATS, MODES
from fundus_unet.runs.schema import (
    BatchSize,
    Count,
    DataSettings,
    Folds,
    Node,
    NotNegative,
    Positive,
    Seed,
    Settings,
    Side,
    Split,
    Steps,
    Text,
    TrainerSettings,
    TrainingSettings,
    one_of,
)


def _distinct(items: list[Any]) -> list[Any]:
    twice = [item for item, count in Counter(items).items() if count > 1]
    if twice:
        raise ValueError(f"name {twice[0]} only once")
    return items


Seeds = Annotated[list[Seed], Len(1), AfterValidator(_distinct)]
Options = Text | Some[Text]
RunDirs = list[PathText]


class _TrainPaths(Settings):
    data_dir: PathText
    runs_dir: WritableFolder
    run_dir: WritableFolder | None


class _AnyTrainer(TrainerSettings):
    accelerator: Annotated[str, one_of("auto", "gpu", *sorted(AcceleratorRegistry.available_accelerators()))]


class _Train(TrainingSettings, RunUser):
    paths: _TrainPaths
    trainer: _AnyTrainer
    start_from: PathText | None
    resume: PathText | None


class _CompareAccuracy(_Train):
    upsamplers: Options
    seeds: Seeds
    folds: Folds | None
    control: Text | None
    match_parameters: bool
    run_dirs: RunDirs
    allow_different: bool
    out_dir: WritableFolder


class _Overhead(Settings):
    steps: Annotated[int, Ge(10), Le(10**6)]
    rounds: Annotated[int, Ge(2), Le(10**4)]


class _BenchmarkTraining(_Train):
    measure: Annotated[str, one_of("quality", "overhead")]
    upsamplers: Options
    seeds: Seeds
    targets: Annotated[list[Annotated[float, Gt(0), Le(1)]], AfterValidator(_distinct)]
    minutes: Annotated[list[Positive], AfterValidator(_distinct)]
    overhead: _Overhead
    run_dirs: RunDirs
    out_dir: WritableFolder


class _VAETraining(Settings):
    steps: Steps
    batch_size: BatchSize
    patch_size: Side
    learning_rate: Positive
    beta: NotNegative


class _CompareCheckerboard(RunUser):
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
    paths: ComparePaths
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
    paths: RunsPaths
    out_dir: WritableFolder


class _BenchmarkInference(RunUser):
    run_dir: PathText | None
    weights: PathText | None
    backends: Options
    sizes: Annotated[Some[Side], AfterValidator(_distinct)]
    tile: Side | None
    calibration_images: Count
    rounds: Count
    min_seconds: Positive
    memory: bool
    device: Device
    threads: Threads | None
    paths: ComparePaths
    out_dir: WritableFolder
    data: DataSettings | None = None


SCRIPTS_THAT_TRAIN: dict[str, type[Settings]] = {
    "train": _Train,
    "compare_accuracy": _CompareAccuracy,
    "benchmark_training": _BenchmarkTraining,
    "compare_checkerboard": _CompareCheckerboard,
    "compare_speed": _CompareSpeed,
    "benchmark_inference": _BenchmarkInference,
}
"""By the name of the script's configuration."""
