"""What a model file says about its network: enough to use it without the run that made it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from fundus_unet.core.errors import InputError
from fundus_unet.models.network import LARGEST_CONTEXT, LARGEST_MULTIPLE
from fundus_unet.runs.allowed_parts import LIMITS
from fundus_unet.runs.build import sketch
from fundus_unet.runs.device import PRECISIONS
from fundus_unet.runs.evaluate import validation_threshold
from fundus_unet.runs.load import load_predictor
from fundus_unet.runs.run_directory import RunDirectory, plain

FORMAT = 2
FACTS = "fundus_unet"
PREPROCESSING = "preprocessing"
MOST_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class ModelFacts:
    """How a network is built, what it is given and what its logits mean.

    Args:
        model: The resolved configuration of the network; exactly one of `scale` and `fov_diameter` is the working
            resolution it was trained for.
        threshold: Was best on validation.
        precision: Training's.
        upsampler: None for a network that takes none.
        size_multiple: Exported programs take images whose sides are multiples of it.
        context: How far the network sees, None where that is not known.

    Units:
        `scale` in working pixels per original pixel; `fov_diameter`, `size_multiple` and `context` in working pixels.
    """

    model: dict[str, Any]
    scale: float | None
    fov_diameter: float | None
    threshold: float
    precision: str
    upsampler: str | None
    trained_on: dict[str, Any]
    size_multiple: int
    context: int | None

    def as_metadata(self) -> dict[str, str]:
        """JSON under two names: the facts, and `preprocessing` for who has the file but not this project."""
        facts = {"format": FORMAT} | asdict(self)
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
        names = {field.name for field in fields(cls)}
        if facts.keys() != names:
            raise _damaged(path, f"the facts {', '.join(sorted(names))}", ", ".join(sorted(facts)) or "none")
        for name, (fits, expected) in _CHECKS.items():
            if not fits(facts[name]):
                raise _damaged(path, f"{name}: {expected}", f"{name}={facts[name]!r:.200}")
        if (facts["scale"] is None) == (facts["fov_diameter"] is None):
            got = f"scale={facts['scale']}, fov_diameter={facts['fov_diameter']}"
            raise _damaged(path, "exactly one of scale and fov_diameter", got)
        return cls(**facts)

    def _preprocessing(self) -> dict[str, Any]:
        resolution = {
            "working_pixels_per_original_pixel": self.scale,
            "working_field_of_view_diameter_in_pixels": self.fov_diameter,
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
        }


def facts_of(run: RunDirectory, checkpoint: str = "best") -> ModelFacts:
    """The facts of a checkpoint of a run. The threshold of `last` is computed on the run's validation images.

    Raises:
        InputError: For a run that is not finished or is damaged, or an unknown checkpoint.
    """
    run.check_finished()
    run.checkpoint(checkpoint)
    data, seed = run.config.data, run.config.seed
    trained_on = {
        "data": str(run.choices.get("data") or data.source._target_),
        "seed": seed,
        "commit": run.environment.get("commit"),
        "created": run.created,
    }
    network = sketch(run.config.model)
    facts = ModelFacts(
        model=plain(run.config.model),
        scale=None if data.scale is None else float(data.scale),
        fov_diameter=None if data.fov_diameter is None else float(data.fov_diameter),
        threshold=_threshold(run, checkpoint),
        precision=str(run.config.trainer.precision),
        upsampler=_upsampler(run),
        trained_on=trained_on,
        size_multiple=network.size_multiple,
        context=network.context,
    )
    return ModelFacts.from_metadata(facts.as_metadata(), run.path)


def _upsampler(run: RunDirectory) -> str | None:
    node = run.config.model.get("upsampler")
    return None if node is None else str(run.choices.get("upsampler") or node._target_)


def _threshold(run: RunDirectory, checkpoint: str) -> float:
    if checkpoint == "best":
        return run.threshold
    return validation_threshold(run, load_predictor(run, checkpoint, "auto"), checkpoint)


def _parsed(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    if FACTS not in metadata:
        raise InputError(
            f"{path} is no model file of this project",
            expected=f"a file that scripts/export.py wrote, with {FACTS!r} in its metadata",
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


def _number(least: float, most: float) -> Callable[[Any], bool]:
    """NaN and infinity, which JSON can spell, are outside."""
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _optional(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_trained_on(value: Any) -> bool:
    checks = {"data": _text, "seed": _whole, "commit": _optional(_text), "created": _optional(_text)}
    return isinstance(value, dict) and value.keys() == checks.keys() and all(checks[key](value[key]) for key in checks)


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "model": (lambda value: isinstance(value, dict) and _text(value.get("_target_")), "a configuration of a class"),
    "scale": (_optional(_number(*LIMITS["scale"])), "a number from {:g} to {:g}, or null".format(*LIMITS["scale"])),
    "fov_diameter": (
        _optional(_number(*LIMITS["fov_diameter"])),
        "a number from {:g} to {:g}, or null".format(*LIMITS["fov_diameter"]),
    ),
    "threshold": (_number(0, 1), "a number from 0 to 1"),
    "precision": (lambda value: _text(value) and value in PRECISIONS, ", ".join(PRECISIONS)),
    "upsampler": (_optional(_text), "a name, or null"),
    "trained_on": (_is_trained_on, "data, seed, commit and created"),
    "size_multiple": (
        lambda value: _whole(value) and 1 <= value <= LARGEST_MULTIPLE,
        f"an integer from 1 to {LARGEST_MULTIPLE}",
    ),
    "context": (
        _optional(lambda value: _whole(value) and 0 <= value <= LARGEST_CONTEXT),
        f"an integer from 0 to {LARGEST_CONTEXT}, or null",
    ),
}
