"""A server on this machine that answers as the network's servers do: well, by redirections, by half, or not at all."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


@dataclass
class Served:
    """What the server has, and what it does to whoever asks for it.

    Args:
        files: By path, with `/` in front.
        moved: A path for another one, or for any address.
        status: A path for the code that it is answered with.
        breaks: A path for the bytes after which the connection is cut; each is used once.
        slow: A path for the bytes after which the answer waits until `go_on` is set.
        pause: Seconds after each 20 kB.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    breaks: dict[str, list[int]] = field(default_factory=dict)
    slow: dict[str, int] = field(default_factory=dict)
    pause: float = 0
    go_on: threading.Event = field(default_factory=threading.Event)
    content_type: str = "application/octet-stream"
    tag: str = '"1"'
    ranges: bool = True
    sized: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"{self.address}{path}"


def _handler(served: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(self.path)
            asked = self.headers.get("Range")
            served.asked.append((path, asked))
            if path in served.moved:
                self.send_response(302)
                self.send_header("Location", served.moved[path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            data = served.files.get(path)
            if data is None or path in served.status:
                self.send_error(served.status.get(path, 404))
                return
            start = 0
            wanted = re.fullmatch(r"bytes=(\d+)-", asked or "")
            if wanted and served.ranges and self.headers.get("If-Range") == served.tag:
                start = int(wanted[1])
            if start and start >= len(data):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(data)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            if served.sized:
                self.send_header("Content-Length", str(len(data) - start))
            self.send_header("Content-Type", served.content_type)
            self.send_header("ETag", served.tag)
            self.end_headers()
            body, limits = data[start:], served.breaks.get(path)
            if limits:
                body = body[: limits.pop(0)]
            if path in served.slow:
                self.wfile.write(body[: served.slow[path]])
                self.wfile.flush()
                served.go_on.wait(30)
                body = body[served.slow[path] :]
            with suppress(ConnectionError):  # who asked may be gone
                while served.pause and body:
                    self.wfile.write(body[:20_000])
                    body = body[20_000:]
                    time.sleep(served.pause)
                self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serving() -> Iterator[Served]:
    served = Served()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    served.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield served
    finally:
        served.go_on.set()
        server.shutdown()
        server.server_close()
