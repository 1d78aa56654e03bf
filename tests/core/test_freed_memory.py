"""Large blocks that were freed stay with the process, or go back, as asked."""

import subprocess
import sys

import pytest

from fundus_unet.core.freed_memory import keep_freed_memory, return_freed_memory

CODE = """
import sys
from pathlib import Path
from fundus_unet.core.freed_memory import keep_freed_memory, return_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def after_a_large_block():
    block = bytearray(b"x") * 2**28
    del block
    return resident()

before = after_a_large_block()
assert keep_freed_memory()
kept = after_a_large_block()
assert return_freed_memory()
returned = resident()
print((kept - before) // 2**20, (returned - before) // 2**20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
def test_a_freed_block_stays_or_goes() -> None:
    if not keep_freed_memory():
        pytest.skip("this C library has no mallopt")
    return_freed_memory()
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    kept, returned = map(int, done.stdout.split())
    assert kept > 200
    assert returned < 50


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert not keep_freed_memory()
    assert not return_freed_memory()
