"""imagezmq as its documentation uses it: several senders, one hub, a reply to each picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import zmq

from configs.errors import MissingExtraError
from pipeline.benchmarks.transports import WAIT_MS, OwnMemory, PictureReceiver, PictureSender, look_at
from pipeline.frames.frame import Image


class ImagezmqTransport:
    """``ImageSender`` and ``ImageHub``, request and reply, over TCP on this machine.

    Raises:
        MissingExtraError: imagezmq is not installed.
    """

    def __init__(self) -> None:
        try:
            import imagezmq
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                'transport "imagezmq" needs the package imagezmq; run: pip install -e ".[bench]"'
            ) from error
        self._imagezmq = imagezmq

    def sender(self, place: str, camera: str, size: tuple[int, int]) -> PictureSender:
        """See ``Transport``."""
        return _Sender(self._imagezmq, place, camera, size)

    def receiver(self, place: str, stride: int) -> PictureReceiver:
        """See ``Transport``."""
        return _Receiver(self._imagezmq, place, stride)


class _Sender(OwnMemory):
    def __init__(self, imagezmq: Any, place: str, camera: str, size: tuple[int, int]) -> None:
        super().__init__(size)
        self._camera = camera
        self._sender: Any = imagezmq.ImageSender(connect_to=(Path(place) / "address").read_text())
        self._sender.zmq_socket.setsockopt(zmq.LINGER, 0)
        self._sender.zmq_socket.setsockopt(zmq.SNDTIMEO, 2000)
        self._sender.zmq_socket.setsockopt(zmq.RCVTIMEO, 2000)

    def send(self, picture: Image, t_ns: int) -> bool:
        try:
            self._sender.send_image(f"{self._camera} {t_ns}", picture)
        except zmq.ZMQError:  # the hub is gone: it is over
            return False
        return True

    def close(self) -> None:
        self._sender.close()


class _Receiver:
    def __init__(self, imagezmq: Any, place: str, stride: int) -> None:
        self._stride = stride
        self._hub: Any = imagezmq.ImageHub(open_port="tcp://127.0.0.1:*")
        address = self._hub.zmq_socket.getsockopt_string(zmq.LAST_ENDPOINT)
        (Path(place) / "address").write_text(address)
        self._hub.zmq_socket.setsockopt(zmq.LINGER, 0)

    def receive(self) -> int | None:
        if not self._hub.zmq_socket.poll(WAIT_MS):
            return None
        name, picture = self._hub.recv_image()
        look_at(picture, self._stride)
        self._hub.send_reply(b"OK")
        return int(name.rpartition(" ")[2])

    def close(self) -> None:
        self._hub.close()
