"""The networks of a comparison across sets: runs and weights, with what is known of the images they learned from."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from fundus_unet.core.errors import InputError
from fundus_unet.core.invocation import setting
from fundus_unet.data.case import Case
from fundus_unet.runs.ancestry import Ancestor
from fundus_unet.runs.learned_images import ancestry, images_named_now, recorded_images
from fundus_unet.runs.model_facts import ModelFacts
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.runs.trained_model import TrainedModel, load_trained
from fundus_unet.runs.working_diameter import own_diameters, trained_diameter

SourcesOf = Callable[[str], frozenset[str] | None]
"""The classes of the sets that an option of the group `data` holds; None for an unknown option."""


class Failure(NamedTuple):
    """A network, a set or a cell that could not be compared."""

    about: str
    reason: str


@dataclass(frozen=True)
class Network:
    """One row.

    Args:
        model: The trained network.
        fov_diameter: Of the field of view in the images that it was trained on.
        learned: SHA-256 of the images that it learned from or chose its checkpoint and masks by; None where that
            is not known.
        supposed_sources: Of a network without a record, or that began with the weights of one: the classes of the sets
            that it says it was trained on; None where it names no set that is known.
        unrecorded: Whether it began with weights of which it is not recorded which images they learned from.
        own_diameters: Of images that it brings to another diameter, by their SHA-256.
        run_dir: None for weights.
        notes: What is not as it should be.

    Units:
        `fov_diameter` and `own_diameters` in working pixels.
    """

    name: str
    model: TrainedModel
    fov_diameter: float
    learned: frozenset[str] | None
    supposed_sources: frozenset[str] | None = None
    own_diameters: Mapping[str, float] = field(default_factory=dict)
    run_dir: Path | None = None
    unrecorded: bool = False
    notes: tuple[str, ...] = ()

    def facts(self, out_dir: Path) -> dict[str, Any]:
        """What the result says of it."""
        facts = self.model.facts
        return {
            "run_dir": None if self.run_dir is None else os.path.relpath(self.run_dir, out_dir.resolve()),
            "weights": self.model.origin if self.run_dir is None else None,
            "fingerprint": self.model.fingerprint,
            "data": facts.trained_on.data,
            "seed": facts.trained_on.seed,
            "commit": facts.trained_on.commit,
            "upsampler": facts.upsampler,
            "validation_threshold": facts.threshold,
            "validation_hysteresis": facts.hysteresis and facts.hysteresis.model_dump(),
            "precision": facts.precision,
            "scale": facts.scale,
            "fov_diameter": self.fov_diameter,
            "vessel_calibre": facts.vessel_calibre,
            "learned_images": None if self.learned is None else len(self.learned),
            "began_with_unrecorded": self.unrecorded,
            "notes": list(self.notes),
        }


def open_networks(
    run_dirs: Sequence[str], weights: Sequence[str], data_dir: str | None, sources_of: SourcesOf
) -> tuple[list[Network], list[Failure]]:
    """The networks of finished runs and of weights, those with the same training images beside each other.

    Args:
        run_dirs: Each counts once.
        weights: Names in weights/, or files that export made.
        data_dir: Where the runs' data lie now; None: where training found them.

    Returns:
        What can be used, and what is wrong with the others.
    """
    networks: list[Network] = []
    failures: list[Failure] = []
    for name in dict.fromkeys(run_dirs):
        try:
            networks.append(_of_run(RunDirectory(name, data_dir), sources_of))
        except InputError as error:
            failures.append(Failure(name, error.one_line))
    for name in dict.fromkeys(weights):
        try:
            networks.append(_of_weights(name, sources_of))
        except InputError as error:
            failures.append(Failure(name, error.one_line))
    return list(_beside_their_like(_distinctly_named(networks))), failures


def _of_run(run: RunDirectory, sources_of: SourcesOf) -> Network:
    model = load_trained(str(run.path))
    notes = []
    try:
        diameters = own_diameters(run)
    except InputError as error:
        diameters = {}
        notes.append(f"images of its own sets are seen at data.fov_diameter, as others are: {error.problem}")
    learned = recorded_images(run.path)
    if learned is None:
        learned = images_named_now(run)
        notes.append("it has no record of its images (data.json); those that its configuration names now are taken")
    unrecorded = ancestry(run).unrecorded
    notes += _notes(unrecorded)
    return Network(
        run.path.name,
        model,
        trained_diameter(run),
        learned,
        _supposed([one.data for one in unrecorded], sources_of) if unrecorded else None,
        diameters,
        run.path,
        bool(unrecorded),
        tuple(notes),
    )


def _of_weights(name: str, sources_of: SourcesOf) -> Network:
    model = load_trained(None, name, "onnx" if Path(name).suffix == ".onnx" else "torch")
    facts = model.facts
    if facts.fov_diameter is None:
        raise InputError(
            f"the weights {name} do not say at which field-of-view diameter they were trained",
            expected="a network trained with data.fov_diameter; or its run, whose images tell",
            got=f"data.scale={facts.scale}",
            fix=f"name the run that was exported: {setting('run_dirs', '[RUN_DIRECTORY]')}",
        )
    data, recorded = facts.trained_on.data, facts.trained_on.images
    before = facts.trained_on.began_with or ()
    if recorded is not None:
        unrecorded = [one for one in before if not one.recorded]
        supposed = _supposed([one.data for one in unrecorded], sources_of) if unrecorded else None
        return Network(
            model.origin,
            model,
            facts.fov_diameter,
            frozenset(recorded),
            supposed,
            unrecorded=bool(unrecorded),
            notes=(*_of_masks(facts), *_notes(unrecorded)),
        )
    note = f"it does not record which images it learned from; it says data={data}"
    supposed = _supposed([data, *(one.data for one in before)], sources_of)
    return Network(
        model.origin, model, facts.fov_diameter, None, supposed, notes=(note, *_of_masks(facts), *_notes(before))
    )


def _supposed(options: Sequence[str], sources_of: SourcesOf) -> frozenset[str] | None:
    """The classes of the sets in several options; None where one is not known."""
    found = [sources_of(option) for option in options]
    return frozenset[str]().union(*(sources or () for sources in found)) if all(found) else None


def _of_masks(facts: ModelFacts) -> list[str]:
    told = "its threshold and hysteresis were set when it was exported, not chosen on validation"
    return [told] if facts.masks_set else []


def _notes(unrecorded: Sequence[Ancestor]) -> list[str]:
    return [
        f"it began with the weights of {one.weights}, of which it is not recorded which images they learned from; "
        f"they say data={one.data}"
        for one in unrecorded
    ]


def cases_learned(network: Network, cases: Sequence[Case], digests: Mapping[str, str]) -> set[str]:
    """The names of those cases that a network learned from or chose by, or that show the same person.

    Args:
        digests: SHA-256 of the image of every case, by name.
    """
    learned = network.learned or frozenset()
    subjects = {case.subject for case in cases if digests[case.name] in learned} - {None}
    return {case.name for case in cases if digests[case.name] in learned or case.subject in subjects}


def _distinctly_named(networks: Sequence[Network]) -> list[Network]:
    """Networks that share a name get as much of their path as tells them apart."""
    names = [network.name for network in networks]
    if len(set(names)) == len(names):
        return list(networks)
    found: list[Network] = []
    for number, network in enumerate(networks):
        parts = [] if network.run_dir is None else list(network.run_dir.parts)
        depth = 1
        while network.name in names[:number] + names[number + 1 :] and depth < len(parts):
            depth += 1
            network = replace(network, name="/".join(parts[-depth:]))
        if network.name in [one.name for one in found]:
            network = replace(network, name=f"{network.name} ({number + 1})")
        found.append(network)
    return found


def _beside_their_like(networks: Sequence[Network]) -> Iterator[Network]:
    first: dict[Any, list[Network]] = {}
    for network in networks:
        first.setdefault(network.learned or network.name, []).append(network)
    for alike in first.values():
        yield from alike
