"""Ways to bring pictures from several processes to one, behind one face, to be measured against each other.

Ours is the one of the live pipeline: pixels in shared memory, a message of a few bytes. The others are what
one would take otherwise.
"""

from __future__ import annotations

import time
from typing import Any, Final, Protocol

import numpy as np
import simplejpeg
import zmq

from configs.registry import Registry
from pipeline.frames.frame import Image
from pipeline.frames.ring import FrameRingReader, FrameRingWriter
from pipeline.wire.bus import Bus
from pipeline.wire.messages import FrameReady

WAIT_MS: Final = 100
"""So long a call waits at most, so that a process hears that it is over."""
_QUEUE: Final = 6
"""Pictures on their way per producer; the ring has as many slots."""
_JPEG_QUALITY: Final = 90

TRANSPORTS: Final = Registry(
    "transport",
    {
        "posestage": "pipeline.benchmarks.transports:RingTransport",
        "posestage_copied": "pipeline.benchmarks.transports:CopiedRingTransport",
        "zeromq_raw": "pipeline.benchmarks.transports:RawTransport",
        "zeromq_jpeg": "pipeline.benchmarks.transports:JpegTransport",
        "imagezmq": "pipeline.benchmarks.transport_imagezmq:ImagezmqTransport",
    },
)


class PictureSender(Protocol):
    """In a producer's process."""

    def draw(self, picture: Image, *, fresh: bool) -> Image | None:
        """Have a picture where it is sent from, as a camera's driver has drawn it.

        Args:
            picture: What to draw.
            fresh: False: the same memory may be sent again and again, with what was drawn there once.

        Returns:
            What to send; None when there was no room for some time.
        """
        ...

    def send(self, picture: Image, t_ns: int) -> bool:
        """Hand over what was drawn, waiting for room for some time; False when there was none."""
        ...

    def close(self) -> None:
        """Free everything."""
        ...


class PictureReceiver(Protocol):
    """In the consumer's process."""

    def receive(self) -> int | None:
        """Wait for a picture, look at it, and return its time; None when none came in time."""
        ...

    def close(self) -> None:
        """Free everything."""
        ...


class Transport(Protocol):
    """Makes both ends. ``place`` is a folder of its own for addresses."""

    def sender(self, place: str, camera: str, size: tuple[int, int]) -> PictureSender:
        """The end of one producer; ``size`` is (width, height) px."""
        ...

    def receiver(self, place: str, stride: int) -> PictureReceiver:
        """The end that all producers reach; it looks at one byte in ``stride`` of every picture."""
        ...


PAGE: Final = 4096
CACHE_LINE: Final = 64


def look_at(picture: Image, stride: int) -> int:
    """Touch a byte in every ``stride``, so that nobody wins by not bringing the pixels."""
    return int(picture.reshape(-1)[::stride].max())


class OwnMemory:
    """Where the picture of a way without shared memory lies."""

    def __init__(self, size: tuple[int, int]) -> None:
        width, height = size
        self._picture = np.zeros((height, width, 3), np.uint8)

    def draw(self, picture: Image, *, fresh: bool) -> Image | None:
        """See ``PictureSender``."""
        if not fresh:
            return picture
        np.copyto(self._picture, picture)
        return self._picture


class RingTransport:
    """As grabbers and the inference node do it."""

    def sender(self, place: str, camera: str, size: tuple[int, int]) -> PictureSender:
        """See ``Transport``."""
        return _RingSender(place, camera, size)

    def receiver(self, place: str, stride: int) -> PictureReceiver:
        """See ``Transport``."""
        return _RingReceiver(place, stride)


class CopiedRingTransport(RingTransport):
    """As with drivers whose decoders bring memory of their own: each picture is copied once."""

    def sender(self, place: str, camera: str, size: tuple[int, int]) -> PictureSender:
        """See ``Transport``."""
        return _CopyingRingSender(place, camera, size)


class _RingSender:
    def __init__(self, place: str, camera: str, size: tuple[int, int]) -> None:
        self._camera = camera
        self._bus = Bus()
        self._sender = self._bus.sender(f"ipc://{place}/frames", 256)
        self._ring = FrameRingWriter(camera, size, _QUEUE)
        self._drawn: set[int] = set()
        self._index = 0

    def draw(self, picture: Image, *, fresh: bool) -> Image | None:
        until = time.monotonic() + WAIT_MS / 1e3
        while (canvas := self._ring.canvas()) is None:
            if time.monotonic() > until:
                return None
            time.sleep(3e-4)
        place = canvas.ctypes.data
        if fresh or place not in self._drawn:
            np.copyto(canvas, picture)
            self._drawn.add(place)
        return canvas

    def send(self, picture: Image, t_ns: int) -> bool:
        written = self._ring.write(picture, t_ns)
        if written is None:
            return False
        ready = FrameReady(self._camera, self._index, self._ring.name, *written)
        self._index += 1
        return self._sender.send("frame", ready, t_capture_ns=t_ns)

    def close(self) -> None:
        self._ring.close()
        self._bus.close(linger_ms=0)


class _CopyingRingSender(_RingSender):
    def __init__(self, place: str, camera: str, size: tuple[int, int]) -> None:
        super().__init__(place, camera, size)
        self._own = OwnMemory(size)

    def draw(self, picture: Image, *, fresh: bool) -> Image | None:
        return self._own.draw(picture, fresh=fresh)

    def send(self, picture: Image, t_ns: int) -> bool:
        canvas = super().draw(picture, fresh=True)
        return canvas is not None and super().send(canvas, t_ns)


class _RingReceiver:
    def __init__(self, place: str, stride: int) -> None:
        self._stride = stride
        self._bus = Bus()
        self._receiver = self._bus.receiver(f"ipc://{place}/frames", 4000)
        self._rings: dict[str, FrameRingReader] = {}

    def receive(self) -> int | None:
        message = self._receiver.receive(WAIT_MS)
        if message is None:
            return None
        ready: FrameReady = message.payload
        ring = self._rings.get(ready.ring)
        if ring is None:
            ring = self._rings[ready.ring] = FrameRingReader(ready.ring, free_before=ready.generation)
        picture = ring.view(ready.slot, ready.generation)
        if picture is not None:
            look_at(picture, self._stride)
        ring.release(ready.slot, ready.generation)
        return message.t_capture_ns

    def close(self) -> None:
        for ring in self._rings.values():
            ring.close()
        self._bus.close(linger_ms=0)


class RawTransport:
    """The pixels themselves in a ZeroMQ message, without a copy on the way in and out of the library."""

    def sender(self, place: str, camera: str, size: tuple[int, int]) -> PictureSender:
        """See ``Transport``."""
        del camera
        return _ZmqSender(place, size, jpeg=False)

    def receiver(self, place: str, stride: int) -> PictureReceiver:
        """See ``Transport``."""
        return _ZmqReceiver(place, stride)


class JpegTransport(RawTransport):
    """The same with JPEG of quality 90, made and read with libjpeg-turbo."""

    def sender(self, place: str, camera: str, size: tuple[int, int]) -> PictureSender:
        """See ``Transport``."""
        del camera
        return _ZmqSender(place, size, jpeg=True)


class _ZmqSender(OwnMemory):
    def __init__(self, place: str, size: tuple[int, int], *, jpeg: bool) -> None:
        super().__init__(size)
        self._jpeg = jpeg
        self._context = zmq.Context()
        self._socket: Any = self._context.socket(zmq.PUSH)
        self._socket.set_hwm(_QUEUE)
        self._socket.setsockopt(zmq.SNDTIMEO, WAIT_MS)
        self._socket.connect(f"ipc://{place}/frames")

    def send(self, picture: Image, t_ns: int) -> bool:
        head = np.array([t_ns, *picture.shape[:2]], np.int64).tobytes()
        data: Any = picture
        if self._jpeg:
            data = simplejpeg.encode_jpeg(
                picture, quality=_JPEG_QUALITY, colorspace="BGR", colorsubsampling="420"
            )
        try:
            self._socket.send_multipart([b"jpeg" if self._jpeg else b"raw", head, data], copy=False)
        except zmq.Again:
            return False
        return True

    def close(self) -> None:
        self._socket.close(linger=0)
        self._context.term()


class _ZmqReceiver:
    def __init__(self, place: str, stride: int) -> None:
        self._stride = stride
        self._context = zmq.Context()
        self._socket: Any = self._context.socket(zmq.PULL)
        self._socket.set_hwm(_QUEUE)
        self._socket.bind(f"ipc://{place}/frames")

    def receive(self) -> int | None:
        if not self._socket.poll(WAIT_MS):
            return None
        kind, head, data = self._socket.recv_multipart(copy=False)
        t_ns, height, width = np.frombuffer(head.buffer, np.int64).tolist()
        if kind.bytes == b"jpeg":
            look_at(simplejpeg.decode_jpeg(data.buffer, colorspace="BGR"), self._stride)
        else:
            look_at(np.frombuffer(data.buffer, np.uint8).reshape(height, width, 3), self._stride)
        return int(t_ns)

    def close(self) -> None:
        self._socket.close(linger=0)
        self._context.term()
