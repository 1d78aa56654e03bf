"""The program `fundus-unet`: its words, and the help of every command."""

import subprocess
import sys
from pathlib import Path

import pytest

import fundus_unet
from fundus_unet.commands import program
from fundus_unet.commands.config_files import CONFIG_DIR, group_names, group_options
from fundus_unet.commands.help_text import help_text, settings
from fundus_unet.commands.settings import SCRIPTS
from fundus_unet.commands.settings_training import SCRIPTS_THAT_TRAIN
from fundus_unet.core.invocation import command, recorded, script_name, set_running
from running import ROOT


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/fundus-unet", *arguments])
    program.main()


def test_every_command_has_a_script_settings_and_a_configuration():
    names = {script_name(name) for name in program.COMMANDS}
    assert names == {path.stem for path in (ROOT / "scripts").glob("*.py")}
    assert names == SCRIPTS.keys() | SCRIPTS_THAT_TRAIN.keys() == {path.stem for path in CONFIG_DIR.glob("*.yaml")}


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["compare"], ["compare", "--help"]], ids=" ".join)
def test_the_commands_are_listed(monkeypatch, capsys, arguments) -> None:
    run(monkeypatch, *arguments)
    out = capsys.readouterr().out
    assert "compare speed" in out
    assert ("predict" in out) == (arguments[:1] != ["compare"])
    assert max(map(len, out.splitlines())) <= 80


def test_an_interruption_while_the_program_loads_is_one_word(monkeypatch, capsys) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "share_processor", interrupted)
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, "data", "get", "chasedb1")
    assert stop.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["predicx"], "'predict'"),
        (["compare", "sped"], "'compare speed'"),
        (["images=a.jpg"], "choose one of: benchmark"),
    ],
    ids=str,
)
def test_an_unknown_command_gets_a_suggestion(monkeypatch, capsys, arguments, advice) -> None:
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, *arguments)
    assert stop.value.code == 2
    assert advice in capsys.readouterr().err


def test_the_version(monkeypatch, capsys) -> None:
    run(monkeypatch, "--version")
    assert capsys.readouterr().out == f"fundus-unet {fundus_unet.__version__}\n"


def test_a_command_is_given_what_follows_its_words(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(program.STARTED_COMMAND, raising=False)
    given = []
    monkeypatch.setitem(program.COMMANDS, "compare speed", given.append)
    run(monkeypatch, "compare", "speed", "seed=7")
    assert given[0].seed == 7
    assert recorded() == ["fundus-unet", "compare", "speed", "seed=7"]
    monkeypatch.setenv("LOCAL_RANK", "1")  # a process that Lightning starts with the same arguments
    run(monkeypatch, "seed=8")
    assert given[1].seed == 8
    monkeypatch.delenv(program.STARTED_COMMAND)


@pytest.mark.parametrize("name", program.COMMANDS)
def test_help_lists_own_settings_with_a_line_each(name) -> None:
    path = CONFIG_DIR / f"{script_name(name)}.yaml"
    text = help_text(name)
    assert max(map(len, text.splitlines())) <= 80
    for key, value, meaning in settings(path):
        if key not in group_names():  # a choice is listed with its options
            assert meaning, f"{key} says nothing of itself"
            assert f"  {key}={value}" in text
    assert "_self_" not in text
    assert "_loading" not in text
    assert "${" not in text


def test_help_lists_the_choices() -> None:
    text = help_text("train")
    assert all(option in text for group in ("upsampler", "data", "model") for option in group_options(group))
    assert "data=synthetic" in text
    assert f"{command('train')} --help" in help_text("compare accuracy")


@pytest.mark.parametrize("name", program.COMMANDS)
def test_help_needs_no_torch(name) -> None:
    code = f"import sys; sys.argv[1:] = {name.split()!r} + ['--help']\nfrom fundus_unet.commands.program import main\n"
    code += "main(); sys.exit(int('torch' in sys.modules or 'hydra' in sys.modules))"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert "usage:" in finished.stdout


def test_options_of_the_user_are_listed_and_suggested(scripts, tmp_path) -> None:
    own = tmp_path / "mine" / "upsampler"
    own.mkdir(parents=True)
    bicubic = (CONFIG_DIR / "upsampler/bilinear_conv.yaml").read_text().replace("mode: bilinear", "mode: bicubic")
    (own / "smoother.yaml").write_text(bicubic)
    explained = scripts("explain_upsampling", "--config-dir", str(tmp_path / "mine"), "upsampler=smoother", "size=3")
    assert explained.code == 0
    assert "smoother" in explained.out
    refused = scripts("explain_upsampling", f"--config-dir={tmp_path / 'mine'}", "upsampler=smother", "size=3")
    assert refused.code == 2
    assert "did you mean 'smoother'" in refused.err


class TestCommandsThatArePrinted:
    def test_of_a_script(self, monkeypatch, tmp_path) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["scripts/train.py"])
        monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv/bin/python"))
        assert command("explain", "name=it's (2)") == (
            ".venv/bin/python scripts/explain_upsampling.py 'name=it'\"'\"'s (2)'"
        )

    def test_of_the_program(self, monkeypatch, tmp_path) -> None:
        path = tmp_path / "bin/fundus-unet"
        path.parent.mkdir()
        path.touch(mode=0o755)
        monkeypatch.setattr(sys, "argv", [str(path)])
        assert command("compare speed") == f"{path} compare speed"
        monkeypatch.setenv("PATH", str(path.parent))
        assert command("compare speed") == "fundus-unet compare speed"

    def test_what_is_recorded_names_no_place_of_this_machine(self, monkeypatch) -> None:
        monkeypatch.setattr(sys, "argv", [str(Path.home() / "bin/fundus-unet"), "paths.data_dir=/mine", "seed=1"])
        set_running("train")
        assert recorded() == ["fundus-unet", "train", "seed=1"]
