"""One file over HTTP, resumed where an earlier attempt ended."""

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from fundus_unet.core.files import PARTIAL, read_bytes, write_json
from fundus_unet.data.download.room import check_room, megabytes, told_when_full

ATTEMPTS = 3
"""In a row in which not a byte comes."""
WAIT = 1.0
"""Seconds before the second attempt; doubled for each further one."""
TIMEOUT = (15, 60)
"""Seconds: for a connection, and for the next bytes."""
_LATER = (requests.codes.request_timeout, requests.codes.too_many_requests)
_NUMBER = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")
_PIECE = 2**16
"""Bytes that are waited for before they are written: what an interruption may lose."""


class AddressError(Exception):
    """This address does not give the file; another one may. The message says why."""


class PassingError(AddressError):
    """A later attempt may succeed."""


class NoConnectionError(PassingError):
    """Not even an answer came."""


@dataclass
class ResumingDownload:
    """Loads one file into `partial` and, once it is whole, moves it where pooch asks for it.

    What has come stays in `partial` through interruptions of every kind. A later call asks for the rest, on the
    condition that the file is still the one that the first part is of; else it begins again.

    Args:
        partial: Its name ends in `.part`, and no reader takes it for data.
        limit: Bytes above which it cannot be the file.
        progress: Called with the bytes that are there and the size, or None where the server does not tell it.
    """

    partial: Path
    limit: int
    progress: Callable[[int, int | None], None] = lambda done, total: None

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """What pooch calls.

        Raises:
            AddressError: For an answer that is not the file, and where the connection does not hold.
            InputError: For a full disk.
        """
        failures, reason = 0, ""
        while failures < ATTEMPTS:
            if failures:
                time.sleep(WAIT * 2 ** (failures - 1))
            before = self._size()
            try:
                if self._load(url):
                    os.replace(self.partial, output_file)
                    self._origin.unlink(missing_ok=True)
                    return
                reason = "the connection ended before the file did"
            except (requests.ConnectionError, requests.Timeout) as error:
                if not self._size() and failures + 1 == ATTEMPTS:
                    raise NoConnectionError(_reason(error)) from error
                reason = _reason(error)
            except requests.RequestException as error:  # an address that is none, too many redirects
                raise AddressError(_reason(error)) from error
            failures = 1 if self._size() > before else failures + 1
        raise PassingError(f"{reason}; {megabytes(self._size())} came and are kept")

    @property
    def _origin(self) -> Path:
        """What `partial` is a part of."""
        return self.partial.with_name(f"{self.partial.name.removesuffix(PARTIAL)}.from")

    def _size(self) -> int:
        return self.partial.stat().st_size if self.partial.exists() else 0

    def _load(self, url: str) -> bool:
        """Ask for what is missing; whether the file is whole then."""
        start, condition = self._size(), self._condition(url)
        # what a server would pack only for the way has another size than it tells
        headers = {"Accept-Encoding": "identity"}
        if start and condition:
            headers |= {"Range": f"bytes={start}-", "If-Range": condition}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                whole = re.fullmatch(r"bytes \*/(\d+)", answer.headers.get("Content-Range", ""))
                if whole and int(whole[1]) == start:
                    return True
                self.partial.unlink(missing_ok=True)
                return False
            self._check(answer)
            start, total = self._place(answer, start)
            if total is not None and total > self.limit:
                raise AddressError(f"it has {megabytes(total)}, more than this file can have")
            self.partial.parent.mkdir(parents=True, exist_ok=True)
            if total is not None:
                check_room(self.partial.parent, total - start)
            if not start:
                write_json(self._origin, {"url": url, "condition": _condition_of(answer)})
            with told_when_full(self.partial.parent, (total or self.limit) - start):
                return self._write(answer, start, total)

    def _write(self, answer: requests.Response, start: int, total: int | None) -> bool:
        done = start
        with self.partial.open("r+b" if start else "wb") as file:
            file.seek(start)
            try:
                for piece in answer.raw.stream(_PIECE, decode_content=False):
                    file.write(piece)
                    file.flush()
                    done += len(piece)
                    self.progress(done, total)
                    if done > self.limit:
                        self.partial.unlink()
                        raise AddressError(f"it is larger than {megabytes(self.limit)}")
            except HTTPError as error:
                if total is None:  # the end cannot be told from a break
                    raise requests.ConnectionError(error) from error
            file.truncate()
        return total is None or done == total

    def _check(self, answer: requests.Response) -> None:
        if answer.status_code not in (requests.codes.ok, requests.codes.partial_content):
            kind = PassingError if answer.status_code >= 500 or answer.status_code in _LATER else AddressError
            raise kind(f"HTTP {answer.status_code} {answer.reason}")
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise AddressError("a web page came in place of the file")

    def _place(self, answer: requests.Response, asked: int) -> tuple[int, int | None]:
        """Where the bytes that come begin, and the size of the whole file, None where the server does not tell it."""
        length = answer.headers.get("Content-Length", "")
        coming = int(length) if _NUMBER.fullmatch(length) else None
        if answer.status_code == requests.codes.ok:
            return 0, coming
        place = _RANGE.match(answer.headers.get("Content-Range", ""))
        if not place or int(place[1]) != asked:
            self.partial.unlink(missing_ok=True)
            raise AddressError("the server sent another part of the file than was asked for")
        if place[2] == "*":
            return asked, None if coming is None else asked + coming
        return asked, int(place[2])

    def _condition(self, url: str) -> str:
        """What tells that the file at the address is still the same; empty where nothing does."""
        try:
            origin: Any = json.loads(read_bytes(self._origin, 2**16))
            condition = str(origin["condition"] or "") if origin["url"] == url else ""
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            return ""
        return condition if condition.isascii() and condition.isprintable() else ""


def _condition_of(answer: requests.Response) -> str | None:
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified")


def _reason(error: Exception) -> str:
    """The innermost cause, in a line."""
    text = str(error)
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    for sign, words in (
        ("NameResolutionError", "the name of the server was not found"),
        ("Connection refused", "the connection was refused"),
        ("Network is unreachable", "there is no network"),
    ):
        if sign in text:
            return words
    return text.rpartition(": ")[2].strip("()'\"")[:200] or type(error).__name__
