"""A remote grabber in a thread, and clocks that run wrong on purpose."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from pipeline.processes.endpoints import tcp_address
from pipeline.remote.camera_server import CameraServer, Room
from pipeline.remote.keys import KeyRing
from pipeline.remote.machine_clock import MachineClock
from pipeline.remote.sockets import Listener
from pipeline.rigs.rig_config import CameraConfig

STUDIO = {"type": "simulated", "studio": {"size": (160, 120), "cameras": 4}}


class WrongClock(MachineClock):
    """Ahead of this machine's, and faster."""

    def __init__(self, offset_ns: int, drift_ppm: float) -> None:
        self.offset_ns = offset_ns
        self._drift = drift_ppm * 1e-6
        self.begin_ns = time.monotonic_ns()

    def stamp(self, monotonic_ns: int) -> int:
        since = monotonic_ns - self.begin_ns
        return monotonic_ns + self.offset_ns + round(since * self._drift)

    def unstamp(self, stamp_ns: int) -> int:
        since = stamp_ns - self.offset_ns - self.begin_ns
        return self.begin_ns + since - round(since * self._drift / (1 + self._drift))


class ServedCamera:
    """What ``launch.py grabber`` does, on loopback, until closed."""

    def __init__(
        self,
        driver: dict[str, Any] | None = None,
        *,
        name: str = "cam1",
        fps: float = 60,
        address: str = "tcp://127.0.0.1:*",
        ring: KeyRing | None = None,
        room: Room | None = None,
        clock: MachineClock | None = None,
    ) -> None:
        camera = CameraConfig(name=name, driver=driver or STUDIO, fps=fps)
        self._listener = Listener(tcp_address(address, key="address", any_port=True), ring)
        self.address = self._listener.endpoint
        self.server = CameraServer(camera, self._listener, room, clock)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="served camera")
        self._thread.start()

    def _run(self) -> None:
        self.server.run(lambda: not self._stop.is_set())

    def close(self) -> None:
        """As with Ctrl-C. Safe to call twice."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            self._listener.close()


def main() -> None:
    """A remote grabber with a wrong clock in a process of its own; says its address and its clock's start."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True)
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--offset-ns", type=int, default=0)
    parser.add_argument("--drift-ppm", type=float, default=0.0)
    parser.add_argument("--size", type=int, nargs=2, default=(160, 120))
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--buffer-s", type=float, default=10.0)
    parser.add_argument("--camera", default="cam1")
    args = parser.parse_args()
    clock = WrongClock(args.offset_ns, args.drift_ppm)
    driver = {"type": "simulated", "studio": {"size": tuple(args.size), "cameras": 4}}
    served = ServedCamera(
        driver,
        name=args.camera,
        fps=args.fps,
        address=args.listen,
        ring=KeyRing(args.keys),
        room=Room(seconds=args.buffer_s),
        clock=clock,
    )
    sys.stdout.write(f"{served.address} {clock.begin_ns}\n")
    sys.stdout.flush()
    sys.stdin.readline()
    served.close()
    sys.stdout.write(f"{json.dumps(served.server.telemetry())}\n")


if __name__ == "__main__":
    main()
