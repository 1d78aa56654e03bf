import os
import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest
import torch
from PIL import Image

pytest.register_assert_rewrite("running")

from data.layouts import write_chasedb1  # noqa: E402
from running import Scripts  # noqa: E402

torch.set_num_threads(1)  # on tensors this small, threads only wait for each other
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the same in processes that tests start

Image.preinit()  # registers how each format is saved
_save_png = Image.SAVE["PNG"]


def _save_png_fast(image: Image.Image, file: object, name: str | bytes) -> None:
    """Pixels are the same; to make figures small was a quarter of what a tiny training took."""
    image.encoderinfo = {**image.encoderinfo, "optimize": False, "compress_level": 1}
    _save_png(image, file, name)


Image.SAVE["PNG"] = _save_png_fast

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # of a shell's background job; the processes of tests would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images, which are not part of the repository."""
    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("FUNDUS_REAL_DATA", root.parent / "shared" / "datasets"))
    if not folder.is_dir():
        pytest.skip(f"no real images in {folder}; FUNDUS_REAL_DATA may name another folder")
    return folder


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs of `Scripts.tiny_run` and their images are kept."""
    folder = tmp_path_factory.mktemp("shared")
    write_chasedb1(folder / "sets" / "CHASE_DB1")
    return folder


@pytest.fixture
def scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shared: Path
) -> Scripts:
    """Scripts called in a new folder, which holds `sets/CHASE_DB1`, a tiny generated set of the real layout."""
    shutil.copytree(shared / "sets", tmp_path / "sets")
    return Scripts(tmp_path, monkeypatch, capsys, shared)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a module keeps the runs that its tests share; made by the first of them."""
    return tmp_path_factory.mktemp("kept") / "runs"


FORKING = ("test_disks.py", "test_inputs.py", "test_kills.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Attacks that fork this process come first: torch refuses autograd in a child whose parent has used it.

    With several workers, `--dist loadfile --no-loadscope-reorder` keeps them first in each.
    """
    for item in items:
        if item.get_closest_marker("gpu") and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="there is no GPU that torch can use"))
    items.sort(key=lambda item: not (item.path.name in FORKING and item.path.parent.name == "faults"))
    times: Counter[str] = Counter()
    for item in items:
        if item.get_closest_marker("faults"):
            item.add_marker("slow")  # so that `-m "not slow"` leaves them out too
        function = item.nodeid.partition("[")[0]
        times[function] += 1
        # Python 3.11 runs at half the speed where coverage is measured, and these hardly reach lines that others do not
        repeats = times[function] > 2 or hasattr(getattr(item, "obj", None), "hypothesis")
        if repeats or item.get_closest_marker("slow") or item.path.parent.name in ("faults", "external"):
            item.add_marker("no_cover")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that draws at random draws the same whatever ran before it."""
    torch.manual_seed(0)
