"""How fast pictures get from several processes to one, ours against other ways, in one run.

Producers are processes of their own, the consumer is this one. Each way is run twice: as fast as it goes,
for frames per second and processor time per frame, and at a camera's pace, for the time from a picture's
hand-over until the consumer has looked at it. A picture is drawn before it is handed over, as a camera's
driver does it: ours into shared memory, where the live pipeline has it drawn, the others into their own. As
fast as it goes nothing is drawn anew, as that would measure the drawing; ``posestage_copied`` says what
ours does when a driver cannot draw there and each picture is copied once.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, Final

import numpy as np

from configs.errors import PosestageError
from pipeline.benchmarks.transports import PAGE, TRANSPORTS, PictureReceiver, Transport
from pipeline.frames.frame import Image
from pipeline.frames.ring import unlink_rings_of
from pipeline.wire.telemetry import Distribution

_WARM_UP: Final = 5
"""Pictures of each producer before it counts."""
_START_S: Final = 60.0

Size = tuple[int, int]


def benchmark_transport(
    ways: Sequence[str],
    *,
    producers: Sequence[int] = (1, 4, 8),
    sizes: Sequence[Size] = ((1280, 720), (1920, 1080)),
    fps: float = 30.0,
    seconds: float = 3.0,
    stride: int = PAGE,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measure.

    Args:
        ways: Names in ``TRANSPORTS``.
        producers: Numbers of processes that send.
        sizes: (width, height) px.
        fps: Pace of each producer when latency is measured.
        seconds: How long each measurement takes.
        stride: The consumer looks at one byte in so many.
        progress: Called with what is being measured.

    Returns:
        One row per size, number and way: frames per second and CPU ms per frame at full speed, latency in ms
        and CPU ms per frame at the pace; and how many times faster ours is than each other way.

    Raises:
        MissingExtraError: A way needs a package that is not installed.
    """
    made = {name: TRANSPORTS.load(name)() for name in ways}
    rows = []
    for size in sizes:
        for count in producers:
            for name, way in made.items():
                progress(f"{name}, {count} x {size[0]}x{size[1]}")
                fast = _measure(way, name, count, size, 0.0, seconds, stride)
                paced = _measure(way, name, count, size, fps, seconds, stride)
                rows.append(
                    {
                        "size": f"{size[0]}x{size[1]}",
                        "producers": count,
                        "way": name,
                        "fps": round(fast["fps"], 1),
                        "cpu_ms": round(fast["cpu_ms"], 3),
                        "paced_fps": round(paced["fps"], 1),
                        "latency_ms": paced["latency_ms"],
                        "paced_cpu_ms": round(paced["cpu_ms"], 3),
                    }
                )
    return {
        "fps_asked": fps,
        "seconds": seconds,
        "read_stride": stride,
        "rows": rows,
        "times_faster": _ratios(rows),
    }


def _ratios(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        ours = [
            other["fps"]
            for other in rows
            if (other["size"], other["producers"], other["way"])
            == (row["size"], row["producers"], "posestage")
        ]
        if ours and row["way"] != "posestage":
            ratio = round(ours[0] / row["fps"], 2) if row["fps"] else None
            found.append(
                {"size": row["size"], "producers": row["producers"], "than": row["way"], "ratio": ratio}
            )
    return found


def _measure(
    way: Transport, name: str, count: int, size: Size, fps: float, seconds: float, stride: int
) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    stop, go = context.Event(), context.Event()
    with tempfile.TemporaryDirectory(prefix="ps-wire-") as place:
        receiver = way.receiver(place, stride)
        children, pipes = [], []
        try:
            for number in range(count):
                ours, theirs = context.Pipe(duplex=False)
                child = context.Process(
                    target=_produce,
                    args=(name, place, f"bench{number}", size, fps, go, stop, theirs),
                    daemon=True,
                )
                child.start()
                theirs.close()
                children.append(child)
                pipes.append(ours)
            _warm_up(receiver, count, children)
            go.set()
            latency = Distribution(capacity=1_000_000)
            started, cpu = time.monotonic(), time.process_time()
            while time.monotonic() - started < seconds:
                t_ns = receiver.receive()
                if t_ns is not None:
                    latency.add((time.monotonic_ns() - t_ns) / 1e6)
            elapsed, cpu = time.monotonic() - started, time.process_time() - cpu
            stop.set()
            while any(child.is_alive() for child in children) and time.monotonic() - started < seconds + 10:
                receiver.receive()  # nobody may hang in a full queue
            reports = [pipe.recv() for pipe in pipes if pipe.poll(1.0)]
        finally:
            stop.set()
            for child in children:
                child.join(5.0)
                if child.is_alive():
                    child.kill()
                    child.join()
                    unlink_rings_of(child.pid or -1)
            for pipe in pipes:
                pipe.close()
            receiver.close()
    if len(reports) != count or not latency.count:
        raise PosestageError(f"{name} with {count} producers: only {len(reports)} of them ended in order")
    sent = sum(report["sent"] for report in reports)
    return {
        "fps": latency.count / elapsed,
        "latency_ms": {key: latency.summary()[key] for key in ("p50", "p99", "max")},
        "cpu_ms": 1e3 * (cpu / latency.count + sum(report["cpu"] for report in reports) / max(sent, 1)),
    }


def _warm_up(receiver: PictureReceiver, count: int, children: Sequence[Any]) -> None:
    received, deadline = 0, time.monotonic() + _START_S
    while received < _WARM_UP * count:
        received += receiver.receive() is not None
        if time.monotonic() > deadline or any(child.exitcode for child in children):
            raise PosestageError("a producer did not start")


def _produce(
    name: str, place: str, camera: str, size: Size, fps: float, go: Any, stop: Any, report: Connection
) -> None:
    """Body of a producer's process."""
    picture = wall_picture(size)
    sender = TRANSPORTS.load(name)().sender(place, camera, size)
    period = 1.0 / fps if fps else 0.0
    due = time.monotonic()
    counting, sent, cpu = False, 0, 0.0
    while not stop.is_set():
        if not counting and go.is_set():
            counting, sent, cpu = True, 0, time.process_time()
        drawn = sender.draw(picture, fresh=bool(fps))
        if drawn is not None:
            sent += sender.send(drawn, time.monotonic_ns())
        if period:
            due = max(due + period, time.monotonic() - period)
            time.sleep(max(0.0, due - time.monotonic()))
    report.send({"sent": sent, "cpu": time.process_time() - cpu})
    report.close()
    sender.close()


def wall_picture(size: Size) -> Image:
    """(H, W, 3) BGR: a lit wall with sensor noise, so that JPEG has as much to do as with a real one."""
    width, height = size
    dice = np.random.default_rng(0)
    wall = np.linspace(60, 180, width)[None, :, None] + np.linspace(-30, 30, height)[:, None, None]
    wall = wall + 25 * np.sin(np.arange(width) / 40)[None, :, None]
    noisy = wall + dice.normal(0, 2.5, (height, width, 3))
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)
