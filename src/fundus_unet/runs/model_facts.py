"""What a model file says about its network: enough to use it without the run that made it."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le, Len

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.mask_choice import ChosenMasks
from fundus_unet.metrics.masks import HYSTERESIS, MASKS, THRESHOLD, Hysteresis
from fundus_unet.models.network import LARGEST_CONTEXT, LARGEST_MULTIPLE
from fundus_unet.runs.ancestry import Ancestor, Ancestors, Name, Sha256
from fundus_unet.runs.build import sketch
from fundus_unet.runs.device import PRECISIONS
from fundus_unet.runs.load import load_predictor
from fundus_unet.runs.recalibration import Recalibration
from fundus_unet.runs.run_directory import RunDirectory, plain
from fundus_unet.runs.run_name import upsampler_name
from fundus_unet.runs.schema import Calibre, Diameter, Node, Scale, Settings, check, one_of
from fundus_unet.runs.validation_masks import validation_masks

FORMAT = 2
FACTS = "fundus_unet"
PREPROCESSING = "preprocessing"
MOST_CHARACTERS = 1_000_000
MOST_IMAGES = 10_000
"""That are named; with more, the facts would outgrow their limit."""


class TrainedOn(Settings):
    """What a network learned from, and when.

    Args:
        images: SHA-256 of the image files that it learned from or was chosen by, those of the networks that it began
            with among them; None where that is not recorded.
        began_with: Those networks, the oldest first; None for a network that began with no other's weights.
    """

    data: Name
    seed: int
    commit: Name | None
    created: Name | None
    images: Annotated[list[Sha256], Len(1, MOST_IMAGES)] | None = None
    began_with: Ancestors | None = None


Probability = Annotated[float, Ge(0), Le(1)]


class HysteresisFacts(Settings):
    """A `Hysteresis`; its `least_length` is in field-of-view diameters."""

    low: Probability
    high: Probability
    least_length: Annotated[float, Ge(0), Le(1)]


class ModelFacts(Settings):
    """How a network is built, what it is given and what its logits mean.

    Args:
        model: The resolved configuration of the network; exactly one of `scale` and `fov_diameter` is the working
            resolution it was trained for.
        vessel_calibre: That the widest vessels of a new image shall have at working resolution, found by a first look
            at `fov_diameter`; None: every image is worked on at `fov_diameter` or `scale`.
        threshold: Was best on validation, unless `masks_set`.
        hysteresis: Likewise; None in files of before.
        mask: The kind that is made where none is asked for.
        vessel_from: The probability from which a first look takes pixels for vessel.
        masks_set: Whether who exported the network gave other values than validation.
        precision: Training's.
        upsampler: None for a network that takes none.
        size_multiple: Exported programs take images whose sides are multiples of it.
        context: How far the network sees, None where that is not known.

    Units:
        `scale` in working pixels per original pixel; `fov_diameter`, `vessel_calibre`, `size_multiple` and `context` in
        working pixels.
    """

    model: Node
    scale: Scale | None
    fov_diameter: Diameter | None
    threshold: Probability
    precision: Annotated[str, one_of(*PRECISIONS)]
    upsampler: Name | None
    trained_on: TrainedOn
    size_multiple: Annotated[int, Ge(1), Le(LARGEST_MULTIPLE)]
    context: Annotated[int, Ge(0), Le(LARGEST_CONTEXT)] | None
    hysteresis: HysteresisFacts | None = None
    vessel_calibre: Calibre | None = None
    mask: Annotated[str, one_of(*MASKS)] = THRESHOLD
    masks_set: bool = False
    vessel_from: Probability = 0.5

    @property
    def masks(self) -> ChosenMasks:
        """What makes the masks."""
        found = self.hysteresis
        return ChosenMasks(self.threshold, None if found is None else Hysteresis(**found.model_dump()))

    def as_metadata(self) -> dict[str, str]:
        """JSON under two names: the facts, and `preprocessing` for who has the file but not this project."""
        of_training = {name for name in ("images", "began_with") if getattr(self.trained_on, name) is None}
        unrecorded: dict[str, Any] = {"trained_on": of_training}
        usual = {"hysteresis": None, "vessel_calibre": None, "mask": THRESHOLD, "masks_set": False, "vessel_from": 0.5}
        unrecorded |= {name: True for name, value in usual.items() if getattr(self, name) == value}
        facts = {"format": FORMAT} | self.model_dump(exclude=unrecorded)
        return {
            FACTS: json.dumps(facts, allow_nan=False),
            PREPROCESSING: json.dumps(self._preprocessing(), allow_nan=False),
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str] | None, path: Path) -> "ModelFacts":
        """The facts that `as_metadata` wrote.

        Raises:
            InputError: Which names `path`, for metadata that are missing, damaged, or of another format.
        """
        facts = _parsed(metadata or {}, path)
        if facts.pop("format", None) != FORMAT:
            raise InputError(
                f"{path} was written by another version of this project",
                expected=f"format {FORMAT}",
                fix="export the run again, or update this project",
            )
        try:
            found: ModelFacts = check(cls, facts)
        except InputError as error:
            raise InputError(f"the metadata of {path} are damaged: {error}", fix="export the run again") from error
        if (found.scale is None) == (found.fov_diameter is None):
            got = f"scale={found.scale}, fov_diameter={found.fov_diameter}"
            raise _damaged(path, "exactly one of scale and fov_diameter", got)
        if found.vessel_calibre is not None and found.fov_diameter is None:
            raise _damaged(path, "vessel_calibre beside fov_diameter", f"scale={found.scale}")
        if found.hysteresis is not None and found.hysteresis.low > found.hysteresis.high:
            raise _damaged(path, "hysteresis.low of at most hysteresis.high", str(found.hysteresis.model_dump()))
        if found.mask == HYSTERESIS and found.hysteresis is None:
            raise _damaged(path, "values of hysteresis, which is its mask", "none")
        return found

    def learned_from(self, images: Collection[str], ancestors: Sequence[Ancestor] = ()) -> "ModelFacts":
        """With the SHA-256 of the images that the network learned from or was chosen by, unless they are too many.

        Args:
            ancestors: The networks that it began with.
        """
        known: dict[str, Any] = {"images": sorted(images)} if 0 < len(images) <= MOST_IMAGES else {}
        if ancestors:
            known["began_with"] = list(ancestors)
        return self.model_copy(update={"trained_on": self.trained_on.model_copy(update=known)})

    def recalibrated(self, calibration: Recalibration) -> "ModelFacts":
        """With the masks, and the first look, that the same pixels are in after it."""
        changes: dict[str, Any] = {
            name: calibration.probability(getattr(self, name)) for name in ("threshold", "vessel_from")
        }
        if self.hysteresis is not None:
            low, high = (calibration.probability(value) for value in (self.hysteresis.low, self.hysteresis.high))
            changes["hysteresis"] = self.hysteresis.model_copy(update={"low": low, "high": high})
        return self.model_copy(update=changes)

    def with_masks(self, kind: str, values: Mapping[str, float]) -> "ModelFacts":
        """With another kind of mask than `threshold`, or other values than those that were best on validation.

        Args:
            values: By name, `threshold` or those of a hysteresis; what is left out stays as it is.

        Raises:
            InputError: Where they make no hysteresis, or one that is asked for or begun has no values.
        """
        changes: dict[str, Any] = {"mask": kind}
        own = {} if self.hysteresis is None else self.hysteresis.model_dump()
        known = own | {name: value for name, value in values.items() if name in HysteresisFacts.model_fields}
        missing = HysteresisFacts.model_fields.keys() - known.keys()
        if missing and (known or kind == HYSTERESIS):
            raise InputError(
                "the run has no hysteresis of its own",
                expected=f"all of {', '.join(f'hysteresis.{name}' for name in HysteresisFacts.model_fields)}",
                got=f"no {', '.join(sorted(f'hysteresis.{name}' for name in missing))}",
                fix=f"set them, or mask={THRESHOLD}",
            )
        if known:
            Hysteresis(**known)
            changes["hysteresis"] = HysteresisFacts(**known)
        if "threshold" in values:
            changes["threshold"] = values["threshold"]
        return self.model_copy(update=changes | {"masks_set": self.masks_set or bool(values)})

    def _preprocessing(self) -> dict[str, Any]:
        resolution = {
            "working_pixels_per_original_pixel": self.scale,
            "working_field_of_view_diameter_in_pixels": self.fov_diameter,
            "better_working_resolution": None
            if self.vessel_calibre is None
            else f"where the widest vessels are {self.vessel_calibre:g} pixels wide: on average over two diameters of "
            "the field of view of centrelines, the widest, of the mask at the diameter above, from the "
            f"probability {self.vessel_from:.4g} on",
        }
        return {
            "colours": "RGB, 0..255",
            **{name: value for name, value in resolution.items() if value is not None},
            "resizing": "area averages where the image shrinks, bilinear where it grows",
            "normalization": "per channel, by the image's own statistics inside the field of view at working "
            "resolution: (value - mean) / max(std, smallest_std), so zero mean and unit variance; zero outside",
            "smallest_std": 1.0,
            "input": "image: float32 (batch, 3, height, width)",
            "padding": "repeat the last row and the last column until both sides are multiples of `size_multiple`, at "
            "least `smallest_side`; crop the logits to the upper left",
            "size_multiple": self.size_multiple,
            "smallest_side": 2 * self.size_multiple,
            "output": "logits: float32 (batch, 1, height, width); sigmoid gives the vessel probability; resize the "
            "logits to the image before it",
            "threshold": self.threshold,
            **self._hysteresis(),
        }

    def _hysteresis(self) -> dict[str, Any]:
        if self.hysteresis is None:
            return {}
        meaning = (
            "8-connected pieces of probability >= low inside the field of view that reach high somewhere, and whose "
            "bounding box has a diagonal of at least least_length field-of-view diameters"
        )
        better = {"better_mask": "hysteresis"} if self.mask == HYSTERESIS else {}
        return {"hysteresis": {"mask": meaning, **self.hysteresis.model_dump()}, **better}


def facts_of(run: RunDirectory, checkpoint: str = "best") -> ModelFacts:
    """The facts of a checkpoint of a run. The masks of `last` are chosen on the run's validation images.

    Raises:
        InputError: For a run that is not finished or is damaged, or an unknown checkpoint.
    """
    run.check_finished()
    run.checkpoint(checkpoint)
    data = run.config.data
    trained_on = TrainedOn(
        data=str(run.choices.get("data") or data.source._target_),
        seed=run.config.seed,
        commit=run.environment.get("commit"),
        created=run.created,
    )
    network, masks = sketch(run.config.model), _masks(run, checkpoint)
    facts = ModelFacts(
        model=plain(run.config.model),
        scale=_number(data.scale),
        fov_diameter=_number(data.fov_diameter),
        threshold=masks.threshold,
        hysteresis=None if masks.hysteresis is None else HysteresisFacts(**asdict(masks.hysteresis)),
        vessel_calibre=_number(data.get("vessel_calibre")),
        precision=str(run.config.trainer.precision),
        upsampler=_upsampler(run),
        trained_on=trained_on,
        size_multiple=network.size_multiple,
        context=network.context,
    )
    return ModelFacts.from_metadata(facts.as_metadata(), run.path)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _upsampler(run: RunDirectory) -> str | None:
    node = run.config.model.get("upsampler")
    return None if node is None else upsampler_name(run.choices, run.overrides) or str(node._target_)


def _masks(run: RunDirectory, checkpoint: str) -> ChosenMasks:
    """As they were kept: a run of before has no hysteresis, and predicting does not look for its images."""
    if checkpoint == "best":
        return run.masks
    return validation_masks(run, load_predictor(run, checkpoint, "auto"), checkpoint)


def _parsed(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    if FACTS not in metadata:
        raise InputError(
            f"{path} is no model file of this project",
            expected=f"a file that fundus-unet export wrote, with {FACTS!r} in its metadata",
            got=f"metadata {', '.join(sorted(metadata))}" if metadata else "no metadata",
        )
    try:
        facts = json.loads(metadata[FACTS][:MOST_CHARACTERS])
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "facts in JSON", str(error)) from error
    if not isinstance(facts, dict):
        raise _damaged(path, "facts by name", f"{facts!r:.200}")
    return facts


def _damaged(path: Path, expected: str, got: str) -> InputError:
    return InputError(f"the metadata of {path} are damaged", expected=expected, got=got, fix="export the run again")
