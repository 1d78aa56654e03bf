"""Compare two runs of one configuration and seed: `python tests/same_numbers.py RUN_BEFORE RUN_AFTER`.

For a change that should alter no number. Train both on one CPU thread (OMP_NUM_THREADS=1) of the same machine, with
`trainer.log_every_n_steps=1`. Exits with 1 where a loss, a score, a weight, a threshold or a figure differs.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def main(before: Path, after: Path) -> int:
    failed = 0
    for what, same in compared(before, after):
        print(f"{'same' if same else 'DIFFERENT':10} {what}")
        failed += not same
    return int(failed > 0)


def compared(before: Path, after: Path) -> Iterator[tuple[str, bool]]:
    curves, others = curves_of(before), curves_of(after)
    for name in sorted(curves.keys() | others.keys()):
        yield f"{name}, {len(curves.get(name, []))} points", curves.get(name) == others.get(name)
    for name in ("best", "last"):
        weights, others_weights = weights_of(before, name), weights_of(after, name)
        same = weights.keys() == others_weights.keys()
        yield f"{name}.ckpt", same and all(torch.equal(weights[key], others_weights[key]) for key in weights)
    files = {
        path.relative_to(before) for path in (before / "threshold.json", *before.glob("evaluation/*/metrics.json"))
    }
    for path in sorted(files):
        yield str(path), (after / path).is_file() and read(before / path) == read(after / path)
    for path in sorted(path.relative_to(before) for path in before.glob("evaluation/*/figures/*.png")):
        yield str(path), (after / path).is_file() and np.array_equal(pixels(before / path), pixels(after / path))


def curves_of(run: Path) -> dict[str, list[tuple[int, float]]]:
    older = run / "tensorboard"
    events = EventAccumulator(str(older if older.is_dir() else run), size_guidance={"scalars": 0})
    events.Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def weights_of(run: Path, name: str) -> dict[str, torch.Tensor]:
    path = run / "checkpoints" / f"{name}.ckpt"
    return dict(torch.load(path, map_location="cpu", weights_only=True)["state_dict"])


def read(path: Path) -> object:
    return json.loads(path.read_text())


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
