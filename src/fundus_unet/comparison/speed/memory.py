"""Peak memory of a workload, in a process of its own: this one keeps what earlier measurements asked for."""

import multiprocessing
import pickle
import signal
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path

import torch

from fundus_unet.comparison.speed.row import one_line
from fundus_unet.comparison.speed.workload import Workload

STEPS = 3  # the first makes the optimizer's state
MEBIBYTE = 1 << 20
COMPILER = "a compiler in the same process needs more of it than the network"


@dataclass(frozen=True)
class PeakMemory:
    """What three steps needed.

    Args:
        process_bytes: The growth of the process's memory from before the first step to its peak: feature maps,
            gradients and the optimizer's state, not weights, inputs or libraries; and what the allocator keeps of
            freed blocks, which can be as much as the blocks.
        accelerator_bytes: The most that tensors took on the GPU at once, weights and inputs included; None on the
            CPU.
        reason: Tells why something is missing.
    """

    process_bytes: int | None = None
    accelerator_bytes: int | None = None
    reason: str | None = None


def peak_memory(workload: Workload) -> PeakMemory:
    """Run the workload in a fresh process with as many threads as torch has here."""
    if workload.conditions.compiled and workload.conditions.device == "cpu":
        return PeakMemory(reason=COMPILER)
    context = _context()
    receiver, sender = context.Pipe(duplex=False)
    # pickled here: handed over as they are, tensors would lie in memory that both processes share
    arguments = (sender, pickle.dumps(workload), torch.get_num_threads())
    process = context.Process(target=_answer, args=arguments, daemon=True)
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        return PeakMemory(reason=f"the measuring process ended with exit code {process.exitcode}")
    finally:
        process.kill()
        process.join()


def _context() -> ForkServerContext | SpawnContext:
    """A server that has imported torch once and forks a fresh process per measurement, where the system has that."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _answer(sender: Connection, pickled: bytes, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and ends this process
    try:
        torch.set_num_threads(threads)
        memory = measure_here(pickle.loads(pickled))
    except Exception as error:
        memory = PeakMemory(reason=one_line(error))
    sender.send(memory)


def measure_here(workload: Workload) -> PeakMemory:
    """Measure in this process, which should be fresh."""
    conditions = workload.conditions
    warm_up = workload.tiny().prepare(compiled=False)
    warm_up()  # what libraries make for themselves at their first use is not the workload's memory
    del warm_up
    step = workload.prepare(conditions.compiled)
    if conditions.compiled:
        step()
    if conditions.device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    ballast, before = fill_to_peak()
    code = code_bytes()
    for _ in range(STEPS):
        step()
    if conditions.device == "cuda":
        torch.cuda.synchronize()
    grown = peak_resident_bytes() - before - (code_bytes() - code)
    del ballast
    return PeakMemory(
        None if conditions.compiled else grown,
        torch.cuda.max_memory_allocated() if conditions.device == "cuda" else None,
        f"of the process: {COMPILER}" if conditions.compiled else None,
    )


def fill_to_peak() -> tuple[list[bytes], int]:
    """Take memory until the process is at its own past peak, so that all it takes from then on raises the peak.

    Returns:
        What was taken, to be kept meanwhile, and the peak in bytes.
    """
    before = peak_resident_bytes()
    ballast: list[bytes] = []
    while peak_resident_bytes() <= before:
        ballast.append(b"\x01" * MEBIBYTE)
    return ballast, peak_resident_bytes()


def peak_resident_bytes() -> int:
    """The most physical memory that this process has had at once."""
    peak = _status("VmHWM")
    if peak is not None:
        return peak
    import resource  # not on Windows; on Linux second choice, as it starts at the size of who started this process

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def code_bytes() -> int:
    """Memory filled from files: the libraries' code, as far as it was used. 0 where the system does not tell."""
    return _status("RssFile") or 0


def _status(field: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{field}:")), None)
