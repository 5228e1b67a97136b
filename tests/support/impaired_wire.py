"""Networks that misbehave: a wire between two network namespaces, and a TCP proxy where there is no root.

The wire moves whole IP packets between two TUN devices, so TCP itself meets delay, loss and a cut cable, as
with ``tc netem``, which needs a kernel module that many systems do not have.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import json
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
_MTU = 1500


@dataclass(frozen=True)
class Impairment:
    """What happens to each packet, in either direction.

    Attributes:
        delay_ms: One way.
        jitter_ms: Mean of an exponential delay on top; packets keep their order, as on most networks.
        loss: Probability to vanish.
        cut: Nothing gets through.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    cut: bool = False


def why_no_namespaces() -> str:
    """Why network namespaces cannot be used here; empty: they can."""
    if sys.platform != "linux":
        return "network namespaces are of Linux"
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "the program ip (iproute2) is not installed"
    try:
        _run("ip", "netns", "add", f"posestage-{os.getpid()}")
        _run("ip", "netns", "del", f"posestage-{os.getpid()}")
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except (subprocess.CalledProcessError, OSError) as error:
        return f"network namespaces or TUN devices are not allowed here: {error}"
    return ""


class Wire:
    """Between this namespace and another one, until closed.

    Attributes:
        namespace: Name of the other one, for ``ip netns exec``.
        here: IPv4 address on this side.
        there: IPv4 address on the other side.
        device: Name of this side's network device.
    """

    def __init__(self, impairment: Impairment) -> None:
        number = os.getpid() % 60_000
        self.namespace = f"posestage-{number}"
        self.device = f"psh{number}"
        subnet = f"10.{200 + number % 50}.{number // 256 % 250}"
        self.here, self.there = f"{subnet}.1", f"{subnet}.2"
        self._impairment = impairment
        _run("ip", "netns", "add", self.namespace)
        other = f"psr{number}"
        near, far = _tun(self.device), _tun(other)
        try:
            _run("ip", "link", "set", other, "netns", self.namespace)
            self._address(self.device, self.here, self.there)
            inside = ("ip", "netns", "exec", self.namespace)
            self._address(other, self.there, self.here, inside)
            _run(*inside, "ip", "link", "set", "lo", "up")
            self._relay = subprocess.Popen(
                [sys.executable, "-m", "tests.support.impaired_wire", str(near), str(far)],
                stdin=subprocess.PIPE, text=True, pass_fds=(near, far), cwd=Path(__file__).parents[2],
            )  # fmt: skip
            self.set()
        finally:
            os.close(near)
            os.close(far)

    @staticmethod
    def _address(device: str, here: str, there: str, inside: tuple[str, ...] = ()) -> None:
        _run(*inside, "ip", "addr", "add", here, "peer", there, "dev", device)
        _run(*inside, "ip", "link", "set", device, "up")

    def set(self, **changes: Any) -> None:
        """Change the impairment."""
        self._impairment = replace(self._impairment, **changes)
        assert self._relay.stdin is not None
        self._relay.stdin.write(json.dumps(asdict(self._impairment)) + "\n")
        self._relay.stdin.flush()

    def plug(self, plugged: bool) -> None:
        """Pull this machine's cable, or put it back."""
        _run("ip", "link", "set", self.device, "up" if plugged else "down")

    def close(self) -> None:
        """Take everything down."""
        assert self._relay.stdin is not None
        self._relay.stdin.close()  # which ends it
        self._relay.wait()
        _run("ip", "netns", "del", self.namespace)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def _tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def _relay(near: int, far: int) -> None:
    """Move packets until stdin ends; each line of it is an impairment."""
    impairment = Impairment()
    control = sys.stdin.fileno()
    dice = random.Random(5)
    waiting: list[tuple[float, int, int, bytes]] = []
    last = {near: 0.0, far: 0.0}
    count = 0
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, target, packet = heapq.heappop(waiting)
            with contextlib.suppress(OSError):  # that side is down
                os.write(target, packet)
        wait = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([near, far, control], [], [], wait)
        if control in ready:
            lines = os.read(control, 65536).splitlines()
            if not lines:
                return
            impairment = Impairment(**json.loads(lines[-1]))
        for source, target in ((near, far), (far, near)):
            if source not in ready:
                continue
            try:
                packet = os.read(source, _MTU + 100)
            except OSError:
                time.sleep(0.01)  # the device is down
                continue
            if impairment.cut or dice.random() < impairment.loss:
                continue
            jitter = dice.expovariate(1.0) * impairment.jitter_ms
            due = max(time.monotonic() + (impairment.delay_ms + jitter) / 1e3, last[target])
            last[target] = due
            count += 1
            heapq.heappush(waiting, (due, count, target, packet))


class Proxy:
    """A TCP proxy on loopback that delays what passes, throttles it, and can be cut without a goodbye.

    Args:
        target: Port on loopback that it leads to.
        delay_ms: One way.
        bytes_per_s: Through each connection, each way; 0: as fast as it goes.
    """

    def __init__(self, target: int, delay_ms: float = 0.0, bytes_per_s: float = 0.0) -> None:
        self._target = target
        self.delay_ms = delay_ms
        self.bytes_per_s = bytes_per_s
        self.cut = False
        """While True, bytes stay where they are and new connections are not answered, as with a cut cable."""
        self._closed = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.05)
        self.port = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self._closed.is_set():
            if self.cut:
                time.sleep(0.01)
                continue
            try:
                near, _ = self._server.accept()
            except TimeoutError:
                continue
            if self.cut:  # it came in the last moment
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            for end in (near, far):
                end.settimeout(0.05)
            for source, sink in ((near, far), (far, near)):
                thread = threading.Thread(target=self._pump, args=(source, sink))
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        lost = False
        with source, sink:
            while not self._closed.is_set():
                if self.cut:
                    lost = True  # what a cable loses, TCP would send again; this connection only falls silent
                    time.sleep(0.01)
                    continue
                try:
                    data = source.recv(16384)
                except TimeoutError:
                    continue
                except OSError:
                    return
                if not data:
                    return
                if lost:
                    continue
                began = time.monotonic()
                time.sleep(self.delay_ms / 1e3)
                if not self._pass(data, sink):
                    return
                if self.bytes_per_s:
                    time.sleep(max(0.0, len(data) / self.bytes_per_s - (time.monotonic() - began)))

    def _pass(self, data: bytes, sink: socket.socket) -> bool:
        """Send all, however long the other end takes; False where it is gone."""
        rest = memoryview(data)
        while rest and not self._closed.is_set():
            try:
                rest = rest[sink.send(rest) :]
            except TimeoutError:
                continue
            except OSError:
                return False
        return not rest

    def close(self) -> None:
        """End it, and all connections."""
        self._closed.set()
        for thread in self._threads:
            thread.join()
        self._server.close()


@contextmanager
def proxy(target: int, **settings: float) -> Iterator[Proxy]:
    """A proxy for the length of a test."""
    made = Proxy(target, **settings)
    try:
        yield made
    finally:
        made.close()


if __name__ == "__main__":
    _relay(int(sys.argv[1]), int(sys.argv[2]))
