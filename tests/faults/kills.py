"""Kill processes, give the command again, and compare what comes out with what an undisturbed one gives."""

import csv
import json
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from faults.attempt import CORRUPT, HUNG, LOST, TRACEBACK, TRACED, Attempt, content
from faults.forked import Process, launch
from running import TINY

SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "Ctrl-C": signal.SIGINT}
INTERRUPTED = 130
WRITES = ("fsync", "replace", "rename", "link", "mkdir")
FIRST, GROUP, OTHER = "", " to the group", " to another process of it"


@dataclass(frozen=True)
class Command:
    """What is given, again and again, and how its results are read.

    `results` maps names to values that must be the same however often it was interrupted. `again` gives the command
    that continues, from the folder it ran in. `several` says that it works in several processes, each of which may be
    ended; `broken` is the exit code where one that is not the first was.
    """

    kind: str
    script: str
    overrides: tuple[str, ...]
    again: Callable[[Path], tuple[str, tuple[str, ...]]]
    results: Callable[[Path], dict[str, Any]]
    ready: str
    finished: int = 0
    several: bool = False
    broken: int = 2


def attacked(
    command: Command, folder: Path, make: Callable[[Path], None], seed: int, count: int, kills: int = 2
) -> list[Attempt]:
    """Attack `count` times at random moments, up to `kills` times each, then let it finish.

    `make` puts what the command needs into a new folder.
    """
    whole = _new(folder / "whole", make)
    process = launch(whole, command.script, *command.overrides)
    code, seconds = _timed(process)
    assert code == command.finished, process.told
    expected = command.results(whole)
    choose = random.Random(seed)
    attempts = []
    for number in range(count):
        here = _new(folder / f"attempt_{number}", make)
        plan = [
            (choose.choice(list(SIGNALS)), _target(choose, command.several), seconds * choose.random() ** 0.7)
            for _ in range(choose.randint(1, kills))
        ]
        detail = f"seed {seed}, attempt {number}: " + ", ".join(
            f"{name}{target} after {delay:.2f} s" for name, target, delay in plan
        )
        attempts.append(_attempt(command, here, plan, expected, detail))
    return attempts


def killed_in_writes(command: Command, folder: Path, make: Callable[[Path], None], every: int = 1) -> list[Attempt]:
    """Kill before and after every `every`-th call that makes a file whole or visible, one call in each attempt."""
    whole = _new(folder / "whole", make)
    counter = folder / "calls"
    process = launch(whole, command.script, *command.overrides, before=lambda: _count_calls(counter))
    assert process.wait() == command.finished, process.told
    expected = command.results(whole)
    calls = counter.read_text().split()
    attempts = []
    for number in range(0, 2 * len(calls), every):
        index, after = divmod(number, 2)
        here = _new(folder / f"write_{number}", make)
        moment = f"{'after' if after else 'before'} call {index + 1} of {len(calls)}: {calls[index]}"
        process = launch(
            here,
            command.script,
            *command.overrides,
            before=lambda index=index, after=after: _kill_at(index, bool(after)),
        )
        process.wait()
        attempts.append(_finished(command, here, expected, moment))
    return attempts


def _target(choose: random.Random, several: bool) -> str:
    if several and choose.random() < 0.4:
        return OTHER
    return GROUP if choose.random() < 0.5 else FIRST


def _attempt(
    command: Command, here: Path, plan: list[tuple[str, str, float]], expected: dict[str, Any], detail: str
) -> Attempt:
    script, overrides = command.script, command.overrides
    for name, target, delay in plan:
        process = launch(here, script, *overrides)
        if process.wait_for(command.ready):
            _sleep(process, delay)
        if target == OTHER:
            process.send_to_another(SIGNALS[name])
        else:
            process.send(SIGNALS[name], target == GROUP)
        code = process.wait()
        if code is None:
            return Attempt(command.kind, detail, HUNG, process.told)
        if TRACEBACK in process.told:
            return Attempt(command.kind, detail, TRACED, process.told)
        expected_codes = [command.finished, INTERRUPTED, -signal.SIGKILL]
        if target == OTHER:
            expected_codes.append(command.broken)
        if not process.told:  # the program was still loading: SIGTERM is what it is for every program
            expected_codes.append(-signal.SIGTERM)
        if code not in expected_codes:
            return Attempt(command.kind, detail, LOST, f"exit code {code}: {process.told}")
        script, overrides = command.again(here)
    return _finished(command, here, expected, detail)


def _finished(command: Command, here: Path, expected: dict[str, Any], detail: str) -> Attempt:
    script, overrides = command.again(here)
    process = launch(here, script, *overrides)
    code = process.wait()
    if code is None:
        return Attempt(command.kind, detail, HUNG, process.told)
    if TRACEBACK in process.told:
        return Attempt(command.kind, detail, TRACED, process.told)
    if code != command.finished:
        return Attempt(command.kind, detail, LOST, f"exit code {code}: {process.told}")
    try:
        found = command.results(here)
    except Exception as error:
        return Attempt(command.kind, detail, CORRUPT, f"{type(error).__name__}: {error}")
    differing = [name for name in expected.keys() | found.keys() if found.get(name) != expected.get(name)]
    if differing:
        return Attempt(command.kind, detail, LOST, f"other results: {', '.join(sorted(differing)[:5])}")
    if others := _living(here):
        return Attempt(command.kind, detail, HUNG, f"processes that are still there: {others}")
    leavings = [str(path.relative_to(here)) for path in here.rglob("*.part")]
    if leavings:
        return Attempt(command.kind, detail, CORRUPT, f"left behind: {', '.join(leavings)}")
    return Attempt(command.kind, detail)


def _living(folder: Path, seconds: float = 8) -> list[str]:
    """Processes that work in a folder, and do not end by themselves."""
    end = time.monotonic() + seconds
    while True:
        found = []
        for place in Path("/proc").glob("[0-9]*/cwd"):
            with suppress(OSError):
                if place.readlink() == folder.resolve():
                    found.append(place.parent.name)
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.2)


TWO_PROCESSES = "trainer=ddp_cpu"
MULTIRUN = ("hydra.sweep.dir=runs/multirun",)


def training(*overrides: str, steps: int = 8, epochs: int = 4) -> Command:
    """A tiny training; the same weights, scores and threshold must come out of it."""
    given = (
        "data=chasedb1",
        "paths.data_dir=sets",
        *TINY,
        f"data.steps_per_epoch={steps}",
        f"trainer.max_epochs={epochs}",
        "paths.run_dir=run",
        *overrides,
    )

    several = TWO_PROCESSES in overrides

    def again(folder: Path) -> tuple[str, tuple[str, ...]]:
        begun = (folder / "run/config.yaml").is_file()
        return "train", ("resume=run", *[TWO_PROCESSES] * several) if begun else given

    kind = f"training {'in two processes' if several else ''}, {' '.join(overrides)}".replace(" ,", ",")
    return Command(kind, "train", given, again, results_of_training, "run directory", several=several)


def results_of_training(folder: Path) -> dict[str, Any]:
    """Weights of both checkpoints, threshold and scores."""
    run = folder / "run"
    found: dict[str, Any] = {}
    for name in ("best", "last"):
        checkpoint = torch.load(run / f"checkpoints/{name}.ckpt", weights_only=True)
        found[f"{name}: epoch"] = checkpoint["epoch"]
        found |= {f"{name}: {key}": value.numpy().tobytes() for key, value in checkpoint["state_dict"].items()}
    found["threshold"] = json.loads((run / "threshold.json").read_text())
    found["scores"] = json.loads((run / "evaluation/test/metrics.json").read_text())
    found["rows"] = (run / "evaluation/test/per_image.csv").read_bytes()
    found["check of the data"] = content(folder / "runs/.data_checks")
    found["figures"] = sorted(path.name for path in (run / "evaluation/test/figures").iterdir())
    return found


def prediction(*overrides: str) -> Command:
    """Maps of a folder of images with the weights that come with the project; every byte of them must be the same."""
    given = ("images=images", "out_dir=out", "scale=native", "outputs=[probability,mask,overlay,skeleton]", *overrides)

    def results(folder: Path) -> dict[str, Any]:
        out = folder / "out"
        found: dict[str, Any] = {
            str(path.relative_to(out)): path.read_bytes()
            for path in out.rglob("*.*")
            if path.suffix in (".png", ".jpg")
        }
        with (out / "predictions.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        found["rows"] = sorted(row["image"] for row in rows)
        found["status"] = {row["status"] for row in rows} <= {"ok", "warning", "skipped"}
        return found

    return Command("prediction", "predict", given, lambda _: ("predict", given), results, "predicting")


def evaluation(*overrides: str) -> Command:
    """Scores of a finished run, which `make` puts into `run`."""
    given = ("run_dir=run", "split=test", *overrides)

    def results(folder: Path) -> dict[str, Any]:
        scores = folder / "run/evaluation/test"
        json.loads((folder / "run/threshold.json").read_text())
        return {name: (scores / name).read_bytes() for name in ("metrics.json", "per_image.csv")}

    return Command("evaluation", "evaluate", given, lambda _: ("evaluate", given), results, "")


def comparison(*overrides: str) -> Command:
    """Two upsamplers, one seed; the same scores of every run must come out of it."""
    tiny = [item for item in TINY if not item.startswith("trainer.max_epochs")]
    given = (
        "data=chasedb1",
        "paths.data_dir=sets",
        *tiny,
        "trainer.max_epochs=2",
        "upsamplers=[transposed_k4s2p1,bilinear_conv]",
        "seeds=[0]",
        "out_dir=out",
        *overrides,
    )

    def results(folder: Path) -> dict[str, Any]:
        out = folder / "out"
        json.loads((out / "accuracy.json").read_text())
        found = {path.name: (path / "evaluation/test/metrics.json").read_bytes() for path in (out / "runs").iterdir()}
        return found | {"rows": (out / "accuracy_per_image.csv").read_bytes()}

    given_again = ("compare_accuracy", given)
    return Command("comparison", "compare_accuracy", given, lambda _: given_again, results, "run directory")


def multirun(*overrides: str) -> Command:
    """Two jobs of one command, side by side with a launcher; the same scores of both must come out of it."""
    given = ("-m", "data=chasedb1", "paths.data_dir=sets", *TINY, "seed=0,1", *overrides)
    several = any("launcher" in item for item in overrides)

    def results(folder: Path) -> dict[str, Any]:
        runs = [path.parent for path in (folder / "runs/multirun").glob("*/config.yaml")]
        return {path.name: (path / "evaluation/test/metrics.json").read_bytes() for path in runs}

    kind, ready = ("multirun side by side", "") if several else ("multirun", "run directory")
    return Command(kind, "train", given, lambda _: ("train", given), results, ready, several=several)


def search(*overrides: str) -> Command:
    """Optuna's: so many trials end, each a run with its score, whatever was tried in vain before."""
    space = ("loss.dice_weight=interval(0.1,1.0)", "hydra.sweeper.n_trials=3", "hydra.sweeper.prune=false")
    given = ("-m", "hydra/sweeper=optuna", *MULTIRUN, *space, "data=chasedb1", "paths.data_dir=sets", *TINY, *overrides)

    def results(folder: Path) -> dict[str, Any]:
        from fundus_unet.commands.optuna_study import StudyPlace

        study = StudyPlace(str(folder / "runs/multirun/optuna.journal"), "study", False, 0, 0).open()
        complete = [trial for trial in study.get_trials() if trial.state.name == "COMPLETE"]
        scored = list((folder / "runs/multirun").glob("*/evaluation/val/metrics.json"))
        return {
            "complete": len(complete),
            "different": len({str(trial.params) for trial in complete}),
            "best": study.best_value == max(trial.value for trial in complete),
            "scored": len([json.loads(path.read_text()) for path in scored]),
        }

    return Command("search", "train", given, lambda _: ("train", given), results, "run directory")


def _new(folder: Path, make: Callable[[Path], None]) -> Path:
    folder.mkdir(parents=True)
    make(folder)
    return folder


def _timed(process: Process) -> tuple[int | None, float]:
    start = time.monotonic()
    return process.wait(), time.monotonic() - start


def _sleep(process: Process, seconds: float) -> None:
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)


def _count_calls(path: Path) -> None:
    process = os.getpid()

    def called(name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if os.getpid() == process:
            with path.open("a") as file:
                file.write(f"{name}\n")
        return call(*args, **kwargs)

    _wrap(called)


def _kill_at(index: int, after: bool) -> None:
    process, calls = os.getpid(), iter(range(10**9))

    def called(name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        last = os.getpid() == process and next(calls) == index
        if last and not after:
            os.kill(process, signal.SIGKILL)
        result = call(*args, **kwargs)
        if last:
            os.kill(process, signal.SIGKILL)
        return result

    _wrap(called)


def _wrap(called: Callable[..., Any]) -> None:
    for name in WRITES:
        call = getattr(os, name)
        setattr(os, name, lambda *args, name=name, call=call, **kwargs: called(name, call, *args, **kwargs))
