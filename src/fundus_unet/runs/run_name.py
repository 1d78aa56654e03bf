"""What a run is called: its data, its network, its upsampler, whatever else was changed, and its seed."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

LONGEST_NAME, LONGEST_WORD = 80, 32
SAID = ("data", "model", "upsampler", "seed")
"""Choices that a name says by themselves."""
SILENT = (
    *("paths", "hydra", "resume", "trust", "final_split", "logger", "data.workers", "data.memory_limit_gb"),
    *(f"callbacks.{name}" for name in ("progress", "figures", "learning_rate")),
    *(f"trainer.{name}" for name in ("accelerator", "devices", "num_nodes", "strategy")),
    *(f"trainer.{name}" for name in ("log_every_n_steps", "num_sanity_val_steps")),
    *(f"trainer.enable_{name}" for name in ("model_summary", "progress_bar")),
)
"""Settings that change where a run goes and what it shows, and not what is learned."""
QUOTES = "\"'"
_UPSAMPLER = "model.upsampler."


def changes(overrides: Iterable[str]) -> list[str]:
    """The overrides that make a run another than its chosen data, model, upsampler and seed say, as they were typed."""
    return [item for item in overrides if not is_silent(_key(item)) and _key(item) not in SAID]


def is_silent(key: str) -> bool:
    """Whether a setting changes where a run goes and what it shows alone."""
    return _is_below(key, SILENT)


def upsampler_name(choices: Mapping[str, Any], overrides: Iterable[str]) -> str | None:
    """The chosen upsampler with what was changed of it: `bilinear_conv mode=bicubic`; None where there is none."""
    if choices.get("upsampler") is None:
        return None
    changed = [item.removeprefix(_UPSAMPLER) for item in map(_plain, overrides) if item.startswith(_UPSAMPLER)]
    return " ".join([str(choices["upsampler"]), *changed])


def run_name(choices: Mapping[str, Any], overrides: Iterable[str], seed: int) -> str:
    """The name of a run, for a directory: safe characters, at most `LONGEST_NAME` of them.

    Where they are more, words are cut or left out, and a number made of all changes stands for them.
    """
    found = changes(overrides)
    upsampler = upsampler_name(choices, overrides)
    chosen = [choices.get("data"), choices.get("model"), upsampler]
    others = [item for item in found if not _plain(item).startswith(_UPSAMPLER)]
    words = [safe_name(str(word)) for word in chosen if word is not None] + [_word(item, choices) for item in others]
    full = "_".join([*words, f"seed{seed}"])
    if len(full) <= LONGEST_NAME:
        return full
    digest = hashlib.sha256("\n".join(found).encode()).hexdigest()[:8]
    words = [word[:LONGEST_WORD] for word in words]
    while len("_".join([*words, digest, f"seed{seed}"])) > LONGEST_NAME:
        words.pop()
    return "_".join([*words, digest, f"seed{seed}"])


def _word(override: str, choices: Mapping[str, Any]) -> str:
    """`widths-4-8` for `model.widths=[4,8]`; the option alone where one was chosen from a group."""
    key, value = _key(override), _plain(override).partition("=")[2]
    name = key.rpartition(".")[2]
    if override.startswith("~"):
        return safe_name(f"no-{name}")
    if name == "start_from":  # the path above it may be long
        return safe_name(f"from-{PurePath(value.strip(QUOTES)).name}")
    if name == "_target_":
        return safe_name(value.rpartition(".")[2])
    return safe_name(value if key in choices else f"{name}-{value}")


def safe_name(text: str) -> str:
    """A text as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-.")


def _plain(override: str) -> str:
    return override.lstrip("+~")


def _key(override: str) -> str:
    return _plain(override).partition("=")[0].partition("@")[0]


def _is_below(key: str, settings: Iterable[str]) -> bool:
    return any(f"{key}.".startswith(f"{one}.") for one in settings)
