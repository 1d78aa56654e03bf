"""One training at a time in a run directory: two would write over each other's checkpoints."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fundus_unet.core.lock import take

try:
    import fcntl
except ImportError:  # Windows: without the lock
    fcntl = None  # type: ignore[assignment]

LOCK = ".training.lock"


@contextmanager
def training_in(run_dir: Path) -> Iterator[None]:
    """Hold the run directory's lock, which the system takes back however this process ends.

    It is one of the process alone: processes that it forks do not hold it after its end.

    Raises:
        InputError: Where another process trains in that directory.
    """
    if fcntl is None:
        yield
        return
    with (run_dir / LOCK).open("ab") as file:
        take(
            lambda: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB),
            f"another process is training in {run_dir}",
            fix="wait for its end, or stop it; then give the command again",
        )
        yield
