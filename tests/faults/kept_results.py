"""Attack what commands keep for the next time: somebody has changed it, or put something else in its place."""

import io
import json
import os
import pickle
import random
import shutil
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from faults.attempt import CORRUPT, HUNG, LOST, OUTSIDE, TRACED, Attempt, TooLongError, limited
from faults.inputs import damaged
from fundus_unet.comparison.datasets.kept_counts import KeptCounts
from fundus_unet.inference.evaluation import Evaluation
from fundus_unet.metrics.histogram import BINS
from fundus_unet.metrics.mask_choice import ChosenMasks
from fundus_unet.metrics.registry import Counts
from fundus_unet.metrics.topology import CentrelineOverlap
from fundus_unet.runs.data_check import _kept
from running import Exploit

SECONDS = 20
IDENTITY = {"network": "a", "files": {"image": "b"}, "threshold": 0.25}
ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 2**70, 0.5, float("nan"), float("inf"), "", "x", "\x1b[2J", "9" * 5000),
    *([], {}, [None], {"a": 1}, [[[]]], ["x"] * 1000),
)


def counts() -> dict[str, dict[str, Counts]]:
    """What is counted in an image."""
    histogram = torch.arange(2 * BINS, dtype=torch.int64).reshape(2, BINS) % 7
    overlap = CentrelineOverlap(*range(1, 5))
    raters = {
        "network at 0.5": Counts(histogram, 0.5, overlap, 3),
        "network at validation threshold": Counts(histogram, 0.25, overlap, 2),
        "network with hysteresis": Counts(histogram + 2, 0.5, overlap, 1, ranked=False),
        "second observer": Counts(histogram + 1, 0.5, overlap, 5, ranked=False),
    }
    return {"field_of_view": raters, "whole_image": raters}


def of_counts(seed: int, count: int, folder: Path) -> list[Attempt]:
    """What `compare datasets` keeps of images, changed: it is as it was, or counted again."""
    kept = KeptCounts(folder / "kept")
    kept.write(IDENTITY, counts())
    path = next((folder / "kept").iterdir())
    sound = path.read_bytes()
    arrays = dict(np.load(io.BytesIO(sound)))
    attempts = []
    for number in range(count):
        draw = random.Random(f"{seed} {number}")
        what = draw.choice(("bytes", "values", "array"))
        path.write_bytes({"bytes": _bytes, "values": _values, "array": _array}[what](draw, sound, arrays))
        attempts.append(_counts_again(kept, f"seed {seed}, {number}: {what}", folder))
    for name, make in PLANTED.items():
        path.unlink(missing_ok=True)
        make(path, arrays, folder / "exploited")
        attempts.append(_counts_again(kept, name, folder))
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return attempts


def of_checks(seed: int, count: int, folder: Path) -> list[Attempt]:
    """What a training keeps of the check of its data, changed: findings, or it is checked again."""
    folder.mkdir(parents=True)
    path = folder / "check.json"
    finding = {"severity": "error", "kind": "k", "cases": ["a"], "message": "m", "fix": "f"}
    report: dict[str, Any] = {"check_version": 1, "findings": [finding, finding], "images": []}
    sound = json.dumps(report).encode()
    attempts = []
    for number in range(count):
        draw = random.Random(f"{seed} {number}")
        if draw.random() < 0.5:
            path.write_bytes(damaged(draw, sound))
        else:
            path.write_text(json.dumps(_with_odd(draw, json.loads(sound))))
        attempts.append(_findings_again(path, f"seed {seed}, {number}"))
    planted = {
        "deep nesting": b"[" * 10**6,
        "deep nesting of findings": b'{"findings": ' + b"[" * 10**6,
        "a pickle": pickle.dumps(Exploit(str(folder / "exploited"))),
        "many digits": b'{"findings": ' + b"9" * 10**5 + b"}",
        "no text": b'{"findings": "\xff\xfe"}',
    }
    for name, data in planted.items():
        path.write_bytes(data)
        attempts.append(_findings_again(path, name))
    if (folder / "exploited").exists():
        attempts.append(Attempt("kept checks", "a pickle", OUTSIDE, "it was loaded"))
    return attempts


def _findings_again(path: Path, detail: str) -> Attempt:
    try:
        with limited(SECONDS):
            found = _kept(path)
        ok = found is None or all(
            isinstance(text, str) for one in found for text in (one.kind, one.message, one.fix, *one.cases)
        )
        return Attempt("kept checks", detail, None if ok else CORRUPT, repr(found)[:300])
    except TooLongError:
        return Attempt("kept checks", detail, HUNG)
    except BaseException:
        return Attempt("kept checks", detail, TRACED, traceback.format_exc())


def _counts_again(kept: KeptCounts, detail: str, folder: Path) -> Attempt:
    """As `score_cell` uses them."""
    kind = "kept counts"
    try:
        with limited(SECONDS):
            found = kept.read(IDENTITY)
            if found is not None:
                evaluation = Evaluation(ChosenMasks(0.25))
                evaluation.add_counts("first", counts())
                evaluation.add_counts("second", found)
                json.dumps(evaluation.metrics(), allow_nan=False)
                if len(evaluation.rows()) != 16:
                    return Attempt(kind, detail, LOST, f"{len(evaluation.rows())} rows")
        if (folder / "exploited").exists():
            return Attempt(kind, detail, OUTSIDE, "it was loaded")
    except TooLongError:
        return Attempt(kind, detail, HUNG)
    except BaseException:
        return Attempt(kind, detail, TRACED, traceback.format_exc())
    return Attempt(kind, detail, None, "used" if found is not None else "counted again")


def _bytes(draw: random.Random, sound: bytes, arrays: dict[str, np.ndarray]) -> bytes:
    return damaged(draw, sound)


def _values(draw: random.Random, sound: bytes, arrays: dict[str, np.ndarray]) -> bytes:
    facts = json.loads(arrays["facts"].tobytes())
    facts["counts"] = _with_odd(draw, facts["counts"])
    return _packed(arrays | {"facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)})


def _array(draw: random.Random, sound: bytes, arrays: dict[str, np.ndarray]) -> bytes:
    histograms = arrays["histograms"]
    odd = draw.choice(
        (
            histograms.astype(np.float64),
            histograms[:1],
            histograms[..., :-1],
            -histograms,
            histograms.astype(np.int32),
            histograms.astype(">i8"),
            np.full_like(histograms, 2**62),
            np.zeros_like(histograms),
            histograms.astype(str),
            np.int64(3),
            np.zeros(0),
        )
    )
    return _packed(arrays | {draw.choice(("histograms", "histograms", "facts")): np.asarray(odd)})


def _with_odd(draw: random.Random, value: Any) -> Any:
    """The value with one thing somewhere in it replaced, removed or added."""
    if isinstance(value, dict) and value and draw.random() < 0.85:
        key = draw.choice(list(value))
        how = draw.random()
        if how < 0.1:
            return {name: item for name, item in value.items() if name != key}
        if how < 0.2:
            return value | {draw.choice(("x", "", "network at 0.5", "field_of_view")): draw.choice(ODD)}
        return value | {key: _with_odd(draw, value[key])}
    if isinstance(value, list) and value and draw.random() < 0.7:
        place = draw.randrange(len(value))
        return [*value[:place], _with_odd(draw, value[place]), *value[place + 1 :]]
    return draw.choice(ODD)


def _packed(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _with_member(arrays: dict[str, np.ndarray], name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.npy", data)
        for other in arrays.keys() - {name}:
            member = io.BytesIO()
            np.save(member, arrays[other])
            archive.writestr(f"{other}.npy", member.getvalue())
    return buffer.getvalue()


def _npy(header: str, data: bytes = b"", version: int = 1) -> bytes:
    head = header.encode() + b"\n"
    length = len(head).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + head + data


def _claims(shape: str, data: bytes = b"") -> bytes:
    return _npy(f"{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}}}", data)


def _exploit_array(place: Path) -> bytes:
    member = io.BytesIO()
    np.save(member, np.array([Exploit(str(place))], dtype=object), allow_pickle=True)
    return member.getvalue()


Plant = Callable[[Path, dict[str, np.ndarray], Path], object]


def _file(make: Callable[[dict[str, np.ndarray], Path], bytes]) -> Plant:
    return lambda path, arrays, place: path.write_bytes(make(arrays, place))


PLANTED: dict[str, Plant] = {
    "a pickle": _file(lambda arrays, place: pickle.dumps(Exploit(str(place)))),
    "a pickled array": _file(lambda arrays, place: _exploit_array(place)),
    "a pickled member": _file(lambda arrays, place: _with_member(arrays, "histograms", _exploit_array(place))),
    "pickled facts": _file(lambda arrays, place: _with_member(arrays, "facts", _exploit_array(place))),
    "an array without end": _file(lambda arrays, place: _with_member(arrays, "histograms", _claims("(2**50,)"))),
    "a large array": _file(lambda arrays, place: _with_member(arrays, "histograms", _claims(f"({2**50},)"))),
    "an array of a size below zero": _file(lambda arrays, place: _with_member(arrays, "histograms", _claims("(-5,)"))),
    "a bomb": _file(lambda arrays, place: _with_member(arrays, "histograms", _claims(f"({2**25},)", bytes(2**28)))),
    "a bomb of facts": _file(lambda arrays, place: _with_member(arrays, "facts", _claims(f"({2**25},)", b"[" * 2**28))),
    "deep nesting": _file(lambda arrays, place: _packed(arrays | {"facts": np.frombuffer(b"[" * 10**6, np.uint8)})),
    "a header that is no literal": _file(lambda arrays, place: _with_member(arrays, "facts", _npy("__import__('os')"))),
    "a header of brackets": _file(lambda arrays, place: _with_member(arrays, "facts", _npy("(" * 9000))),
    "a header of quotes": _file(lambda arrays, place: _with_member(arrays, "facts", _npy("{'''"))),
    "a header of a later format": _file(lambda arrays, place: _with_member(arrays, "facts", _npy("{'''", version=3))),
    "a member that is no array": _file(lambda arrays, place: _with_member(arrays, "histograms", b"x")),
    "a single array": _file(lambda arrays, place: _claims("(2,)", bytes(16))),
    "no file": lambda path, arrays, place: path.mkdir(),
    "a pipe": lambda path, arrays, place: os.mkfifo(path),
    "a device": lambda path, arrays, place: path.symlink_to("/dev/zero"),
    "a loop": lambda path, arrays, place: path.symlink_to(path.name),
}
