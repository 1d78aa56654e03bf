"""Every script's settings: which there are, and what each may be.

A node that names a class by `_target_` is only said to be one; `settings_arguments` checks what it gives to the class.
"""

from lightning.fabric.strategies import STRATEGY_REGISTRY
from lightning.pytorch.accelerators import AcceleratorRegistry
from lightning.pytorch.strategies import StrategyRegistry

from fundus_unet.commands.explain_upsampling import LARGEST
from fundus_unet.commands.export import SUFFIXES
from fundus_unet.commands.settings_rules import (
    Rule,
    above,
    choice,
    either,
    file_to_write,
    flag,
    folder_to_write,
    integer,
    list_of,
    node,
    number,
    optional,
    path,
    text,
)
from fundus_unet.comparison.speed.conditions import DTYPES, LEVELS, MEMORY_FORMATS, MODES
from fundus_unet.inference.outputs import BITS, ENDINGS
from fundus_unet.inference.symmetries import SYMMETRIES
from fundus_unet.runs.device import AUTO, DEVICES, PRECISIONS
from fundus_unet.runs.evaluate import SPLITS
from fundus_unet.runs.run_directory import CHECKPOINTS
from fundus_unet.runs.trained_model import RUNTIMES

Table = dict[str, Rule]

LARGEST_SEED = 2**32 - 1
LARGEST_SIDE = 16_384
"""Pixels; what a patch, a tile or a measured image cannot exceed in any memory."""


NODE = node()
GROUP = Rule("a group of settings", lambda value: isinstance(value, dict))

_seed = integer(0, LARGEST_SEED)
_seeds = list_of(_seed, "[0,1,2]", least=1, distinct=True)
_split = choice(SPLITS)
_device = choice(DEVICES)
_tta = choice(SYMMETRIES)
_count = integer(1, 10**6)
_side = integer(1, LARGEST_SIDE)
_options = either(text(), list_of(text(), "[transposed_k4s2p1,bilinear_conv]", least=1))
_run_dirs = list_of(path(), "[RUN_DIR,RUN_DIR]")

DATA: Table = {
    "data.source": NODE,
    "data.scale": optional(above(0)),
    "data.fov_diameter": optional(above(0)),
    "data.patch_size": _side,
    "data.batch_size": integer(1, 65_536),
    "data.steps_per_epoch": integer(1, 10**9),
    "data.epochs": _count,
    "data.workers": integer(0, 256),
    "data.memory_limit_gb": number(0),
}
OBJECTIVE: Table = {"loss": NODE, "optimizer": NODE}
TRAIN: Table = {
    "seed": _seed,
    "final_split": _split,
    "resume": optional(path()),
    "paths.data_dir": path(),
    "paths.runs_dir": folder_to_write(),
    "paths.run_dir": optional(folder_to_write()),
    **DATA,
    "augment": NODE,
    "model": NODE,
    "model.upsampler": NODE,
    "model.downsampler": NODE,
    **OBJECTIVE,
    "scheduler": NODE,
    "channels_last": flag(),
    "trainer": GROUP,
    "trainer.accelerator": choice(("auto", "gpu", *sorted(AcceleratorRegistry.available_accelerators()))),
    "trainer.precision": choice((AUTO, *PRECISIONS)),
    "trainer.max_epochs": _count,
    "callbacks": GROUP,
    "logger": optional(NODE),
}
TRAIN_ADDITIONS: Table = {
    "trainer.strategy": choice(("auto", *sorted(StrategyRegistry.available_strategies()))),
    "trainer.min_epochs": optional(_count),
    "trainer.gradient_clip_val": optional(number(0)),
}
"""Settings that are checked where the user has them."""
COMPARE_ACCURACY: Table = TRAIN | {
    "upsamplers": _options,
    "seeds": _seeds,
    "control": optional(text()),
    "match_parameters": flag(),
    "run_dirs": _run_dirs,
    "allow_different": flag(),
    "out_dir": folder_to_write(),
}
COMPARE_CHECKERBOARD: Table = {
    **DATA,
    "augment": NODE,
    "generator": optional(NODE),
    "model": NODE,
    "model.downsampler": NODE,
    "run_dirs": _run_dirs,
    "upsamplers": _options,
    "seeds": _seeds,
    "split": _split,
    "images": _count,
    "max_shifts": integer(2, 10**6),
    "device": _device,
    "paths.data_dir": optional(path()),
    "paths.runs_dir": path(),
    "out_dir": folder_to_write(),
    "vae_training.steps": integer(1, 10**9),
    "vae_training.batch_size": integer(1, 65_536),
    "vae_training.patch_size": _side,
    "vae_training.learning_rate": above(0),
    "vae_training.beta": number(0),
}
COMPARE_SPEED: Table = {
    "model": NODE,
    "model.downsampler": NODE,
    **OBJECTIVE,
    "upsamplers": _options,
    "control": optional(text()),
    "levels": list_of(choice(LEVELS), "[layer,network]", least=1),
    "modes": list_of(choice(MODES), "[training,inference]", least=1),
    "devices": list_of(_device, "[auto]", least=1),
    "dtypes": list_of(choice(DTYPES), "[float32]", least=1),
    "memory_formats": list_of(choice(MEMORY_FORMATS), "[channels_last]", least=1),
    "compile": list_of(flag(), "[false]", least=1),
    **{
        f"{mode}.{key}": rule
        for mode in MODES
        for key, rule in (
            ("image_size", either(_side, list_of(_side, "[96,128]", least=2, most=2))),
            ("batch_sizes", list_of(integer(1, 65_536), "[1,8]", least=1)),
        )
    },
    "training.gradient_clip_val": optional(above(0)),
    "rounds": _count,
    "min_seconds": above(0),
    "memory": flag(),
    "threads": optional(integer(1, 4096)),
    "seed": _seed,
    "paths.runs_dir": path(),
    "out_dir": folder_to_write(),
}
EVALUATE: Table = {
    "run_dir": optional(path()),
    "checkpoint": choice(CHECKPOINTS),
    "split": _split,
    "tta": _tta,
    "device": _device,
    "paths.data_dir": optional(path()),
}
EXPORT: Table = {
    "run_dir": optional(path()),
    "checkpoint": choice(CHECKPOINTS),
    "format": choice(SUFFIXES),
    "path": optional(file_to_write()),
    "tolerance": number(0),
    "overwrite": flag(),
}
PREDICT: Table = {
    "images": optional(either(path(), list_of(path(), "[photos,more/eye.png]"))),
    "out_dir": folder_to_write(),
    "run_dir": optional(path()),
    "weights": optional(path()),
    "runtime": choice(RUNTIMES),
    "scale": either(choice(("auto", "native")), above(0)),
    "threshold": either(choice(("validation",)), number(0, 1)),
    "tta": _tta,
    "tile": optional(_side),
    "outputs": list_of(choice(ENDINGS), "[probability,mask]"),
    "probability_bits": choice(BITS),
    "overwrite": flag(),
    "device": _device,
    "devices": integer(1, 1024),
    "strategy": choice(("auto", *sorted(STRATEGY_REGISTRY.available_strategies()))),
    "precision": choice((AUTO, *PRECISIONS)),
    "batch_size": optional(integer(1, 65_536)),
    "read_threads": optional(integer(1, 1024)),
    "write_threads": optional(integer(1, 1024)),
    "megapixels_in_memory": above(0),
}
REPORT: Table = {
    "dir": path(),
    "title": text(),
    "image": optional(text()),
    "show_images": flag(),
    "device": _device,
    "paths.data_dir": optional(path()),
    "paths.runs_dir": path(),
}
_explained = integer(1, LARGEST)
_reached = integer(1, 4 * LARGEST)
EXPLAIN: Table = {
    "model.upsampler": NODE,
    "size": either(_explained, list_of(_explained, "[6,9]", least=2, most=2)),
    "output_size": optional(either(_reached, list_of(_reached, "[11,17]", least=2, most=2))),
    "in_channels": integer(1, 4096),
    "out_channels": integer(1, 4096),
    "seed": _seed,
    "name": text(),
    "figure": file_to_write(),
}
TABLES: dict[str, Table] = {
    "train": TRAIN,
    "compare_accuracy": COMPARE_ACCURACY,
    "compare_checkerboard": COMPARE_CHECKERBOARD,
    "compare_speed": COMPARE_SPEED,
    "evaluate": EVALUATE,
    "export": EXPORT,
    "predict": PREDICT,
    "report": REPORT,
    "explain_upsampling": EXPLAIN,
}
"""By the name of the script's configuration."""
OPTIONAL: dict[str, Table] = {
    "train": TRAIN_ADDITIONS,
    "compare_accuracy": TRAIN_ADDITIONS,
    "evaluate": DATA,
}
"""Settings that may be left out."""
