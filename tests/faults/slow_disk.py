"""A disk that is too slow for longer than there is room: memory, drops and the end of the take, drawn.

python -m tests.faults.slow_disk --out docs/images/slow_disk.png     (as root: it mounts a file system)
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline.take.folder import RESERVE_BYTES
from pipeline.take.take import Take
from pipeline.take.verify import check_take
from tests.faults.disks import slow_disk
from tests.faults.faulty_capture import NODES, FaultyCapture
from tests.faults.memory import MemoryWatch

BEFORE_S: Final = 10.0
IMAGE_BYTES: Final = RESERVE_BYTES + (6 << 30)
"""Takes no more room than what is written."""


def main() -> int:
    """Record, slow the disk down, let it recover; 1 when the take is not intact."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", default="640x480", help="of the pictures")
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--limit", type=float, default=0.5, help="MB/s that the slow disk takes")
    parser.add_argument("--slow", type=float, default=60.0, help="seconds for which it is slow")
    parser.add_argument("--after", type=float, default=40.0, help="seconds to go on")
    parser.add_argument("--out", type=Path, default=Path("docs/images/slow_disk.png"))
    args = parser.parse_args()
    width, height = (int(side) for side in args.size.split("x"))
    with tempfile.TemporaryDirectory(prefix="posestage-disk-") as scratch:
        folder = Path(scratch)
        with slow_disk(folder / "disk", folder / "image", IMAGE_BYTES) as disk:
            take = disk.folder / "take"
            seconds = BEFORE_S + args.slow + args.after
            with FaultyCapture(
                folder, seconds, size=(width, height), fps=args.fps, take=take, pipeline="none"
            ) as capture:
                capture.wait_until_recording()
                with MemoryWatch(capture) as memory:
                    started_ns = time.monotonic_ns()
                    changes = [
                        threading.Timer(BEFORE_S, disk.limit, [round(args.limit * 1e6)]),
                        threading.Timer(BEFORE_S + args.slow, disk.limit, [0]),
                    ]
                    for change in changes:
                        change.start()
                    code = capture.wait_until_ended([])
                    for change in changes:
                        change.cancel()
                said = capture.said
            figures = _figures(take, memory, args, started_ns) | {"exit_code": code}
            args.out.parent.mkdir(parents=True, exist_ok=True)
            _draw(args.out, take, memory, args, started_ns)
    sys.stdout.write(said[-2000:] + "\n" + json.dumps(figures, indent=1) + "\n")
    return int(bool(code) or not figures["intact"])


def _figures(folder: Path, memory: MemoryWatch, args: argparse.Namespace, started_ns: int) -> dict[str, Any]:
    check = check_take(folder)
    took = {
        path.stem: path.stat().st_size / 1e6
        for path in sorted((folder / "videos").iterdir())
        if path.is_file()
    }
    full_from_s = BEFORE_S + args.slow / 2

    def mb(node: str, begin: float, end: float) -> float:
        values = [used[node] / 1e6 for at, used in memory.samples if begin <= at < end and node in used]
        return round(float(np.median(values)), 1) if values else float("nan")

    end_s = BEFORE_S + args.slow
    dropped = [
        (row.t_capture_ns - started_ns) / 1e9
        for camera in Take.open(folder).cameras
        for row in Take.open(folder).ledger(camera)
        if row.cause == "recorder_behind"
    ]
    return {
        "intact": check.intact,
        "problems": list(check.problems),
        "ledger": {name: totals.to_dict() for name, totals in check.totals.items()},
        "video_mb": {name: round(size) for name, size in took.items()},
        "first_and_last_drop_s": [round(min(dropped), 1), round(max(dropped), 1)] if dropped else [],
        "memory_mb": {
            node: {
                "before": mb(node, 0, BEFORE_S),
                "first half": mb(node, BEFORE_S, full_from_s),
                "third quarter": mb(node, full_from_s, full_from_s + args.slow / 4),
                "last quarter": mb(node, full_from_s + args.slow / 4, end_s),
                "peak": round(memory.peak(node) / 1e6, 1),
                "after": mb(node, end_s + args.after * 0.7, end_s + args.after),
            }
            for node in ("supervisor", *NODES)
            if memory.peak(node)
        },
        "events": [event.message for event in Take.open(folder).events()],
    }


def _draw(path: Path, folder: Path, memory: MemoryWatch, args: argparse.Namespace, started_ns: int) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (top, bottom) = plt.subplots(2, 1, figsize=(9, 6), sharex=True, layout="constrained")
    for name in ("supervisor", *NODES):
        points = [(at, used[name] / 1e6) for at, used in memory.samples if used.get(name)]
        if points:
            top.plot(*zip(*points, strict=True), label=name, linewidth=1.2)
    top.set_ylabel("memory of its own, MB")
    top.set_ylim(bottom=0)
    top.set_title(f"4 x {args.size}@{args.fps:g} on a disk of {args.limit:g} MB/s for {args.slow:g} s")
    take = Take.open(folder)
    for camera in take.cameras:
        rows = list(take.ledger(camera))
        seconds = (np.array([row.t_capture_ns for row in rows]) - started_ns) / 1e9
        lost = np.cumsum([row.cause == "recorder_behind" for row in rows])
        recorded = sum(row.fate == "recorded" for row in rows)
        bottom.plot(seconds, lost, label=f"{camera}: {recorded} of {len(rows)} recorded")
    bottom.set_ylabel("dropped as recorder_behind")
    bottom.set_xlabel("s")
    for axes in (top, bottom):
        axes.axvspan(BEFORE_S, BEFORE_S + args.slow, color="0.9")
        axes.legend(ncols=2, fontsize=8, frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    raise SystemExit(main())
