"""A camera of another machine, where ``launch.py grabber`` runs."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Final

import simplejpeg
from pydantic import Field, field_validator, model_validator

from configs.errors import BadInputError, bad_input
from configs.loading import Config
from pipeline.drivers.base import (
    CameraDriver,
    CameraError,
    CameraInfo,
    CameraNote,
    CameraSettings,
    EndOfStream,
)
from pipeline.drivers.jpeg_picture import decode_bgr
from pipeline.frames.frame import EncodedPacket, Frame, Image, VideoFormat
from pipeline.processes.endpoints import TcpAddress, tcp_address
from pipeline.remote.keys import KeyRing
from pipeline.remote.link import Received, RemoteLink, Restarted
from pipeline.remote.outbox import Picture
from pipeline.remote.sockets import HostKeys
from pipeline.wire.messages import StreamOpened

log = logging.getLogger(__name__)

_BURST: Final = 8
"""Lost frames handed out in a row before a pause of 1 ms: after minutes without a line there are thousands,
and the recorder, which writes a line for each, must not run out of room for the pictures."""

_MOST_PIXELS: Final = 100_000_000
"""No camera has more; memory for some pictures of this size is taken when a camera is opened."""

_CATCHING_UP: Final = 2
"""Pictures waiting behind one: then it is only recorded, not decoded."""


class RemoteConfig(Config):
    """Settings of the ``remote`` driver.

    Attributes:
        address: Where ``launch.py grabber`` listens on the other machine, such as tcp://192.168.1.20:5590.
        machine: Name under which this machine trusts the other one; see ``launch.py keys``. May be left out
            for an address of this machine (127.0.0.1), such as the end of a tunnel.
        keys: Folder with the keys, absolute or from ~ on; empty takes the user's own.
        timeout_s: How long to wait for the camera when it is opened.
        give_up_s: Time without an answer after which the camera counts as failed; None never gives up.
    """

    address: str
    machine: str = ""
    keys: str = ""
    timeout_s: float = Field(default=10.0, gt=0, le=60)
    give_up_s: float | None = Field(default=None, gt=0)

    @field_validator("address")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        try:
            tcp_address(address, key="address")
        except BadInputError:
            raise ValueError("give tcp://HOST:PORT, such as tcp://192.168.1.20:5590") from None
        return address

    @field_validator("keys")
    @classmethod
    def _is_absolute(cls, keys: str) -> str:
        if keys and not Path(keys).expanduser().is_absolute():
            raise ValueError("give an absolute path, or one that begins with ~")
        return keys

    @model_validator(mode="after")
    def _other_machines_have_keys(self) -> RemoteConfig:
        if not self.machine and not tcp_address(self.address, key="address").only_this_machine:
            raise ValueError("another machine needs keys: give machine, the name by which it is trusted here")
        return self


class RemoteDriver(CameraDriver):
    """Hands out the remote camera's JPEGs as they come, with capture times mapped to this machine's clock.

    The remote grabber keeps what could not be sent, so frames come late rather than never; those that were
    lost come as frames with a cause. While the line is cut ``read`` returns None.
    """

    Config = RemoteConfig
    config: RemoteConfig

    def __init__(self, config: RemoteConfig, settings: CameraSettings) -> None:
        super().__init__(config, settings)
        self._link: RemoteLink | None = None
        self._forget()

    def _forget(self) -> None:
        """As before the first frame."""
        self._next_index = 0
        self._last_t_ns = self._given_until_ns = 0
        self._lost: _Lost | None = None
        self._restarted = False

    def open(self) -> CameraInfo:
        """Connect, learn what the camera delivers, and how its clock runs."""
        self.close()
        address, keys = tcp_address(self.config.address, key=self._key("address")), None
        if self.config.machine:
            ring = KeyRing(Path(self.config.keys).expanduser() if self.config.keys else None)
            remote = ring.public_key(self.config.machine, key=self._key("machine"))
            keys = HostKeys(ring.own(), remote)
        self._link = RemoteLink(self.settings.name, address, keys)
        try:
            return self._begin(self._link, address)
        except BaseException:
            self.close()
            raise

    def start(self, origin_ns: int) -> None:
        """Have frames from ``origin_ns`` on sent."""
        super().start(origin_ns)
        if self._link is not None:
            self._link.start(origin_ns)

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame; None also while the line is cut."""
        link = self._link
        if link is None:
            raise CameraError(f'camera "{self.settings.name}" is not open')
        if self._lost is not None:
            return self._next_lost()
        item = link.next_item(timeout_s)
        if item is None:
            self._check(link)
            return None
        if isinstance(item, Restarted):
            self._restarted = True
            return None
        missed = self._missed_in_restart(item)
        if missed > 0:
            # The item itself is next, after those that nobody counted.
            step = (item.t_ns - self._last_t_ns) / (missed + 1)
            first, last = self._last_t_ns + round(step), self._last_t_ns + round(missed * step)
            self._lost = _Lost(missed, first, last, "remote_restarted", item)
            return self._next_lost()
        return self._frame_of(item)

    def missing(self, until_ns: int) -> list[Frame]:
        """While the line is cut: what the camera must have filmed since, as many frames as its rate tells."""
        link = self._link
        if link is None or not self._last_t_ns or link.away_s == 0.0:
            return []
        count = int((until_ns - self._last_t_ns) / self._period_ns)
        frames = [
            self._lost_frame(self._last_t_ns + round(self._period_ns), "network_cut") for _ in range(count)
        ]
        # What the grabber has to say of this time, when it is back, is accounted for.
        self._given_until_ns = self._last_t_ns + round(self._period_ns / 2)
        return frames

    def notes(self) -> list[CameraNote]:
        """Lost and new connections, restarts and clock steps."""
        return self._link.take_notes() if self._link is not None else []

    def clock(self) -> CameraNote | None:
        """Offset and drift of the remote clock, how sure they are, and the sender's own ledger."""
        estimate = self._link.clock if self._link is not None else None
        if self._link is None or estimate is None:
            return None
        figures = estimate.summary()
        offer = self._link.offer
        sender: dict[str, Any] = {}
        if offer is not None:
            sender = {
                "sender_captured": offer.captured,
                "sender_delivered": offer.delivered,
                "sender_waiting": offer.waiting,
                "sender_dropped": sum(offer.dropped.values()),
            }
        text = (
            f"camera {self.settings.name}: clock {figures['offset_ms']:.3f} ms ahead of this machine's, "
            f"known to {figures['sigma_us']:.0f} us (at worst {figures['bound_us']:.0f} us), "
            f"drift {figures['drift_ppm']:.2f} ppm"
        )
        return CameraNote("clock", text, {**figures, **sender})

    def telemetry(self) -> dict[str, Any]:
        """State of line and clock, and the sender's own ledger."""
        return self._link.telemetry() if self._link is not None else {}

    def close(self) -> None:
        """Give the camera back."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _key(self, name: str) -> str:
        return f"cameras.{self.settings.name}.driver.{name}"

    def _begin(self, link: RemoteLink, address: TcpAddress) -> CameraInfo:
        deadline_s = time.monotonic() + self.config.timeout_s
        while True:
            offer, opened = link.offer, link.opened
            if offer is not None and offer.state == "in_use":
                break
            known = opened is not None and link.clock is not None
            if known and offer is not None and offer.state in {"ready", "running", "ended"}:
                assert opened is not None
                return self._info(offer.device, opened, address)
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                break
            link.wait_for_news(min(left_s, 0.1))
        who = f'camera "{self.settings.name}": {address}'
        if offer is not None and offer.message:
            raise CameraError(f"{who}: {offer.message}")
        if offer is not None:
            raise CameraError(f"{who} answers, but its camera is not open after {self.config.timeout_s:g} s")
        if link.reason:
            raise CameraError(f"{who}: {link.reason}")
        raise CameraError(
            f"{who} does not answer; check that launch.py grabber runs there, listens on this address and is "
            "not kept away by a firewall"
        )

    def _info(self, device: str, opened: StreamOpened, address: TcpAddress) -> CameraInfo:
        size = (opened.width, opened.height)
        if opened.width * opened.height > _MOST_PIXELS:
            raise CameraError(
                f'camera "{self.settings.name}": {address} announces pictures of {size[0]}x{size[1]}; '
                f"at most {_MOST_PIXELS // 1_000_000} megapixels are taken"
            )
        if self.settings.size is not None and tuple(self.settings.size) != size:
            raise bad_input(
                f"the rig asks for {self.settings.size[0]}x{self.settings.size[1]}, "
                f"but the remote camera delivers {size[0]}x{size[1]}",
                key=f"cameras.{self.settings.name}.size",
                hint="leave size out, or change it in the rig file of the other machine",
            )
        self._size = size
        self._period_ns = 1e9 / opened.fps
        self._forget()
        stream = VideoFormat("mjpeg", size, opened.fps, opened.extradata, opened.pixel_format)
        return CameraInfo(size, opened.fps, f"{opened.camera} at {address}: {device}", stream)

    def _check(self, link: RemoteLink) -> None:
        if link.ended:
            raise EndOfStream
        if link.failure:
            raise CameraError(f'camera "{self.settings.name}": its connection failed: {link.failure}')
        away_s, limit_s = link.away_s, self.config.give_up_s
        if limit_s is not None and away_s > limit_s:
            reason = f": {link.reason}" if link.reason else ""
            raise CameraError(
                f'camera "{self.settings.name}": {self.config.address} is gone for {away_s:.1f} s{reason}; '
                "check the network and launch.py grabber there"
            )
        opened = link.opened
        if opened is not None and (opened.width, opened.height) != self._size:
            raise CameraError(
                f'camera "{self.settings.name}": came back with {opened.width}x{opened.height} instead of '
                f"{self._size[0]}x{self._size[1]}; stop and start again to go on with the new format"
            )

    def _missed_in_restart(self, item: Received) -> int:
        """Frames between the last one of the old run and the first one of the new, by the camera's rate."""
        restarted, self._restarted = self._restarted, False
        if not restarted or not self._last_t_ns:
            return 0
        return round((item.t_ns - self._last_t_ns) / self._period_ns) - 1

    def _frame_of(self, received: Received) -> Frame | None:
        item = received.item
        if isinstance(item, Picture):
            if received.t_ns <= self._given_until_ns:
                return None
            return self._picture_frame(received.t_ns, item.data)
        count, first_ns = item.count, received.t_ns
        step = (received.t_last_ns - first_ns) / max(1, count - 1)
        while count and first_ns <= self._given_until_ns:
            count, first_ns = count - 1, first_ns + round(step)
        if not count:
            return None
        self._lost = _Lost(count, first_ns, received.t_last_ns, item.cause, None)
        return self._next_lost()

    def _next_lost(self) -> Frame | None:
        assert self._lost is not None
        lost = self._lost
        if lost.given == lost.count:
            self._lost = None
            return self._frame_of(lost.then) if lost.then is not None else None
        if lost.given % _BURST == _BURST - 1:
            time.sleep(0.001)
        step = (lost.t_last_ns - lost.t_first_ns) / max(1, lost.count - 1)
        t_ns = lost.t_first_ns + round(lost.given * step)
        lost.given += 1
        if lost.given == lost.count and lost.then is None:
            self._lost = None
        return self._lost_frame(t_ns, lost.cause)

    def _picture_frame(self, t_ns: int, data: bytes) -> Frame:
        t_ns = self._rising(t_ns)
        assert self._link is not None
        image: Image | None = None
        try:
            height, width, _, _ = simplejpeg.decode_jpeg_header(data)
            good = (width, height) == self._size
            if good and self._link.waiting <= _CATCHING_UP:
                image = decode_bgr(data, self.canvas(height, width))
        except ValueError:
            good = False
        if not good:
            return self._numbered(t_ns, cause="damaged_picture")
        return self._numbered(t_ns, image, (EncodedPacket(data, t_ns, t_ns, keyframe=True),))

    def _lost_frame(self, t_ns: int, cause: str) -> Frame:
        return self._numbered(self._rising(t_ns), cause=cause)

    def _numbered(
        self, t_ns: int, image: Image | None = None, packets: tuple[EncodedPacket, ...] = (), cause: str = ""
    ) -> Frame:
        frame = Frame(self.settings.name, self._next_index, t_ns, image, packets, cause)
        self._next_index += 1
        self._last_t_ns = t_ns
        return frame

    def _rising(self, t_ns: int) -> int:
        """Not after now, which a clock that is not known exactly may say, and after the frame before."""
        return max(min(t_ns, time.monotonic_ns()), self._last_t_ns + 1)


class _Lost:
    """Frames that are being accounted for one by one, and what comes after them."""

    def __init__(
        self, count: int, t_first_ns: int, t_last_ns: int, cause: str, then: Received | None
    ) -> None:
        self.count = count
        self.t_first_ns = t_first_ns
        self.t_last_ns = t_last_ns
        self.cause = cause
        self.then = then
        self.given = 0
