"""A file from the first of its addresses that gives it, verified."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import PARTIAL
from fundus_unet.data.download.checksums import sha256_of
from fundus_unet.data.download.http_download import (
    AddressError,
    NoConnectionError,
    PassingError,
    ResumingDownload,
)


def fetch(
    urls: Sequence[str],
    path: Path,
    limit: int,
    sha256: str | None = None,
    fix: str | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> str | None:
    """Load a file, unless it is there with that sum; give the address that it came from, None where it was there.

    Units:
        `limit` is bytes.

    Args:
        urls: Mirrors, in the order in which they are tried.
        sha256: None: whatever comes whole is taken.
        fix: What to do where no address gives the file.

    Raises:
        InputError: That names every address and what is wrong with it; for a full disk.
    """
    if path.is_file() and (sha256 is None or sha256_of(path) == sha256):
        return None
    import pooch  # with the extra `train`, as its `requests`

    pooch.get_logger().setLevel(logging.WARNING)
    partial = path.with_name(f"{path.name}{PARTIAL}")
    failures: dict[str, AddressError] = {}
    for url in urls:
        try:
            pooch.retrieve(
                url,
                known_hash=sha256 and f"sha256:{sha256}",
                fname=path.name,
                path=path.parent,
                downloader=ResumingDownload(partial, limit, progress),
            )
            return url
        except InputError:
            raise
        except AddressError as error:
            failures[url] = error
        except ValueError:  # pooch's, of a sum that is another
            failures[url] = AddressError("its content is another than the published one (SHA-256)")
    none_answered = all(isinstance(error, NoConnectionError) for error in failures.values())
    if any(isinstance(error, PassingError) for error in failures.values()):
        fix = "; or ".join(filter(None, ("give the same command again, which goes on where this ended", fix)))
    raise InputError(
        f"{path.name} cannot be loaded{': no server can be reached' if none_answered else ''}",
        got="\n    ".join(["", *(f"{url}: {error}" for url, error in failures.items())]),
        fix=fix,
    )
