"""A network camera on this machine: encodes numbered pictures live and sends MPEG-TS over TCP."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from fractions import Fraction

import av

from tests.support.videos import numbered_picture


class StreamServer:
    """Serves one client at a time; ``cut`` is the cable being pulled, ``start`` plugs it in again."""

    def __init__(self, fps: int = 30, size: tuple[int, int] = (160, 120)) -> None:
        self.fps = fps
        self.size = size
        self.silent = False
        self.sent_at: dict[int, int] = {}
        self.port = 0
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._number = 0

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(4)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._thread = threading.Thread(target=self._serve, args=(listener,), daemon=True)
        self._thread.start()

    def cut(self) -> None:
        for part in (self._listener, self._client):
            if part is not None:
                with contextlib.suppress(OSError):
                    part.shutdown(socket.SHUT_RDWR)
                part.close()
        self._listener = self._client = None
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._client = client
            with contextlib.suppress(OSError, av.FFmpegError):
                self._send(client)
            client.close()

    def _send(self, client: socket.socket) -> None:
        options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "20", "forced-idr": "1"}
        writer = client.makefile("wb", buffering=0)
        with av.open(writer, "w", format="mpegts", options={"flush_packets": "1"}) as container:
            stream = container.add_stream("libx264", rate=self.fps, options=options)
            stream.width, stream.height = self.size
            stream.pix_fmt = "yuv420p"
            stream.codec_context.thread_count = 1
            stream.codec_context.gop_size = 10
            begun_s = time.monotonic()
            for place in range(10**9):
                time.sleep(max(0.0, begun_s + place / self.fps - time.monotonic()))
                if self.silent:
                    continue
                picture = av.VideoFrame.from_ndarray(
                    numbered_picture(self._number, self.size), format="bgr24"
                )
                picture.pts, picture.time_base = place, Fraction(1, self.fps)
                self.sent_at[self._number] = time.monotonic_ns()
                self._number += 1
                container.mux(stream.encode(picture))
