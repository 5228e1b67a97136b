"""A real RTSP camera: H.264 over RTP, interleaved in the RTSP connection (RFC 2326, RFC 6184)."""

from __future__ import annotations

import base64
import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Collection
from fractions import Fraction

import av

from tests.support.videos import numbered_picture

_FRAGMENT = 1200


class RtspServer:
    """Serves one client at a time; ``cut`` is the cable being pulled, ``start`` plugs it in again.

    Args:
        user: ``name:password`` that clients have to know, or empty.
        key_frames: Which pictures of a connection are key frames; None: every tenth.

    Attributes:
        silent: Sends nothing while it is set, and keeps the connection.
        shown_at: Monotonic time in ns of each number of ``numbered_picture``, by the camera's own schedule.
    """

    def __init__(
        self,
        fps: int = 30,
        size: tuple[int, int] = (320, 240),
        user: str = "",
        key_frames: Collection[int] | None = None,
    ) -> None:
        self.fps = fps
        self.size = size
        self.user = user
        self.key_frames = key_frames
        self.silent = False
        self.shown_at: dict[int, int] = {}
        self.port = 0
        self._number = 0
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def url(self, user: str = "") -> str:
        return f"rtsp://{user + '@' if user else ''}127.0.0.1:{self.port}/live"

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(self._listener,), daemon=True)
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
            with contextlib.suppress(OSError, ValueError), client:
                self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        requests = client.makefile("r", newline="\r\n", encoding="ascii")
        while line := requests.readline().strip():
            method, url, _ = line.split()
            headers = {}
            while header := requests.readline().strip():
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            expected = "Basic " + base64.b64encode(self.user.encode()).decode()
            status, extra, body = "200 OK", "", ""
            if self.user and method != "OPTIONS" and headers.get("authorization") != expected:
                status, extra = "401 Unauthorized", 'WWW-Authenticate: Basic realm="camera"\r\n'
            elif method == "OPTIONS":
                extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
            elif method == "DESCRIBE":
                body = (
                    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
                    f"a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=framerate:{self.fps}\r\n"
                    "a=control:track0\r\n"
                )
                extra = f"Content-Type: application/sdp\r\nContent-Base: {url}/\r\n"
            elif method == "SETUP":
                extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
            elif method == "PLAY":
                extra = "Session: 1\r\nRange: npt=0.000-\r\n"
            answer = f"RTSP/1.0 {status}\r\nCSeq: {headers['cseq']}\r\n{extra}"
            client.sendall(f"{answer}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            if method == "PLAY":
                self._play(client)

    def _play(self, client: socket.socket) -> None:
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height = self.size
        encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, self.fps)
        encoder.gop_size, encoder.thread_count = 10 if self.key_frames is None else 100_000, 1
        encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"}
        clock = random.Random(0).getrandbits(31)
        sequence = 0
        begun_s = time.monotonic()
        for place in range(10**9):
            time.sleep(max(0.0, begun_s + place / self.fps - time.monotonic()))
            if self.silent:
                continue
            picture = av.VideoFrame.from_ndarray(numbered_picture(self._number, self.size), format="bgr24")
            picture.pts, picture.time_base = place, Fraction(1, self.fps)
            if place in (self.key_frames or ()):
                picture.pict_type = av.video.frame.PictureType.I
            self.shown_at[self._number] = round((begun_s + place / self.fps) * 1e9)
            self._number += 1
            stamp = (clock + place * 90_000 // self.fps) & 0xFFFFFFFF
            for packet in encoder.encode(picture):
                payloads = [part for unit in _units(bytes(packet)) for part in _fragments(unit)]
                for position, payload in enumerate(payloads):
                    marker = 0x80 if position == len(payloads) - 1 else 0
                    rtp = struct.pack(">BBHII", 0x80, marker | 96, sequence & 0xFFFF, stamp, 0x1234) + payload
                    client.sendall(struct.pack(">cBH", b"$", 0, len(rtp)) + rtp)
                    sequence += 1


def _units(stream: bytes) -> list[bytes]:
    """NAL units of a byte stream with start codes."""
    parts = stream.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")
    return [part for part in parts if part]


def _fragments(unit: bytes) -> list[bytes]:
    """RTP payloads of one NAL unit: itself, or FU-A fragments."""
    if len(unit) <= _FRAGMENT:
        return [unit]
    kind, body = unit[0], unit[1:]
    pieces = [body[begin : begin + _FRAGMENT] for begin in range(0, len(body), _FRAGMENT)]
    payloads = []
    for place, piece in enumerate(pieces):
        flags = (0x80 if place == 0 else 0) | (0x40 if place == len(pieces) - 1 else 0)
        payloads.append(bytes([kind & 0xE0 | 28, flags | kind & 0x1F]) + piece)
    return payloads
