"""The file config.yaml of a run, which may come from a stranger: read within bounds, and without anything that acts.

A value may refer to another one of the same file, `${paths.data_dir}/HRF`. That is all: no resolver (`${oc.env:HOME}`),
no alias, no tag.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes

MOST_BYTES, MOST_DEPTH, MOST_EVENTS, LONGEST_TEXT = 1_000_000, 20, 10_000, 4_000
MOST_STEPS = 10  # from a reference to the value it means
REFERENCE = re.compile(r"\$\{([A-Za-z_]\w*(?:\.\w+)*)\}")
KEY = re.compile(r"[\w.-]{1,100}")


def read_config(path: Path) -> DictConfig:
    """The configuration in a file; references between its own values are kept.

    Raises:
        InputError: Which names the file, for anything but plain values by name and such references.
    """
    try:
        text = read_bytes(path, MOST_BYTES).decode()
        _check_events(text)
        config = OmegaConf.load(io.StringIO(text))
        if not isinstance(config, DictConfig):
            raise InputError("it holds no settings by name", got=type(OmegaConf.to_container(config)).__name__)
        check_references(cast(dict[str, Any], OmegaConf.to_container(config)))
        OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except InputError as error:
        raise InputError(f"{path} is no training configuration: {error}", fix=_ADVICE) from error
    except (OSError, yaml.YAMLError, OmegaConfBaseException, ValueError, RecursionError) as error:
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else _short(error)
        raise InputError(f"{path} cannot be read: {reason}", fix=_ADVICE) from error
    return config


def portable(config: DictConfig) -> DictConfig:
    """A copy to be saved, which says the same to everyone and asks nothing of the machine that reads it.

    References between its own values stay; all other interpolations are replaced by what they give now.

    Raises:
        InputError: For a value that would be taken for an interpolation when it is read.
    """
    saved = config.copy()
    OmegaConf.set_readonly(saved, False)
    OmegaConf.set_struct(saved, False)
    saved.pop("trust", None)  # what its author trusts is no part of a run
    for node, key in list(_interpolations(config)):
        parent = OmegaConf.select(saved, node._get_full_key("")) if node._get_full_key("") else saved
        if _is_kept(config, node._get_node(key)._value()):
            continue
        value = node[key]
        parent[key] = OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
    try:
        check_references(cast(dict[str, Any], OmegaConf.to_container(saved)))
    except InputError as error:
        raise InputError(f"the configuration cannot be saved: {error}") from error
    return saved


def check_references(config: dict[str, Any]) -> None:
    """Raise `InputError`, which names the key, for a key, a text or a reference that is not plain."""
    lengths: dict[str, int] = {}
    for key, name, value in _leaves(config, ""):
        if not isinstance(name, str) or not KEY.fullmatch(name):
            raise InputError(f"{name!r:.100} is no name of a setting", got=f"below {key or 'the top'}")
        if isinstance(value, str):
            _check_text(config, key, value, lengths)


def _check_text(config: dict[str, Any], key: str, value: str, lengths: dict[str, int]) -> None:
    if value == "???":
        raise InputError(f"{key} has no value")
    if _length(config, key, value, lengths, ()) > LONGEST_TEXT:
        raise InputError(f"{key} is too long", expected=f"at most {LONGEST_TEXT} characters")


def _length(config: dict[str, Any], key: str, value: str, lengths: dict[str, int], seen: tuple[str, ...]) -> int:
    """The length of a text once its references are replaced by what they mean; each is followed once."""
    if "${" not in value:
        return len(value)
    rest = REFERENCE.sub("", value)
    if "$" in rest or "\\" in value:
        raise _no_reference(key, value)
    length = len(rest)
    for name in REFERENCE.findall(value):
        if name in seen or len(seen) >= MOST_STEPS:
            raise InputError(f"{key} refers to itself, or over too many steps", got=f"{value:.100}")
        if name not in lengths:
            meant = _meant(config, name)
            if isinstance(meant, dict | list | _Nothing):
                raise _no_reference(key, value)
            text = meant if isinstance(meant, str) else str(meant)
            lengths[name] = _length(config, name, text, lengths, (*seen, name))
        length += lengths[name]
    return length


class _Nothing:
    """What a name means that is not there; None is a value."""


def _meant(config: dict[str, Any], name: str) -> Any:
    value: Any = config
    for part in name.split("."):
        value = value.get(part, _Nothing()) if isinstance(value, dict) else _Nothing()
    return value


def _no_reference(key: str, value: str) -> InputError:
    return InputError(
        f"{key} asks for more than another setting",
        expected="plain values, and references such as ${paths.data_dir} to values of the same file",
        got=f"{key}={value:.100}",
    )


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any, Any]]:
    """(dotted key, last name, value) of everything below; list items go by the name of their list."""
    if isinstance(value, dict):
        for name, child in value.items():
            dotted = f"{key}.{name}".lstrip(".")
            yield dotted, name, child
            yield from _leaves(child, dotted)
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield f"{key}[{number}]", "item", child
            yield from _leaves(child, f"{key}[{number}]")


def _interpolations(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with a key whose value is an interpolation."""
    keys = range(len(node)) if isinstance(node, ListConfig) else list(node)
    for key in keys:
        if OmegaConf.is_interpolation(node, key):
            yield node, key
        elif OmegaConf.is_config(node._get_node(key)) and not OmegaConf.is_missing(node, key) and node[key] is not None:
            yield from _interpolations(node[key])


def _is_kept(config: DictConfig, text: str) -> bool:
    try:
        plain = cast(dict[str, Any], OmegaConf.to_container(config))
        _check_text(plain, "", text, {})
    except InputError:
        return False
    return True


def _check_events(text: str) -> None:
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if getattr(event, "anchor", None) is not None:
            raise InputError("it has an anchor or an alias, which training never writes", got=f"{event.anchor:.100}")
        if getattr(event, "tag", None) is not None:
            raise InputError("it has a tag, which training never writes", got=f"{event.tag:.100}")
        if depth > MOST_DEPTH or number > MOST_EVENTS:
            raise InputError("it is nested too deeply or too long for a configuration")


def _short(error: Exception) -> str:
    lines = (line.strip() for line in str(error).splitlines())
    return " ".join(lines)[:300] or type(error).__name__


_ADVICE = "use a run directory as training made it"
