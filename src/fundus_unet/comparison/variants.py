"""A variant of a comparison: an upsampler, and the width after upsampling where that is not 1."""

from fundus_unet.runs.run_directory import RunDirectory


def variant_name(upsampler: str, upsampled_width: float) -> str:
    """Such as `transposed_k3s2p1`, or `transposed_k3s2p1_width1.52`."""
    return upsampler if upsampled_width == 1 else f"{upsampler}_width{upsampled_width:g}"


def variant_of(run: RunDirectory) -> str:
    """The variant that a run belongs to."""
    model = run.config.model
    upsampler = run.choices.get("upsampler") or model.upsampler._target_.rpartition(".")[2]
    return variant_name(str(upsampler), upsampled_width_of(run))


def upsampled_width_of(run: RunDirectory) -> float:
    """The channels after upsampling of a run's network, as a multiple of the skip connection's."""
    return float(run.config.model.get("upsampled_width", 1))
