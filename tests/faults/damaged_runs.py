"""Damage run directories in every way that comes to mind, at random, and use them as their user would.

What may come of it: the use succeeds, or one message says what is wrong. Nothing outside the run and the folder of
outputs is touched, no environment variable is told, and nothing hangs.
"""

import contextlib
import copy
import io
import itertools
import json
import os
import random
import shutil
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from data.layouts import write_chasedb1
from faults.attempt import HUNG, OUTSIDE, TRACEBACK, TRACED, Attempt, TooLongError, content, limited
from fundus_unet.commands.error_messages import explain
from fundus_unet.commands.evaluate import evaluate_from_config
from fundus_unet.commands.export import export_from_config
from fundus_unet.commands.predict import predict_from_config
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.runs.train import resume_run, train_new_run
from running import ROOT, TINY

SECRET_NAME, SECRET = "FUNDUS_UNET_SECRET", "a4f0-the-secret"
SECONDS = 60
JSON_FILES = ("run.json", "training.json", "threshold.json")
CLASSES = (
    "os.system",
    "subprocess.Popen",
    "torch.load",
    "torch.nn.ReLU",
    "torch.nn.Linear",
    "torch.optim.LBFGS",
    "fundus_unet.models.unet.UNet",
    "fundus_unet.models.resnet_unet.ResNetUNet",
    "fundus_unet.models.network.PaddedNetwork",
    "fundus_unet.models.network.SegmentationNetwork",
    "fundus_unet.models.attention_gate.AttentionGate",
    "torchvision.models.resnet18",
    "fundus_unet.comparison.generators.vae.VAE",
    "fundus_unet.comparison.generators.elbo.ELBO",
    "fundus_unet.data.sets.folder.Folder",
    "fundus_unet.data.sets.synthetic.Synthetic",
    "fundus_unet.runs.run_directory.RunDirectory",
    "fundus_unet.upsampling.dysample.DySampleUpsampler",
    "fundus_unet.upsampling.upsampler.Upsampler",
    "lightning.pytorch.callbacks.ModelCheckpoint",
    "lightning.pytorch.loggers.CSVLogger",
)


def attempts(seed: int, count: int, folder: Path) -> list[Attempt]:
    """Damage a run `count` times below `folder`, and use what comes of it."""
    template = _template(folder)
    choose = random.Random(seed)
    return [_attempt(seed, number, choose, template, folder) for number in range(count)]


def _attempt(seed: int, number: int, choose: random.Random, template: Path, folder: Path) -> Attempt:
    run, outside = folder / "run", folder / "outside"
    for path in (run, outside, folder / "out", folder / "here"):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(template, run)
    outside.mkdir()
    (folder / "here").mkdir()
    (outside / "precious.txt").write_text("dear")
    use = choose.choice(list(_USES))
    if use == "resume":
        _interrupt(run)
    told = [choose.choice(_DAMAGES)(choose, run, outside) for _ in range(choose.choice((1, 1, 1, 2, 3)))]
    detail = f"seed {seed}, number {number}: {use} after {'; '.join(told)}"
    before = _outside(folder)
    failure, output = _used(_USES[use], run, folder)
    if failure is None and _outside(folder) != before:
        failure = OUTSIDE
    if failure is None and (SECRET in output or _tells_secret(run) or _tells_secret(folder / "out")):
        failure = OUTSIDE
    return Attempt("damaged run", detail, failure, output)


def _outside(folder: Path) -> dict[str, str]:
    """All but the run and the outputs of prediction."""
    kept = (path for path in folder.iterdir() if path.name not in ("run", "out"))
    return {f"{path.name}/{name}": found for path in kept for name, found in content(path).items()}


def _used(use: Callable[[Path, Path], None], run: Path, folder: Path) -> tuple[str | None, str]:
    """The failure, if there is one, and what was printed."""
    printed = io.StringIO()
    os.environ[SECRET_NAME] = SECRET
    try:
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
            contextlib.chdir(folder / "here"),
            limited(SECONDS),
        ):
            use(run, folder)
    except TooLongError:
        return HUNG, printed.getvalue()
    except SystemExit as stop:
        return None, f"{printed.getvalue()}\nexit {stop.code}"
    except Exception as error:
        message = explain(error, "train")
        if message is None:
            return TRACED, traceback.format_exc()
        return None, f"{printed.getvalue()}\nerror: {message}"
    finally:
        del os.environ[SECRET_NAME]
    return (TRACED if TRACEBACK in printed.getvalue() else None), printed.getvalue()


def _template(folder: Path) -> Path:
    """A finished run of two epochs."""
    template = folder / "template"
    if not template.exists():
        write_chasedb1(folder / "sets" / "CHASE_DB1")
        chosen = ["data=chasedb1", f"paths.data_dir={folder / 'sets'}", f"paths.run_dir={template}", *TINY]
        with contextlib.redirect_stdout(io.StringIO()):
            train_new_run(_composed("train", *chosen), {"data": "chasedb1", "upsampler": "transposed_k4s2p1"}, chosen)
    return template


def _interrupt(run: Path) -> None:
    """As if the training had been stopped in its second epoch."""
    (run / "threshold.json").unlink()
    (run / "checkpoints/previous.ckpt").replace(run / "checkpoints/last.ckpt")
    (run / "training.json").unlink()


def _composed(name: str, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        return compose(name, list(overrides))


def _evaluate(run: Path, folder: Path) -> None:
    evaluate_from_config(_composed("evaluate", f"run_dir={run}", "split=val"))


def _evaluate_last(run: Path, folder: Path) -> None:
    evaluate_from_config(_composed("evaluate", f"run_dir={run}", "split=val", "checkpoint=last"))


def _export(run: Path, folder: Path) -> None:
    export_from_config(_composed("export", f"run_dir={run}", "overwrite=true"))


def _predict(run: Path, folder: Path) -> None:
    image = folder / "sets/CHASE_DB1/Image_11L.jpg"
    predict_from_config(_composed("predict", f"run_dir={run}", f"images={image}", f"out_dir={folder / 'out'}"))


def _resume(run: Path, folder: Path) -> None:
    resume_run(RunDirectory(str(run)))


_USES = {"evaluate": _evaluate, "last": _evaluate_last, "export": _export, "predict": _predict, "resume": _resume}


def _values(choose: random.Random, outside: Path) -> Any:
    """One value that no one expects."""
    number = choose.choice((0, -1, 1, 5, 7.5, 1e308, 10**18, 10**400, float("nan"), float("inf"), True, False, None))
    text = choose.choice(
        (
            *("", "x" * 10_000, "../..", str(outside), str(outside / "new"), "null", "\x00", "ü€\u202e", "-", "???"),
            *(f"${{oc.env:{SECRET_NAME}}}", "${paths.run_dir}", "${model}", "${seed}", "${nowhere.at.all}", "${a:b}"),
            *("${oc.decode:1}", "${${seed}}", "${.seed}", "$", "~", "cuda", "gpu", "bf16-mixed", "mps", *CLASSES),
        )
    )
    nested: Any = [[[[]]], [1] * 2000, {"a": {"b": []}}, {}, [], [4, 8, 16], {"_target_": choose.choice(CLASSES)}]
    return choose.choice((number, text, choose.choice(nested)))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _change(choose: random.Random, tree: Any, outside: Path) -> tuple[Any, str]:
    """A tree with one value replaced, removed, added or swapped, and what was done."""
    tree = copy.deepcopy(tree)
    places = list(itertools.islice(_places(tree), 10_000))  # of an alias bomb there are more than memory holds
    if not places or choose.random() < 0.03:
        value = _values(choose, outside)
        return value, f"all={value!r:.60}"
    parent, key = choose.choice(places)
    kind = choose.random()
    if kind < 0.65:
        parent[key] = _values(choose, outside)
        return tree, f"{key}={parent[key]!r:.60}"
    if kind < 0.75:
        del parent[key]
        return tree, f"no {key}"
    if kind < 0.9:
        other, name = choose.choice(places)
        parent[key] = copy.deepcopy(other[name])
        return tree, f"{key} as {name}"
    value = _values(choose, outside)
    name = choose.choice(("dirpath", "save_dir", "_args_", "_convert_", "_recursive_", "default_root_dir", "<<", "a b"))
    if isinstance(parent, dict):
        parent[name] = value
    return tree, f"{name}={value!r:.60} beside {key}"


def _damage_config(choose: random.Random, run: Path, outside: Path) -> str:
    path = run / "config.yaml"
    with contextlib.suppress(Exception):
        tree, told = _change(choose, yaml.safe_load(path.read_text()), outside)
        path.write_text(yaml.safe_dump(tree, sort_keys=False, allow_unicode=choose.random() < 0.5))
        return f"config.yaml {told}"
    return "config.yaml as it was"


def _use_synthetic(choose: random.Random, run: Path, outside: Path) -> str:
    path = run / "config.yaml"
    root = choose.choice((str(outside), str(outside / "new"), "${paths.data_dir}/../outside/x", "synthetic", "/proc"))
    target = "fundus_unet.data.sets.synthetic.Synthetic"
    source: Any = {"_target_": target, "root": root, "train": 1, "val": 1, "test": 1, "size": 64, "seed": 0}
    if choose.random() < 0.3:
        mixed = {"_target_": "fundus_unet.data.sets.mixture.MixedSet", "source": source, "fov_diameter": 64}
        source = {
            "_target_": "fundus_unet.data.sets.mixture.Mixture",
            "sets": {choose.choice(("a", "..", "a/b")): mixed},
        }
    with contextlib.suppress(Exception):
        tree = yaml.safe_load(path.read_text())
        tree["data"]["source"] = source
        path.write_text(yaml.safe_dump(tree))
    return f"synthetic images in {root}"


def _damage_json(choose: random.Random, run: Path, outside: Path) -> str:
    path = run / choose.choice(JSON_FILES)
    with contextlib.suppress(Exception):
        tree, told = _change(choose, json.loads(path.read_text()), outside)
        path.write_text(json.dumps(tree))
        return f"{path.name} {told}"
    return f"{path.name} as it was"


def _damage_bytes(choose: random.Random, run: Path, outside: Path) -> str:
    path = choose.choice(sorted(path for path in run.rglob("*") if path.is_file() and path.parent.name != "figures"))
    data = bytearray(path.read_bytes())
    kind = choose.choice(("cut off", "bytes changed", "bytes put in", "emptied", "bytes taken out"))
    at = choose.randrange(len(data) + 1)
    if kind == "cut off":
        del data[at:]
    elif kind == "emptied":
        data.clear()
    elif kind == "bytes put in":
        data[at:at] = choose.randbytes(choose.choice((1, 3, 100)))
    elif kind == "bytes taken out":
        del data[at : at + choose.choice((1, 3, 100))]
    else:
        for _ in range(choose.choice((1, 3, 30)) if data else 0):
            data[choose.randrange(len(data))] = choose.randrange(256)
    path.unlink()
    path.write_bytes(bytes(data))
    return f"{path.name} {kind}"


def _replace_text(choose: random.Random, run: Path, outside: Path) -> str:
    path = run / choose.choice(("config.yaml", *JSON_FILES))
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    chain = "seed: ${a0}\n" + "".join(f"a{n}: ${{a{n + 1}}}${{a{n + 1}}}\n" for n in range(40)) + "a40: x\n"
    name, text = choose.choice(
        (
            ("a number", "5"),
            ("a list", "[1, 2]"),
            ("nothing", ""),
            ("an alias bomb", bomb + path.read_text() if path.exists() else bomb),
            ("a chain of references", chain + (path.read_text() if path.exists() else "")),
            ("deep nesting", "[" * 100_000),
            ("deep mappings", '{"a":' * 100_000),
            ("a tag", "!!python/object/apply:os.system [touch owned]"),
            ("a large file", "# " + "x" * 2_000_000),
            ("NaN", '{"threshold": NaN}'),
            ("two documents", "a: 1\n---\nb: 2\n"),
            ("a long number", "9" * 10_000),
            ("not UTF-8", "\udcff\udcfe"),
        )
    )
    path.unlink(missing_ok=True)
    path.write_bytes(text.encode(errors="surrogateescape"))
    return f"{path.name} is {name}"


def _put_link(choose: random.Random, run: Path, outside: Path) -> str:
    names = ("evaluation", "evaluation/val", "checkpoints", "tensorboard", "export", "synthetic", *JSON_FILES)
    name = choose.choice((*names, "config.yaml", "checkpoints/best.ckpt", "checkpoints/last.ckpt"))
    path = run / name
    target = choose.choice((outside, outside / "precious.txt", outside / "new", Path("/dev/zero"), path, run / "x"))
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    if choose.random() < 0.2:
        os.mkfifo(path)
        return f"{name} is a pipe"
    path.symlink_to(target)
    return f"{name} is a link to {target}"


def _damage_weights(choose: random.Random, run: Path, outside: Path) -> str:
    path = run / "checkpoints" / choose.choice(("best.ckpt", "last.ckpt"))
    with contextlib.suppress(Exception):
        state = torch.load(path, weights_only=True)
        name = choose.choice(sorted(state["state_dict"]))
        tensor = state["state_dict"][name].float()
        odd = {
            "NaN": torch.full_like(tensor, float("nan")),
            "infinity": torch.full_like(tensor, float("-inf")),
            "1e30": torch.full_like(tensor, 1e30),
            "-1": torch.full_like(tensor, -1.0),
            "another shape": torch.zeros(3, 5, 7),
            "vast": torch.zeros(1).expand(10**6, 10**6),
            "sparse": tensor.to_sparse(),
            "complex": tensor.to(torch.complex64),
            "a text": "weights",
            "nothing": None,
        }
        kind = choose.choice(list(odd))
        state["state_dict"][name] = odd[kind]
        torch.save(state, path)
        return f"{path.name} {name} is {kind}"
    return f"{path.name} as it was"


_DAMAGES = (
    *[_damage_config] * 8,
    *[_damage_json] * 2,
    *[_damage_bytes] * 2,
    _use_synthetic,
    _replace_text,
    _put_link,
    _damage_weights,
)


def _tells_secret(folder: Path) -> bool:
    return any(SECRET.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())
