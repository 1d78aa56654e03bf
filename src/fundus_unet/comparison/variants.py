"""The runs of a comparison and their variants: an upsampler, and the width after upsampling where that is not 1."""

from collections.abc import Sequence

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.evaluate import labelled_cases
from fundus_unet.runs.load import load_preprocessor
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.runs.run_name import safe_name, upsampler_name


def open_finished(paths: Sequence[str], data_dir: str | None) -> tuple[dict[str, RunDirectory], dict[str, InputError]]:
    """The finished runs among the given directories, and what is wrong with the others, by path.

    Args:
        paths: Each counts once.
        data_dir: Where the runs' data lie now; None: where training found them.
    """
    runs: dict[str, RunDirectory] = {}
    errors: dict[str, InputError] = {}
    for path in paths:
        try:
            run = RunDirectory(path, data_dir)
            run.check_finished()
            runs[path] = run
        except InputError as error:
            errors[path] = error
    return runs, errors


def variant_name(upsampler: str, upsampled_width: float) -> str:
    """Such as `transposed_k3s2p1`, `bilinear_conv-mode-bicubic`, or `transposed_k3s2p1_width1.52`."""
    return upsampler if upsampled_width == 1 else f"{upsampler}_width{upsampled_width:g}"


def variant_of(run: RunDirectory) -> str:
    """The variant that a run belongs to."""
    upsampler = upsampler_name(run.choices, run.overrides) or run.config.model.upsampler._target_.rpartition(".")[2]
    return variant_name(safe_name(upsampler), upsampled_width_of(run))


def upsampled_width_of(run: RunDirectory) -> float:
    """The channels after upsampling of a run's network, as a multiple of the skip connection's."""
    return float(run.config.model.get("upsampled_width", 1))


def cases_of_run(run: RunDirectory, split: str) -> tuple[Sequence[Case], Preprocessor]:
    """The cases of a split of the run's data, and what brings them to its working resolution.

    Raises:
        InputError: For a split without labels.
    """
    splits = splits_of(run.config.data, trusted=False)
    return labelled_cases(splits, split), load_preprocessor(run.config)
