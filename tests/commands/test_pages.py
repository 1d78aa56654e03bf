"""What the pages say: every command composes, every Python example runs, every link leads somewhere, none is long."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from PIL import Image

from data.layouts import draw
from fundus_unet.commands.program import COMMANDS, overrides_of
from fundus_unet.commands.settings import check_settings
from fundus_unet.core.invocation import script_name
from running import ROOT

PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("weights/*/*.md"))
    if path.name != "CHANGELOG.md"
)
LONGEST = {"README.md": 700, "CONTRIBUTING.md": 1100, "faults.md": 900}
"""Words; a page is read in three minutes, but for three that are looked things up in."""
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]


def blocks(page: Path, *languages: str) -> list[str]:
    return re.findall(rf"^```(?:{'|'.join(languages)})\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def commands() -> list[tuple[str, list[str]]]:
    found = []
    for page in PAGES:
        for line in "\n".join(blocks(page, "bash", "sh")).replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:2] == ["docker", "run"]:
                words = words[words.index("fundus-unet") :]  # the image, whose entry point is the program
            if any(word.startswith("$") for word in words):
                continue
            if words[:1] == ["srun"]:
                words = words[words.index("fundus-unet") :]
            if words[:1] == ["fundus-unet"]:
                count = next(n for n in (2, 1) if " ".join(words[1 : 1 + n]) in COMMANDS)
                found.append((" ".join(words[1 : 1 + count]), words[1 + count :]))
            elif words[:1] == ["python"] and words[1].startswith("scripts/"):
                names = {script_name(name): name for name in COMMANDS}
                found.append((names[Path(words[1]).stem], words[2:]))
            elif words[:2] == ["make", "train"]:
                arguments = next((word for word in words if word.startswith("ARGS=")), "")
                found.append(("train", shlex.split(arguments.removeprefix("ARGS="))))
    return found


def test_commands_are_found() -> None:
    assert {name for name, _ in commands()} == COMMANDS.keys()
    assert len(commands()) > 30


@pytest.mark.parametrize(("name", "arguments"), commands(), ids=lambda value: str(value))
def test_a_command_composes(name: str, arguments: list[str]) -> None:
    overrides = overrides_of(name, arguments)
    if overrides[:1] == ["-m"]:
        overrides = [_first_value(override) for override in overrides[1:]]  # the first job of the sweep
    if "--help" in overrides or "--cfg" in overrides:
        return
    if name == "explain":
        overrides = [*overrides, "name=any"]  # only Hydra's own entry can tell it
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = compose(script_name(name), overrides)
    check_settings(config, script_name(name))
    if name == "train" and isinstance(config.trainer.devices, int):
        assert config.data.batch_size % (config.trainer.devices * config.trainer.get("num_nodes", 1)) == 0


def _first_value(override: str) -> str:
    """Of a choice, or of an interval that is searched."""
    interval = re.fullmatch(r"([^=]+)=(?:tag\(log,)?interval\(([^,]+),[^)]+\)+", override)
    return f"{interval[1]}={interval[2]}" if interval else override.split(",")[0]


@pytest.mark.parametrize("page", ["README.md", "docs/predict.md"])
def test_python_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(draw(1)[0]).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    (example,) = blocks(ROOT / page, "python")
    names: dict[str, object] = {}
    exec(example, names)
    assert names["maps"].mask.shape == names["maps"].probability.shape == names["maps"].field_of_view.shape


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("http"):
            path, _, anchor = target.partition("#")
            linked = (page.parent / path).resolve() if path else page
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked), target


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_page_is_long(page: Path) -> None:
    assert len(page.read_text().split()) <= LONGEST.get(page.name, 850)
