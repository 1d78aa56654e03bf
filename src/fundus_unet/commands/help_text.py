"""What `COMMAND --help` prints: the command's own settings, each with the comment beside it in its configuration."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from fundus_unet.commands.config_files import CONFIG_DIR, group_options
from fundus_unet.core.invocation import command, script_name

WIDTH, COLUMN = 80, 30
FIRST = {"predict": "IMAGE... ", "data get": "[SET] ", "data check": "SET ", "summarize": "[FOLDER] "}
"""What may stand alone after the words of a command."""
NOT_LISTED = {"hydra", "paths", "_self_"}
_SETTING = re.compile(r"(?P<indent> *)(?P<key>\w+):(?: (?P<value>[^#\n]*?))?(?: {2}# (?P<comment>.*))?")
_DEFAULT = re.compile(r" +- (?P<group>\w+)(?:: (?P<option>\w+))?(?: {2}# .*)?")


def help_text(name: str) -> str:
    """The help of a command."""
    path = CONFIG_DIR / f"{script_name(name)}.yaml"
    groups, included = _defaults(path)
    parts = [
        textwrap.fill(_summary(path), WIDTH, break_on_hyphens=False),
        f"usage: {command(name)} {FIRST.get(name, '')}[KEY=VALUE ...]",
        "settings:\n" + "\n".join(_row(*setting) for setting in settings(path) if setting[0] not in groups),
    ]
    if groups:
        rows = "\n".join(_row(group, option, _options(group)) for group, option in groups.items())
        parts.append(f"choices, each of one word:\n{rows}")
    for other in included:
        parts.append(f"and every setting and choice of:\n  {command(other)} --help")
    parts.append(_flags(name, bool(groups or included), trains=name == "train"))
    return "\n\n".join(filter(None, parts))


def settings(path: Path) -> Iterator[tuple[str, str, str]]:
    """Dotted key, default and comment of every setting in a configuration file, but for its list of defaults."""
    text = re.sub(r"^defaults:\n(?: +- .*\n)+", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if path.stem == "train":
        text += "paths:\n" + textwrap.indent((CONFIG_DIR / "paths" / "default.yaml").read_text(encoding="utf-8"), "  ")
    above: list[str] = []
    for line in text.splitlines():
        found = _SETTING.fullmatch(line)
        if not found:
            continue
        above = [*above[: len(found["indent"]) // 2], found["key"]]
        if found["value"]:
            value = re.sub(r"\$\{[\w.:]*?(\w+)\}", lambda other: other[1].upper(), found["value"])
            yield ".".join(above), value, found["comment"] or ""


def _summary(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = lines[: next(number for number, line in enumerate(lines) if not line.startswith("#"))]
    return " ".join(line.removeprefix("# ") for line in comments)


def _defaults(path: Path) -> tuple[dict[str, str], list[str]]:
    """The groups with the option that is taken, and other commands whose settings are included."""
    groups, included = {}, []
    for line in path.read_text(encoding="utf-8").splitlines():
        found = _DEFAULT.fullmatch(line)
        if found and found["group"] not in NOT_LISTED:
            if found["option"]:
                groups[found["group"]] = found["option"]
            else:
                included.append(found["group"])
    return groups, included


def _options(group: str) -> str:
    return ", ".join(group_options(group))


def _row(key: str, value: str, comment: str) -> str:
    return _beside(f"{key}={value.strip()}", comment)


def _beside(typed: str, meaning: str) -> str:
    """What is typed, and what it means beside it, or below where it is long."""
    lines = textwrap.wrap(meaning, WIDTH - COLUMN, break_on_hyphens=False) or [""]
    start = f"  {typed}"
    if len(start) < COLUMN - 1:
        start = f"{start:{COLUMN}}{lines.pop(0)}"
    return "\n".join([start.rstrip(), *(f"{'':{COLUMN}}{line}" for line in lines if line)])


def _flags(name: str, choices: bool, trains: bool) -> str:
    """What else can be given, where there is something to choose."""
    rows = {}
    if trains:
        rows["trainer.max_epochs=40 data.patch_size=128"] = "settings below a choice have dotted names"
        rows["-m seed=0,1,2 upsampler=bilinear_conv,dysample"] = "a run for each combination"
    if choices:
        rows[f"{command(name)} --cfg job"] = "lists the settings below the choices too"
        rows["--config-dir FOLDER"] = "adds choices of your own: FOLDER/upsampler/mine.yaml"
    return "\n".join(_beside(typed, meaning) for typed, meaning in rows.items())
