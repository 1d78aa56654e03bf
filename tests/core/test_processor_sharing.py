"""How long threads spin is set before torch is there, and never against the user's choice."""

import os
import subprocess
import sys

import pytest

from fundus_unet.core.processor_sharing import SPINS, share_processor


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [({}, str(SPINS)), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, None)],
)
def test_what_the_user_chose_stays(monkeypatch, chosen, expected):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    share_processor()
    assert os.environ.get("GOMP_SPINCOUNT") == expected
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)  # what share_processor itself set


def test_it_is_set_before_torch_is_imported():
    code = (
        "import os, sys\n"
        "from fundus_unet.commands import program\n"
        "import fundus_unet.commands.entry as entry\n"
        "entry.run_with_config = lambda *_: print('torch' in sys.modules, os.environ['GOMP_SPINCOUNT'])\n"
        "sys.argv = ['train.py']\n"
        "program.run_command('train')\n"
    )
    env = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.split() == ["False", str(SPINS)]
