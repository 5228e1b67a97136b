"""A web server for one test, with the faults real servers have."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What is at one path."""

    data: bytes
    ranges: bool = True
    status: int = 200
    location: str = ""
    cut_after: list[int] = field(default_factory=list)
    """Bytes after which the connection breaks, one entry per request."""
    tell_length: bool = True
    wrong_range: bool = False
    delay_s: float = 0.0


class FileServer:
    def __init__(self, address: str) -> None:
        self.address = address
        self.files: dict[str, Served] = {}
        self.requests: list[tuple[str, str | None]] = []

    def add(self, path: str, served: Served) -> str:
        self.files[path] = served
        return self.address + path

    def starts(self) -> list[int]:
        """First byte asked for, per request."""
        return [int(value[6:-1]) if value else 0 for _, value in self.requests]


@contextmanager
def file_server() -> Iterator[FileServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requests.append((self.path, self.headers.get("Range")))
            self._answer(server.files.get(self.path, Served(b"nothing", status=404)))

        def _answer(self, served: Served) -> None:
            time.sleep(served.delay_s)
            data, start = served.data, 0
            asked = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
            status = served.status
            if asked and served.ranges and status == 200:
                start = int(asked.group(1))
                status = 206 if start < len(data) else 416
            self.send_response(status)
            if served.location:
                self.send_header("Location", served.location)
            if status == 206:
                first = start + 7 if served.wrong_range else start
                self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
            if status == 416:
                self.send_header("Content-Range", f"bytes */{len(data)}")
            body = b"" if status == 416 else data[start:]
            if served.tell_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if served.cut_after:
                body = body[: served.cut_after.pop(0)]
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    class Server(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is part of some tests."""

    web = Server(("127.0.0.1", 0), Handler)
    server = FileServer(f"http://127.0.0.1:{web.server_port}")
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        web.shutdown()
        web.server_close()
        thread.join()
