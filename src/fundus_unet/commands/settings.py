"""Every script's settings: which there are, what each may be, and their check before the command begins.

A node that names a class by `_target_` is only said to be one here; `settings_arguments` checks what it gives to the
class.
"""

from collections import Counter
from typing import Annotated, Any, ClassVar, Self

from annotated_types import Ge, Le, Len
from lightning.fabric.strategies import STRATEGY_REGISTRY
from lightning.pytorch.accelerators import AcceleratorRegistry
from lightning.pytorch.strategies import StrategyRegistry
from omegaconf import DictConfig, OmegaConf
from pydantic import AfterValidator

from fundus_unet.commands.entry import group_options
from fundus_unet.commands.export import SUFFIXES
from fundus_unet.commands.settings_arguments import check_targets_below, check_trainer
from fundus_unet.commands.settings_paths import PathText, WritableFile, WritableFolder
from fundus_unet.comparison.speed.conditions import DTYPES, LEVELS, MEMORY_FORMATS, MODES
from fundus_unet.inference.outputs import BITS, ENDINGS
from fundus_unet.inference.symmetries import SYMMETRIES
from fundus_unet.runs.device import DEVICES
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
    Such,
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


Seeds = Annotated[list[Seed], Len(1), AfterValidator(_distinct), Such("[0,1,2]")]
Options = Text | Annotated[list[Text], Len(1), Such("[transposed_k4s2p1,bilinear_conv]")]
Trusted = Text | Annotated[list[Text], Such("[somepackage.SomeUNet]")]
RunDirs = Annotated[list[PathText], Such("[RUN_DIR,RUN_DIR]")]
Device = Annotated[str, one_of(*DEVICES)]
Symmetries = Annotated[str, one_of(*SYMMETRIES)]
Checkpoint = Annotated[str, one_of(*CHECKPOINTS)]
Threads = Annotated[int, Ge(1), Le(1024)]
Channels = Annotated[int, Ge(1), Le(4096)]
SmallSide = Annotated[int, Ge(1), Le(32)]
"""Of an input that is explained: the measured matrix has a row per output pixel and a column per input pixel."""
UpsampledSide = Annotated[int, Ge(1), Le(4 * 32)]


class ScriptSettings(Settings):
    """All settings of a script."""

    LATER: ClassVar[tuple[str, ...]] = ()
    """Arguments of classes that the command adds, by dotted key."""

    @classmethod
    def of(cls, config: DictConfig) -> Self:
        """Check a composed configuration.

        Raises:
            InputError: That names the dotted keys, what was expected and what came; errors of OmegaConf where an
                interpolation cannot be resolved.
        """
        unresolved = OmegaConf.to_container(config, resolve=False)
        check(cls, unresolved, options_of=group_options, only_missing=True)
        values = _resolved(config)
        settings: Self = check(cls, values)
        if "trainer" in values:
            check_trainer(values["trainer"])
        check_targets_below(values, "", cls.LATER)
        return settings


def _resolved(config: DictConfig) -> dict[str, Any]:
    if OmegaConf.select(config, "paths.run_dir", default="") is None:
        config = config.copy()
        config.paths.run_dir = "a_new_run"  # other settings name it
    found: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    return found


class DataPaths(Settings):
    """Where data is read."""

    data_dir: PathText | None


class RunsPaths(Settings):
    """Where runs are read."""

    runs_dir: PathText


class ComparePaths(DataPaths, RunsPaths):
    """Where the data and the runs of a comparison are read."""


class TrainPaths(Settings):
    """Where data is read and runs are written."""

    data_dir: PathText
    runs_dir: WritableFolder
    run_dir: WritableFolder | None


class AnyTrainerSettings(TrainerSettings):
    """Lightning's Trainer with whatever is installed here."""

    accelerator: Annotated[str, one_of("auto", "gpu", *sorted(AcceleratorRegistry.available_accelerators()))]
    strategy: Annotated[str, one_of("auto", *sorted(StrategyRegistry.available_strategies()))] = "auto"


class RunUserSettings(ScriptSettings):
    """Settings of every script that opens runs."""

    trust: Trusted


class TrainSettings(TrainingSettings, RunUserSettings):
    """The settings of `train`."""

    paths: TrainPaths
    trainer: AnyTrainerSettings
    resume: PathText | None


class CompareAccuracySettings(TrainSettings):
    """The settings of `compare_accuracy`, beside those of `train`."""

    upsamplers: Options
    seeds: Seeds
    control: Text | None
    match_parameters: bool
    run_dirs: RunDirs
    allow_different: bool
    out_dir: WritableFolder


class VAETrainingSettings(Settings):
    """How the VAE is trained."""

    steps: Annotated[int, Ge(1), Le(10**9)]
    batch_size: BatchSize
    patch_size: Side
    learning_rate: Positive
    beta: NotNegative


class CompareCheckerboardSettings(RunUserSettings):
    """The settings of `compare_checkerboard`."""

    LATER = ("model.upsampler", "generator.upsampler")

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
    vae_training: VAETrainingSettings


class SpeedSettings(Settings):
    """What is timed in one mode."""

    image_size: Side | Annotated[list[Side], Len(2, 2), Such("[96,128]")]
    batch_sizes: Annotated[list[BatchSize], Len(1), Such("[1,8]")]


class TrainingSpeedSettings(SpeedSettings):
    """What is timed in training."""

    gradient_clip_val: Positive | None


class CompareSpeedSettings(ScriptSettings):
    """The settings of `compare_speed`."""

    LATER = ("model.upsampler",)

    model: Node
    loss: Node
    optimizer: Node
    upsamplers: Options
    control: Text | None
    levels: Annotated[list[Annotated[str, one_of(*LEVELS)]], Len(1), Such("[layer,network]")]
    modes: Annotated[list[Annotated[str, one_of(*MODES)]], Len(1), Such("[training,inference]")]
    devices: Annotated[list[Device], Len(1), Such("[auto]")]
    dtypes: Annotated[list[Annotated[str, one_of(*DTYPES)]], Len(1), Such("[float32]")]
    memory_formats: Annotated[list[Annotated[str, one_of(*MEMORY_FORMATS)]], Len(1), Such("[channels_last]")]
    compile: Annotated[list[bool], Len(1), Such("[false]")]
    training: TrainingSpeedSettings
    inference: SpeedSettings
    rounds: Count
    min_seconds: Positive
    memory: bool
    threads: Threads | None
    seed: Seed
    paths: RunsPaths
    out_dir: WritableFolder


class EvaluateSettings(RunUserSettings):
    """The settings of `evaluate`."""

    run_dir: PathText | None
    checkpoint: Checkpoint
    split: Split
    tta: Symmetries
    device: Device
    paths: DataPaths
    data: DataSettings | None = None


class ExportSettings(RunUserSettings):
    """The settings of `export`."""

    run_dir: PathText | None
    checkpoint: Checkpoint
    format: Annotated[str, one_of(*SUFFIXES)]
    path: WritableFile | None
    tolerance: NotNegative
    overwrite: bool


class PredictSettings(RunUserSettings):
    """The settings of `predict`."""

    images: PathText | Annotated[list[PathText], Such("[photos,more/eye.png]")] | None
    out_dir: WritableFolder
    run_dir: PathText | None
    weights: PathText | None
    runtime: Annotated[str, one_of(*RUNTIMES)]
    scale: Annotated[str, one_of("auto", "native")] | Positive
    threshold: Annotated[str, one_of("validation")] | Annotated[float, Ge(0), Le(1)]
    tta: Symmetries
    tile: Side | None
    outputs: Annotated[list[Annotated[str, one_of(*ENDINGS)]], Such("[probability,mask]")]
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


class ReportSettings(RunUserSettings):
    """The settings of `report`."""

    dir: PathText
    title: Text
    image: Text | None
    show_images: bool
    device: Device
    paths: ComparePaths


class UpsamplerSettings(Settings):
    """The one part of a network that is explained."""

    upsampler: Node


class ExplainSettings(ScriptSettings):
    """The settings of `explain_upsampling`."""

    model: UpsamplerSettings
    size: SmallSide | Annotated[list[SmallSide], Len(2, 2), Such("[6,9]")]
    output_size: UpsampledSide | Annotated[list[UpsampledSide], Len(2, 2), Such("[11,17]")] | None
    in_channels: Channels
    out_channels: Channels
    seed: Seed
    name: Text
    figure: WritableFile


SCRIPTS: dict[str, type[ScriptSettings]] = {
    "train": TrainSettings,
    "compare_accuracy": CompareAccuracySettings,
    "compare_checkerboard": CompareCheckerboardSettings,
    "compare_speed": CompareSpeedSettings,
    "evaluate": EvaluateSettings,
    "export": ExportSettings,
    "predict": PredictSettings,
    "report": ReportSettings,
    "explain_upsampling": ExplainSettings,
}
"""By the name of the script's configuration."""


def check_settings(config: DictConfig, script: str) -> None:
    """Check a composed configuration as the settings of a script; raises as `ScriptSettings.of`."""
    SCRIPTS[script].of(config)
