"""Figures of docs/remote.md across network namespaces, as root: ``python -m tests.pipeline.remote.trial``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.drivers.base import CameraSettings
from pipeline.frames.frame import Frame
from pipeline.remote.driver import RemoteConfig, RemoteDriver
from pipeline.remote.keys import KeyRing, key_text
from tests.support.impaired_wire import Impairment, Wire
from tests.support.remote_camera import WrongClock

OFFSET_NS = 123_456_789_012_345
PERIOD_S = 1 / 30


@dataclass
class Far:
    """A remote grabber behind a wire, and the driver that talks to it."""

    wire: Wire
    process: subprocess.Popen[str]
    driver: RemoteDriver
    clock: WrongClock
    address: str

    def end(self) -> dict[str, Any]:
        """Stop the far side; its own books."""
        assert self.process.stdin is not None and self.process.stdout is not None
        if self.process.poll() is None:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        said = self.process.stdout.read()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        books: dict[str, Any] = json.loads(said)
        return books


def key_rings(folder: Path) -> tuple[Path, Path]:
    """Folders with keys of host and camera machine that trust each other."""
    host, far = KeyRing(folder / "host"), KeyRing(folder / "far")
    host_key, far_key = host.create(), far.create()
    host.trust("far", key_text(far_key.public))
    far.trust("host", key_text(host_key.public))
    return host.folder, far.folder


@contextmanager
def far_camera(impairment: Impairment, drift_ppm: float, *options: str) -> Iterator[Far]:
    """A 160x120 camera at 30 fps in another namespace."""
    with tempfile.TemporaryDirectory() as folder, Wire(impairment) as wire:
        host_keys, far_keys = key_rings(Path(folder))
        process = subprocess.Popen(
            ["ip", "netns", "exec", wire.namespace, sys.executable, "-m", "tests.support.remote_camera",
             "--listen", f"tcp://{wire.there}:*", "--keys", str(far_keys), "--offset-ns", str(OFFSET_NS),
             "--drift-ppm", str(drift_ppm), *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
        )  # fmt: skip
        try:
            assert process.stdout is not None
            address, begin = process.stdout.readline().split()
            clock = WrongClock(OFFSET_NS, drift_ppm)
            clock.begin_ns = int(begin)
            config = RemoteConfig(address=address, machine="far", keys=str(host_keys), timeout_s=20)
            driver = RemoteDriver(config, CameraSettings("far", None, None, 0))
            with driver:
                yield Far(wire, process, driver, clock, address)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()


def clock_error(impairment: Impairment, seconds: float) -> dict[str, float]:
    """How wrong capture times are, us, while pictures flow."""
    drift_ppm = 37.0
    with far_camera(impairment, drift_ppm) as far:
        far.driver.start(time.monotonic_ns() + 100_000_000)
        errors, sigmas, frames = [], [], 0
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            frames += far.driver.read(0.05) is not None
            estimate = far.driver._link.clock if far.driver._link is not None else None
            if estimate is not None:
                now = time.monotonic_ns()
                errors.append((estimate.to_host(far.clock.stamp(now)) - now) / 1e3)
                sigmas.append(estimate.sigma_ns / 1e3)
        assert estimate is not None
        late = np.abs(errors[len(errors) // 4 :])
        return {
            "p50_us": float(np.median(late)),
            "p95_us": float(np.percentile(late, 95)),
            "max_us": float(late.max()),
            "max_all_us": float(np.abs(errors).max()),
            "sigma_us": sigmas[-1],
            "within_2_sigma": float(np.mean(np.abs(errors) <= 2 * np.array(sigmas))),
            "bound_us": estimate.bound_ns / 1e3,
            "drift_error_ppm": abs(estimate.drift * 1e6 - drift_ppm),
            "round_trip_ms": estimate.round_trip_ns / 1e6,
            "frames": frames,
        }


def cut(seconds: float, buffer_s: float, *, unplug: bool, impairment: Impairment) -> dict[str, Any]:
    """A cable that is out for a while: how soon frames flow again, and what is missing."""
    with far_camera(impairment, 37.0, "--buffer-s", str(buffer_s)) as far:
        far.driver.start(time.monotonic_ns() + 100_000_000)
        frames: list[Frame] = []

        def film(until_s: float) -> float:
            """Returns when the first frame that was captured in this time arrived."""
            began, first = time.monotonic_ns(), 0.0
            while time.monotonic() < until_s:
                frame = far.driver.read(0.02)
                if frame is None:
                    continue
                frames.append(Frame(frame.camera, frame.index, frame.t_capture_ns, None, (), frame.cause))
                if not first and not frame.cause and frame.t_capture_ns > began:
                    first = time.monotonic()
            return first

        def connected(on: bool) -> None:
            if unplug:
                far.wire.plug(on)
            else:
                far.wire.set(cut=not on)

        film(time.monotonic() + 4.0)
        connected(False)
        film(time.monotonic() + seconds)
        connected(True)
        back = time.monotonic()
        first = film(back + 8.0)
        steps = np.diff([frame.t_capture_ns for frame in frames]) / 1e9
        notes = [note.kind for note in far.driver.notes()]
        far.driver.close()
        return {
            "cut_s": seconds,
            "back_after_s": first - back,
            "captured": len(frames),
            "dropped": dict(Counter(frame.cause for frame in frames if frame.cause)),
            "largest_step_ms": float(steps.max() * 1e3),
            "in_order": bool((np.diff([frame.index for frame in frames]) == 1).all()),
            "notes": notes,
            "sender": far.end(),
        }


def main() -> None:
    """Print a table of each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("what", nargs="*", default=["clock", "cut"])
    args = parser.parse_args()
    if "clock" in args.what:
        for impairment in (
            Impairment(),
            Impairment(delay_ms=20),
            Impairment(delay_ms=20, jitter_ms=2),
            Impairment(delay_ms=20, loss=0.01),
            Impairment(delay_ms=20, jitter_ms=2, loss=0.01),
        ):
            figures = clock_error(impairment, args.seconds)
            print(impairment, {name: round(value, 3) for name, value in figures.items()}, flush=True)  # noqa: T201
    if "cut" in args.what:
        for seconds, buffer_s, unplug, impairment in (
            (2.0, 10.0, True, Impairment()),
            (5.0, 10.0, False, Impairment()),
            (5.0, 10.0, False, Impairment(delay_ms=20, loss=0.01)),
            (8.0, 3.0, True, Impairment()),
            (20.0, 3.0, False, Impairment(delay_ms=20, loss=0.01)),
        ):
            print(impairment, cut(seconds, buffer_s, unplug=unplug, impairment=impairment), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
