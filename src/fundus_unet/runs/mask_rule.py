"""The rule that makes a network's masks: its own, chosen on validation, or what a user sets."""

from collections.abc import Mapping
from dataclasses import asdict

from fundus_unet.core.errors import InputError
from fundus_unet.core.invocation import command
from fundus_unet.metrics.masks import HYSTERESIS, MASKS, THRESHOLD, Hysteresis, MaskRule, Threshold
from fundus_unet.runs.model_facts import HysteresisFacts
from fundus_unet.runs.trained_ensemble import TrainedEnsemble
from fundus_unet.runs.trained_model import TrainedModel

VALIDATION = "validation"
AUTO = "auto"
KINDS = (AUTO, *MASKS)
OWN = dict.fromkeys(HysteresisFacts.model_fields, VALIDATION)
"""A network's own hysteresis."""


def mask_rule(
    model: TrainedModel | TrainedEnsemble, kind: str, threshold: str | float, hysteresis: Mapping[str, str | float]
) -> MaskRule:
    """The rule of a kind.

    Args:
        kind: One of `masks.MASKS`; or `auto`: that of the values that are set, or the network's own.
        threshold: A number, or `validation`: the network's own.
        hysteresis: Likewise `low`, `high` and `least_length`.

    Raises:
        InputError: For a value that is of the other kind, values that do not go together, and where the network has
            no hysteresis of its own.
    """
    set_values = {f"hysteresis.{name}": value for name, value in hysteresis.items() if value != VALIDATION}
    if kind == AUTO:
        kind = THRESHOLD if threshold != VALIDATION else HYSTERESIS if set_values else model.mask
    if kind == THRESHOLD:
        _refuse(set_values, THRESHOLD, HYSTERESIS)
        return Threshold(model.threshold if threshold == VALIDATION else float(threshold))
    _refuse({"threshold": threshold} if threshold != VALIDATION else {}, HYSTERESIS, THRESHOLD)
    own = model.hysteresis
    if own is None and len(set_values) < len(hysteresis):
        missing = [f"hysteresis.{name}=..." for name, value in hysteresis.items() if value == VALIDATION]
        raise InputError(
            f"{model.origin} has no hysteresis of its own: it is of a version that chose none on validation",
            expected=f"all of hysteresis.{', hysteresis.'.join(hysteresis)}; or mask={THRESHOLD}",
            got=f"no {', '.join(missing).replace('=...', '')}",
            fix=f"set {' '.join(missing)}; {command('evaluate', 'run_dir=...')} tells what is best for a run",
        )
    chosen = {} if own is None else asdict(own)
    return Hysteresis(**chosen | {name: float(value) for name, value in hysteresis.items() if value != VALIDATION})


def _refuse(values: Mapping[str, str | float], kind: str, other: str) -> None:
    if values:
        named = " ".join(f"{name}={value:g}" for name, value in values.items())
        raise InputError(
            f"{named} is of mask={other}",
            expected=f"no such setting with mask={kind}",
            fix=f"leave it out, or set mask={other}",
        )
