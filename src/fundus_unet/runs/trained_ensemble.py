"""The networks that new images are predicted with, where several are named: their maps are averaged."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from statistics import fmean

import torch

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.inference.ensemble import Ensemble
from fundus_unet.metrics.masks import HYSTERESIS, THRESHOLD, Hysteresis
from fundus_unet.runs.trained_model import AUTO, CPU, FIELD_OF_VIEW, TrainedModel, load_trained


@dataclass(frozen=True)
class TrainedEnsemble:
    """Several trained networks that work as one; has what predict needs of a `TrainedModel`.

    Args:
        members: In the order of their fingerprints, so that the same networks named in another order are the same
            ensemble.
    """

    members: tuple[TrainedModel, ...]

    @property
    def origin(self) -> str:
        return " + ".join(member.origin for member in self.members)

    @property
    def fingerprint(self) -> str:
        return "+".join(member.fingerprint for member in self.members)

    @property
    def mask(self) -> str:
        """`hysteresis` where it is every member's own kind of mask, else `threshold`."""
        return HYSTERESIS if all(member.mask == HYSTERESIS for member in self.members) else THRESHOLD

    @property
    def threshold(self) -> float:
        """The mean of the members' thresholds: none was found for their average, which nobody has validated."""
        return fmean(member.threshold for member in self.members)

    @property
    def hysteresis(self) -> Hysteresis | None:
        """Likewise the mean of the members'; None where one has none."""
        found = [member.hysteresis for member in self.members]
        own = [one for one in found if one is not None]
        if len(own) < len(found):
            return None
        return Hysteresis(*(fmean(values) for values in zip(*map(astuple, own), strict=True)))

    def predictor(self, device: torch.device, precision: str, tile: int | None, tta: str) -> Ensemble:
        """What predicts whole images; as of one `TrainedModel`."""
        return Ensemble([member.predictor(device, precision, tile, tta) for member in self.members])

    def preprocessor(self, scale: str | float) -> Preprocessor:
        """What brings new images to the working resolution that all members share, or to another scale.

        Raises:
            InputError: For scale=auto and scale=field_of_view, where they were trained at different ones.
        """
        resolutions = {_resolution(member): member for member in self.members}
        if scale in (AUTO, FIELD_OF_VIEW) and len(resolutions) > 1:
            told = ", ".join(f"{member.origin}: {resolution}" for resolution, member in resolutions.items())
            raise InputError(
                "these networks were trained at different working resolutions",
                expected="one for all, since their maps are averaged pixel by pixel",
                got=told,
                fix="leave some out; or choose one resolution for all: scale=native, or scale=0.5",
            )
        return self.members[0].preprocessor(scale)

    @property
    def vessel_from(self) -> float:
        """The mean of the members'."""
        return fmean(member.vessel_from for member in self.members)

    def vessel_calibre(self, scale: str | float) -> float | None:
        """As of one `TrainedModel`: all members have the same, or none."""
        return self.members[0].vessel_calibre(scale)


def load_networks(
    runs: Sequence[str], weights: Sequence[str], runtime: str = "torch", device: torch.device = CPU
) -> TrainedModel | TrainedEnsemble:
    """One network, or the ensemble of several; of none named, the one that comes with the project.

    Args:
        runs, weights: Each as for `load_trained`.

    Raises:
        InputError: As `load_trained`, or for a network that is named twice.
    """
    if runs and weights:
        both = f"run_dir={', '.join(runs)} and weights={', '.join(weights)}"
        fix = "to average runs and files, name all in weights=[...], which takes run directories too"
        raise InputError("two networks are named", expected="run_dir or weights", got=both, fix=fix)
    models = [load_trained(run, None, runtime, device) for run in runs]
    models += [load_trained(None, name, runtime, device) for name in weights]
    return together(models or [load_trained(None, None, runtime, device)])


def together(models: Sequence[TrainedModel]) -> TrainedModel | TrainedEnsemble:
    """The only model, or the ensemble of several.

    Raises:
        InputError: Where two have the same weights, or there is none.
    """
    if not models:
        raise InputError("no network is named", expected="at least one")
    if len(models) == 1:
        return models[0]
    known: dict[str, TrainedModel] = {}
    for model in models:
        same = known.setdefault(model.fingerprint, model)
        if same is not model:
            raise InputError(
                "a network is named twice",
                expected="different networks: one counts once in their average",
                got=f"{same.origin} and {model.origin} have the same weights",
                fix="leave one of the two out",
            )
    return TrainedEnsemble(tuple(known[key] for key in sorted(known)))


def _resolution(model: TrainedModel) -> str:
    facts = model.facts
    if facts.scale is not None:
        return f"scale={facts.scale:g}"
    calibre = "" if facts.vessel_calibre is None else f", vessel_calibre={facts.vessel_calibre:g}"
    return f"fov_diameter={facts.fov_diameter:g}{calibre}"
