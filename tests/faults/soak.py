"""A long recording with poses, watched: memory, latency, ledger; the second part of ``make soak``.

python -m tests.faults.soak --minutes 30 --out docs/images/soak.png
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.take.take import Take
from pipeline.take.verify import check_take
from pipeline.wire.bus import Bus
from tests.faults.faulty_capture import NODES, FaultyCapture
from tests.faults.load import LoadWatch
from tests.faults.memory import MemoryWatch
from tests.faults.watch import Watch

WARM_UP: Final = 0.1
"""Of the duration: caches fill, models see their first people. Growth and drift are measured after it."""


def main() -> int:
    """Record, watch, draw; 1 when the take is not intact or memory grew by 5 % or more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--size", default="640x480", help="of the pictures")
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--pipeline", default="noisy_truth")
    parser.add_argument("--out", type=Path, default=Path("docs/images/soak.png"))
    parser.add_argument("--figures", type=Path, default=Path("build/soak.json"))
    parser.add_argument("--folder", type=Path, help="where the take goes; kept then")
    args = parser.parse_args()
    width, height = (int(side) for side in args.size.split("x"))
    with tempfile.TemporaryDirectory(prefix="posestage-soak-") as scratch:
        folder = args.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        seconds = 60 * args.minutes
        address = f"tcp://127.0.0.1:{free_port()}"
        with FaultyCapture(
            folder, seconds, size=(width, height), fps=args.fps, pipeline=args.pipeline, address=address
        ) as capture:
            capture.wait_until_recording()
            with (
                MemoryWatch(capture, every_s=max(0.5, seconds / 600)) as memory,
                LatencyWatch(address) as heard,
                LoadWatch(capture.process.pid, every_s=max(0.5, seconds / 360)) as load,
            ):
                code = capture.wait_until_ended([])
        if code:
            sys.stdout.write(capture.said)
            return 1
        check = check_take(capture.take)
        latency = heard.series()
        figures = {
            "minutes": args.minutes,
            "cameras": f"4 x {args.size}@{args.fps:g}",
            "pipeline": args.pipeline,
            "intact": check.intact,
            "problems": list(check.problems),
            "ledger": {name: totals.to_dict() for name, totals in check.totals.items()},
            "poses": check.poses,
            "memory": growth(memory, seconds),
            "latency_ms": drift(*latency),
            "processors": {"used": round(load.mean(1), 2), "used_by_others": round(load.mean(2), 2)},
            "events": capture.result()["events"],
        }
        args.figures.parent.mkdir(parents=True, exist_ok=True)
        args.figures.write_text(json.dumps(figures, indent=1), encoding="utf-8")
        series = {
            "memory": memory.samples,
            "latency": [part.tolist() for part in latency],
            "load": load.samples,
        }
        args.figures.with_suffix(".series.json").write_text(json.dumps(series), encoding="utf-8")
        sys.stdout.write(json.dumps(figures) + "\n")
        args.out.parent.mkdir(parents=True, exist_ok=True)
        draw(args.out, memory, latency, load, Take.open(capture.take), figures)
    grown = figures["memory"]["all"]["growth_percent"]
    return int(not check.intact or grown >= 5.0)


class LatencyWatch(Watch):
    """Subscribes to the poses as any other program would, and notes how old each was when it was sent."""

    def __init__(self, address: str) -> None:
        super().__init__("latency-watch")
        self._address = address
        self._times_ns: list[int] = []
        self._latency_ms: list[float] = []

    def series(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(T,) seconds since the first pose and (T,) ms from capture to pose."""
        times_ns = np.array(self._times_ns, np.int64)
        times_s = (times_ns - times_ns[0]) / 1e9 if times_ns.size else np.zeros(0)
        return times_s, np.array(self._latency_ms)

    def _watch(self) -> None:
        with Bus() as bus:
            receiver = bus.subscriber(self._address, "poses", queue=1000)
            while not self._stop.is_set():
                for message in receiver.receive_all(timeout_ms=100):
                    self._times_ns.append(message.t_capture_ns)
                    self._latency_ms.append(message.payload.latency_ns / 1e6)


def free_port() -> int:
    """A port of this machine that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def growth(memory: MemoryWatch, seconds: float) -> dict[str, dict[str, float]]:
    """MB of each node after warming up and at the end: the medians of a tenth of the run each."""

    def of(select: Any) -> dict[str, float]:
        values = [(at, select(used)) for at, used in memory.samples]
        early = [mb for at, mb in values if WARM_UP * seconds <= at < 2 * WARM_UP * seconds and mb]
        late = [mb for at, mb in values if at >= (1 - WARM_UP) * seconds and mb]
        if not early or not late:
            return {"growth_percent": 0.0}
        first, last = float(np.median(early)), float(np.median(late))
        return {
            "first_mb": round(first / 1e6, 2),
            "last_mb": round(last / 1e6, 2),
            "growth_percent": round(100 * (last / first - 1), 2),
        }

    nodes = {name: of(lambda used, name=name: used.get(name, 0)) for name in ("supervisor", *NODES)}
    # While the processes start and end not all of them are there.
    whole = len(NODES) + 1
    return {**nodes, "all": of(lambda used: sum(used.values()) if len(used) == whole else 0)}


def drift(times_s: NDArray[np.float64], latency_ms: NDArray[np.float64]) -> dict[str, float]:
    """p50 and p95 in the first and in the last third, and the slope of a line through all, ms a minute."""
    if len(times_s) < 30:
        return {}
    thirds = np.array_split(latency_ms, 3)
    slope = np.polyfit(times_s / 60, latency_ms, 1)[0]
    return {
        "p50_first_third": round(float(np.percentile(thirds[0], 50)), 2),
        "p50_last_third": round(float(np.percentile(thirds[2], 50)), 2),
        "p95_first_third": round(float(np.percentile(thirds[0], 95)), 2),
        "p95_last_third": round(float(np.percentile(thirds[2], 95)), 2),
        "slope_ms_per_minute": round(float(slope), 4),
    }


def draw(
    path: Path,
    memory: MemoryWatch,
    latency: tuple[NDArray[np.float64], NDArray[np.float64]],
    load: LoadWatch,
    take: Take,
    figures: dict[str, Any],
) -> None:
    """Memory, latency, load and ledger over time."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (top, middle, low, bottom) = plt.subplots(
        4, 1, figsize=(9, 10), sharex=True, layout="constrained"
    )
    for name in ("supervisor", *NODES):
        points = [(at / 60, used[name] / 1e6) for at, used in memory.samples if used.get(name)]
        if points:
            top.plot(*zip(*points, strict=True), label=name, linewidth=1.2)
    top.set_ylabel("memory of its own, MB")
    top.set_ylim(bottom=0)
    top.legend(ncols=4, fontsize=8, frameon=False)
    top.set_title(f"{figures['minutes']:g} minutes, {figures['cameras']}, pipeline {figures['pipeline']}")
    times_s, latency_ms = latency
    if len(times_s):
        edges = np.linspace(0, times_s[-1], 61)
        places = np.digitize(times_s, edges) - 1
        middles, p50, p95 = [], [], []
        for place in range(60):
            chosen = latency_ms[places == place]
            if len(chosen):
                middles.append((edges[place] + edges[place + 1]) / 120)
                p50.append(np.percentile(chosen, 50))
                p95.append(np.percentile(chosen, 95))
        middle.plot(middles, p50, label="p50")
        middle.plot(middles, p95, label="p95")
        middle.legend(frameon=False, fontsize=8)
    middle.set_ylabel("capture to pose, ms")
    middle.set_ylim(bottom=0)
    minutes = [at / 60 for at, _, _ in load.samples]
    low.plot(minutes, [own for _, own, _ in load.samples], label="the capture")
    low.plot(minutes, [others for _, _, others in load.samples], label="other programs", linewidth=1)
    low.set_ylabel("processors used")
    low.set_ylim(bottom=0)
    low.legend(frameon=False, fontsize=8)
    for camera in take.cameras:
        ledger = take.ledger(camera)
        minutes = (ledger.times_ns - take.header.origin_ns) / 60e9
        recorded = np.cumsum([row.fate == "recorded" for row in ledger])
        missing = np.arange(1, len(recorded) + 1) - recorded
        bottom.plot(minutes, missing, label=f"{camera}: {recorded[-1] if len(recorded) else 0} recorded")
    bottom.set_ylabel("frames not recorded")
    bottom.set_xlabel("minutes")
    bottom.legend(ncols=4, fontsize=8, frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    raise SystemExit(main())
