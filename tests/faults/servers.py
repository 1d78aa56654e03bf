"""Attack the download: servers that answer anything at all, with what an earlier call left changed by somebody."""

import contextlib
import gzip
import hashlib
import random
import re
import shutil
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from faults.attempt import CORRUPT, HUNG, LOST, OUTSIDE, TRACED, Attempt, TooLongError, content, limited
from fundus_unet.core.errors import InputError
from fundus_unet.data.download.fetch import fetch

DATA = random.Random(0).randbytes(150_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
LIMIT = 300_000
SECONDS = 30
"""After so long an attempt hangs."""

Send = Callable[[bytes], object]
Answer = Callable[[Send, int, bytes], None]
"""Sends an answer, given where the asked bytes begin (0: all are asked for) and the request."""


def _head(status: str = "200 OK", **fields: object) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *lines, "", ""]).encode("latin-1")


def _bytes(answer: bytes) -> Answer:
    return lambda send, start, request: send(answer)


def _honest(send: Send, start: int, request: bytes) -> None:
    if start:
        send(_head("206 Partial", Content_Range=f"bytes {start}-{len(DATA) - 1}/{len(DATA)}", ETag='"1"'))
    else:
        send(_head(Content_Length=len(DATA), ETag='"1"'))
    send(DATA[start:])


def _other_range(send: Send, start: int, request: bytes) -> None:
    send(_head("206 Partial", Content_Range=f"bytes {start + 7}-{len(DATA) - 1}/{len(DATA)}", ETag='"1"'))
    send(DATA[start + 7 :])


def _short_range(send: Send, start: int, request: bytes) -> None:
    part = DATA[start : start + 1000]
    told = f"bytes {start}-{start + len(part) - 1}/{len(DATA)}"
    send(_head("206 Partial", Content_Range=told, Content_Length=len(part), ETag='"1"'))
    send(part)


def _endless(send: Send, start: int, request: bytes) -> None:
    send(_head(ETag='"1"'))
    for _ in range(3000):
        send(b"x" * 10_000)


def _endless_chunks(send: Send, start: int, request: bytes) -> None:
    send(_head(Transfer_Encoding="chunked"))
    for _ in range(3000):
        send(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")


def _endless_head(send: Send, start: int, request: bytes) -> None:
    send(b"HTTP/1.1 200 OK\r\n")
    for _ in range(3000):
        send(b"X-More: " + b"x" * 1000 + b"\r\n")


def _slowly(send: Send, start: int, request: bytes) -> None:
    send(_head(Content_Length=len(DATA), ETag='"1"'))
    for at in range(0, len(DATA), 10_000):
        send(DATA[at : at + 10_000])
        time.sleep(0.01)


def _not_a_byte_more(send: Send, start: int, request: bytes) -> None:
    send(_head(Content_Length=len(DATA)))
    send(DATA[:10])
    time.sleep(0.5)


def _packed(send: Send, start: int, request: bytes) -> None:
    packed = gzip.compress(DATA)
    send(_head(Content_Encoding="gzip", Content_Length=len(packed)))
    send(packed)


def _circle(send: Send, start: int, request: bytes) -> None:
    send(_head("302 Found", Location=request.split()[1].decode("latin-1"), Content_Length=0))


def _to(place: str) -> Answer:
    return _bytes(_head("302 Found", Location=place, Content_Length=0))


ANSWERS: dict[str, Answer] = {
    "nothing": _bytes(b""),
    "no HTTP": _bytes(b"\x00\xff" * 500),
    "an old protocol": _bytes(b"<html>"),
    "a version of nothing": _bytes(b"HTTP/9.9 abc def\r\n\r\n"),
    "a code of many digits": _bytes(b"HTTP/1.1 99999999999999999999 OK\r\n\r\n"),
    "not found": _bytes(_head("404 Not Found", Content_Length=0)),
    "no such range": _bytes(_head("416 Range Not Satisfiable", Content_Length=0)),
    "no such range of a size": _bytes(_head("416 Range Not Satisfiable", Content_Range="bytes */5", Content_Length=0)),
    "no content": _bytes(_head("204 No Content")),
    "an empty file": _bytes(_head(Content_Length=0)),
    "another range": _other_range,
    "a part of what was asked for": _short_range,
    "a range of words": _bytes(_head("206 Partial", Content_Range="bytes x-y/z") + DATA),
    "a range without end": _bytes(_head("206 Partial", Content_Range=f"bytes 0-{'9' * 5000}/{'9' * 5000}") + DATA),
    "a range below zero": _bytes(_head("206 Partial", Content_Range="bytes -5-3/2") + DATA),
    "several ranges": _bytes(_head("206 Partial", Content_Type="multipart/byteranges; boundary=x") + b"--x\r\n" + DATA),
    "a length below zero": _bytes(_head(Content_Length=-5) + DATA),
    "a length of words": _bytes(_head(Content_Length="many") + DATA),
    "a length without end": _bytes(_head(Content_Length="9" * 5000) + DATA),
    "two lengths": _bytes(_head(Content_Length="5, 6") + DATA),
    "a length above everything": _bytes(_head(Content_Length=10**15) + DATA),
    "a length too small": _bytes(_head(Content_Length=100) + DATA),
    "a length too large": _bytes(_head(Content_Length=len(DATA) + 5) + DATA),
    "a body without end": _endless,
    "chunks without end": _endless_chunks,
    "a chunk below zero": _bytes(_head(Transfer_Encoding="chunked") + b"-5\r\nabc\r\n"),
    "a chunk of words": _bytes(_head(Transfer_Encoding="chunked") + b"zz\r\nabc\r\n0\r\n\r\n"),
    "a chunk above everything": _bytes(_head(Transfer_Encoding="chunked") + b"ffffffffffffffff\r\nabc"),
    "a chunk that is cut off": _bytes(_head(Transfer_Encoding="chunked") + b"ffff\r\nabc"),
    "a head without end": _endless_head,
    "a line without end": _bytes(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000),
    "packed on the way": _packed,
    "said to be packed": _bytes(_head(Content_Encoding="gzip", Content_Length=len(DATA)) + DATA),
    "a web page": _bytes(_head(Content_Type="text/html", Content_Length=6) + b"<html>"),
    "slowly": _slowly,
    "silence": _not_a_byte_more,
    "a circle": _circle,
    "to a file": _to("file:///etc/passwd"),
    "to nowhere": _to("http://"),
    "to a bracket": _to("http://["),
    "to another protocol": _to("gopher://x/"),
    "to bytes": _to("\xff\x00\x01"),
    "to a port of words": _to("http://127.0.0.1:x/"),
    "to a port above all": _to("http://127.0.0.1:99999/"),
    "to a long name": _to(f"http://{'a' * 300}.invalid/"),
    "to dots": _to("http://..../"),
    "a tag of bytes": lambda send, start, request: send(
        b'HTTP/1.1 200 OK\r\nETag: "\xff\xfe"\r\nContent-Length: 9999\r\n\r\n' + DATA[:100]
    ),
}
LEFT: dict[str, Callable[[Path, str], object]] = {
    "nothing": lambda part, url: None,
    "a part": lambda part, url: _leave(part, DATA[:1000], f'{{"url": "{url}", "condition": "\\"1\\""}}'),
    "all of it": lambda part, url: _leave(part, DATA, f'{{"url": "{url}", "condition": "\\"1\\""}}'),
    "more than all": lambda part, url: _leave(part, DATA + b"x", f'{{"url": "{url}", "condition": "\\"1\\""}}'),
    "a part of another": lambda part, url: _leave(part, b"y" * 1000, f'{{"url": "{url}", "condition": "\\"1\\""}}'),
    "deep nesting": lambda part, url: _leave(part, DATA[:1000], "[" * 60_000),
    "a list": lambda part, url: _leave(part, DATA[:1000], "[1]"),
    "no condition": lambda part, url: _leave(part, DATA[:1000], f'{{"url": "{url}", "condition": {{"a": 1}}}}'),
    "two lines": lambda part, url: _leave(part, DATA[:1000], f'{{"url": "{url}", "condition": "a\\nB: c"}}'),
    "no Latin": lambda part, url: _leave(part, DATA[:1000], f'{{"url": "{url}", "condition": "\\u0416\\ud800"}}'),
}
"""What an earlier call, or somebody, left of the file."""


def answered(folder: Path, served: str, left: str) -> Attempt:
    """Load a file from a server that answers so, then from an honest one; both without a published sum and with it."""
    detail, kind = f"{served}, after {left}", "hostile servers"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "into").mkdir(parents=True)
    path = folder / "into" / "a.zip"
    with _server(ANSWERS[served]) as bad, _server(_honest) as good:
        LEFT[left](path.with_name("a.zip.part"), bad)
        for number, (urls, sha256) in enumerate((([bad], None), ([bad, good], SHA256), ([good], SHA256))):
            try:
                with limited(SECONDS):
                    fetch(urls, path, LIMIT, sha256)
            except InputError as error:
                if good in urls:
                    return Attempt(kind, detail, LOST, str(error))
            except TooLongError:
                return Attempt(kind, detail, HUNG, traceback.format_exc())
            except BaseException:
                return Attempt(kind, f"{detail}, {number}", TRACED, traceback.format_exc())
            if good in urls and path.read_bytes() != DATA:
                return Attempt(kind, detail, CORRUPT, "another content was taken")
            if content(folder).keys() - {f"into/a.zip{end}" for end in ("", ".part", ".from")}:
                return Attempt(kind, detail, OUTSIDE, f"{sorted(content(folder))}")
            # what was left of another file under the tag that the server gives cannot be told from this one
            taken = number == 0 and path.exists() and left not in ("a part of another", "more than all")
            if taken and path.read_bytes() != DATA and served in TOLD_APART:
                return Attempt(kind, detail, CORRUPT, f"{path.stat().st_size} bytes were taken for the file")
    return Attempt(kind, detail)


TOLD_APART = {
    *("a length too large", "a part of what was asked for", "another range", "a chunk that is cut off", "slowly"),
    *("several ranges", "a body without end", "chunks without end", "silence", "a range of words", "no content"),
}
"""Without a sum too, nothing but the whole file may come of these."""


def every_answer(folder: Path, left: list[str], every: int = 1) -> list[Attempt]:
    """Every `every`-th server, after each of `left`."""
    return [answered(folder / "attempt", served, one) for one in left for served in list(ANSWERS)[::every]]


def _leave(part: Path, data: bytes, origin: str) -> None:
    part.write_bytes(data)
    part.with_name("a.zip.from").write_text(origin)


@contextlib.contextmanager
def _server(answer: Answer) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.02)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    connection.settimeout(5)
                    request = connection.recv(2**16)
                    asked = re.search(rb"Range: bytes=(\d+)-", request)
                    answer(connection.sendall, int(asked[1]) if asked and b'If-Range: "1"' in request else 0, request)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/a.zip"
    finally:
        ended.set()
        thread.join(10)
        listening.close()
