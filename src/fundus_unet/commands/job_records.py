"""How jobs that ran in other processes ended: a file each, which the process that started them takes away."""

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from fundus_unet.commands.multirun import Job
from fundus_unet.core.files import read_bytes, write_json

FOLDER = ".jobs"
LARGEST = 100_000  # bytes


def add_record(folder: Path, key: str, number: int, job: Job) -> None:
    """Say how a job ended to the multirun of that key; a job that is carried out again replaces its record."""
    write_json(folder / FOLDER / key / f"{number}.json", asdict(job))


def read_records(folder: Path, key: str) -> dict[int, Job]:
    """What the jobs of a multirun said, by their numbers."""
    found = {}
    for path in (folder / FOLDER / key).glob("*.json"):
        with suppress(OSError, ValueError, TypeError):  # another program's file
            found[int(path.stem)] = Job(**json.loads(read_bytes(path, LARGEST)))
    return found


def take_records(folder: Path, key: str) -> dict[int, Job]:
    """As `read_records`, and remove them."""
    found = read_records(folder, key)
    records = folder / FOLDER / key
    for number in found:
        (records / f"{number}.json").unlink(missing_ok=True)
    with suppress(OSError):
        records.rmdir()
        records.parent.rmdir()  # where no other multirun uses it
    return found
