"""Every script's settings: which there are, what each may be, and their check before the command begins.

A node that names a class by `_target_` is only said to be one here; `settings_arguments` checks what it gives to the
class.
"""

from typing import Annotated, Any, TypeVar

from annotated_types import Ge, Gt, Le, Len, Lt
from omegaconf import DictConfig, OmegaConf

from fundus_unet.commands.settings_paths import PathText, WritableFile, WritableFolder
from fundus_unet.core.errors import did_you_mean
from fundus_unet.drawing.overlay import STYLES
from fundus_unet.inference.outputs import BITS, ENDINGS
from fundus_unet.inference.symmetries import SYMMETRIES
from fundus_unet.metrics.masks import MASKS
from fundus_unet.runs.device import AUTO, DEVICES
from fundus_unet.runs.export import SUFFIXES
from fundus_unet.runs.mask_rule import KINDS, VALIDATION
from fundus_unet.runs.model_file import DTYPES
from fundus_unet.runs.run_directory import CHECKPOINTS
from fundus_unet.runs.schema import (
    TARGET,
    BatchSize,
    Check,
    DataSettings,
    Node,
    NotNegative,
    Positive,
    Precision,
    Seed,
    Settings,
    Side,
    Split,
    Text,
    check,
    one_of,
)
from fundus_unet.runs.trained_model import RUNTIMES, SCALES


def _strategy(value: Any) -> str:
    """Lightning's is imported where one of its names is given."""
    if value != AUTO:
        from lightning.fabric.strategies import STRATEGY_REGISTRY

        options = STRATEGY_REGISTRY.available_strategies()
        if value not in options:
            raise ValueError(did_you_mean(str(value), [AUTO, *options]))
    return str(value)


T = TypeVar("T")
Some = Annotated[list[T], Len(1)]
Pair = Annotated[list[T], Len(2, 2)]
Trusted = Text | list[Text]
Device = Annotated[str, one_of(*DEVICES)]
Symmetries = Annotated[str, one_of(*SYMMETRIES)]
Checkpoint = Annotated[str, one_of(*CHECKPOINTS)]
Degrees = Annotated[float, Gt(0), Le(360)]
Threads = Annotated[int, Ge(1), Le(1024)]
OwnProbability = Annotated[str, one_of(VALIDATION)] | Annotated[float, Ge(0), Le(1)]
"""0 to 1; or what was chosen on a network's validation images."""
Channels = Annotated[int, Ge(1), Le(4096)]
SmallSide = Annotated[int, Ge(1), Le(32)]
"""Of an input that is explained: the measured matrix has a row per output pixel and a column per input pixel."""
UpsampledSide = Annotated[int, Ge(1), Le(4 * 32)]


class DataPaths(Settings):
    """Where images are, for a command that may take the place from a run."""

    data_dir: PathText | None


class RunsPaths(Settings):
    """Where runs and comparisons are."""

    runs_dir: PathText


class ComparePaths(DataPaths, RunsPaths):
    """Of a command on both."""


class _CheckPaths(RunsPaths):
    """Of a command that reads data and reports on it."""

    data_dir: PathText


class RunUser(Settings):
    """Of a command that loads networks of runs."""

    trust: Trusted


class _Evaluate(RunUser):
    run_dir: PathText | None
    checkpoint: Checkpoint
    split: Split
    tta: Symmetries
    device: Device
    paths: ComparePaths
    data: DataSettings | None = None


class _Hysteresis(Settings):
    low: OwnProbability
    high: OwnProbability
    least_length: OwnProbability


class _Calibration(Settings):
    centre: Annotated[float, Gt(0), Lt(1)]
    slope: Annotated[float, Ge(0.1), Le(10)]


class _Export(RunUser):
    run_dir: PathText | None
    checkpoint: Checkpoint
    format: Annotated[str, one_of(*SUFFIXES)]
    dtype: Annotated[str, one_of(*DTYPES)]
    path: WritableFile | None
    calibration: _Calibration
    mask: Annotated[str, one_of(*MASKS)]
    threshold: OwnProbability
    hysteresis: _Hysteresis
    tolerance: NotNegative
    overwrite: bool
    paths: RunsPaths


class _Predict(RunUser):
    images: PathText | list[PathText] | None
    out_dir: WritableFolder
    run_dir: PathText | Some[PathText] | None
    weights: PathText | Some[PathText] | None
    runtime: Annotated[str, one_of(*RUNTIMES)]
    scale: Annotated[str, one_of(*SCALES)] | Positive
    mask: Annotated[str, one_of(*KINDS)]
    threshold: OwnProbability
    hysteresis: _Hysteresis
    tta: Symmetries
    tile: Side | None
    outputs: list[Annotated[str, one_of(*ENDINGS)]]
    probability_bits: Annotated[int, one_of(*BITS)]
    overlay: Annotated[str, one_of(*STYLES)]
    page: bool
    measures: bool
    overwrite: bool
    device: Device
    devices: Threads
    num_nodes: Threads
    strategy: Annotated[str, Check("auto, or the name of one of Lightning's strategies", _strategy)]
    precision: Precision
    batch_size: BatchSize | None
    read_threads: Threads | None
    write_threads: Threads | None
    megapixels_in_memory: Positive
    paths: RunsPaths


class _DataPaths(Settings):
    data_dir: WritableFolder


class _PrepareData(Settings):
    set: Text | None
    source: PathText | Some[PathText] | None
    paths: _DataPaths


class _Report(RunUser):
    dir: PathText
    title: Text
    images: list[Text] | None
    show_images: bool
    device: Device
    paths: ComparePaths


class _Summarize(Settings):
    dir: PathText
    path: WritableFile | None
    paths: RunsPaths


class _CrossDataset(RunUser):
    run_dirs: list[PathText]
    weights: list[PathText]
    sets: list[Text]
    set_settings: dict[str, dict[str, Any]]
    images: Annotated[str, one_of("unseen", "test")]
    match: Annotated[str, one_of("auto", "diameter", "angle")]
    angles: dict[str, Degrees]
    tta: Symmetries
    device: Device
    paths: ComparePaths
    out_dir: WritableFolder


class _CheckData(Settings):
    data: DataSettings | None = None
    out_dir: WritableFolder
    paths: _CheckPaths


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
    "evaluate": _Evaluate,
    "export": _Export,
    "predict": _Predict,
    "prepare_data": _PrepareData,
    "report": _Report,
    "summarize": _Summarize,
    "cross_dataset": _CrossDataset,
    "check_data": _CheckData,
    "explain_upsampling": _Explain,
}
"""By the name of the script's configuration; those that train are in `settings_training`."""


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
    settings = _settings_of(script)
    check(settings, OmegaConf.to_container(config, resolve=False), keep=lambda error: error["type"] == "missing")
    values = _resolved(config)
    check(settings, values)
    if _names_a_class(values):  # predict and export name none: they begin soon, and without lightning
        from fundus_unet.commands.settings_arguments import check_targets_below, check_trainer

        if "trainer" in values:
            check_trainer(values["trainer"])
        check_targets_below(values, "", LATER.get(script, ()))


def _names_a_class(value: Any) -> bool:
    if isinstance(value, dict):
        return TARGET in value or any(map(_names_a_class, value.values()))
    return isinstance(value, list) and any(map(_names_a_class, value))


def _settings_of(script: str) -> type[Settings]:
    if script in SCRIPTS:
        return SCRIPTS[script]
    from fundus_unet.commands.settings_training import SCRIPTS_THAT_TRAIN  # and import more

    return SCRIPTS_THAT_TRAIN[script]


def _resolved(config: DictConfig) -> dict[str, Any]:
    if OmegaConf.select(config, "paths.run_dir", default="") is None:
        config = config.copy()
        config.paths.run_dir = "a_new_run"  # other settings name it
    found: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    return found
