"""What happens to cameras and on the wire, one after the other in one take, and what it cost whom.

python -m tests.faults.camera_events --runs 3
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import zmq

from pipeline.take.take import Take
from pipeline.take.verify import check_take
from pipeline.wire.bus import encode
from pipeline.wire.messages import Envelope, FrameReady, FrameRecord, PacketInfo, Report
from tests.faults.faulty_capture import CAMERAS, FaultyCapture
from tests.faults.webcams import FOLDER, Webcams

VICTIM: Final = "cam2"
REST_S: Final = 2.0
"""Between two events."""
FPS: Final = 30.0


@dataclass
class Event:
    """Of one run.

    Attributes:
        name: What happened.
        lasted_s: For how long.
        lost: Frames of the victim that were captured and not recorded because of it, by cause.
        back_s: From its end to the victim's next recorded picture.
    """

    name: str
    lasted_s: float
    begin_ns: int = 0
    end_ns: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    back_s: float | None = None


@dataclass
class Run:
    """Everything of one take.

    Attributes:
        lost_by_others: Frames of the other cameras that were captured and not recorded, by cause.
        pause_of_others_s: Their longest time without a recorded picture, less one period.
    """

    events: list[Event]
    intact: bool
    problems: list[str]
    lost_by_others: dict[str, int]
    pause_of_others_s: float
    told: list[str]


SERIES: Final = (
    ("unplugged and plugged in again", 0.5),
    ("unplugged and plugged in again", 4.0),
    ("unplugged and plugged in again", 12.0),
    ("silent", 2.0),
    ("damaged pictures", 1.0),
    ("its clock 5 s ahead", 1.0),
    ("messages of another version", 1.0),
    ("oversized messages", 1.0),
    ("no messages at all: random bytes", 1.0),
)
"""What, and for how many seconds."""


def run(folder: Path, series: Sequence[tuple[str, float]] = SERIES) -> Run:
    """Record four webcams and do it all to one of them; to nobody in particular what strangers send."""
    folder.mkdir(parents=True)
    webcams = Webcams(folder / "dev", CAMERAS)
    events = [Event(name, lasted_s) for name, lasted_s in series]
    # Half as long again, as a busy machine does nothing on time.
    seconds = 1.5 * sum(event.lasted_s + REST_S for event in events) + 2 * REST_S
    with (
        # Names of sockets have 107 characters at most, which the folder of a test may use up.
        tempfile.TemporaryDirectory(prefix="webcams-") as sockets,
        FaultyCapture(
            folder,
            seconds,
            size=(320, 240),
            fps=FPS,
            pipeline="none",
            driver={"type": "usb", "device": "NAME", "backend": "v4l2"},
            program="tests.faults.webcams",
            environment={FOLDER: str(webcams.folder), "TMPDIR": sockets},
        ) as capture,
    ):
        capture.wait_until_recording()
        stranger = Stranger(next(Path(sockets).glob("posestage-*")))
        doings: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
            "unplugged and plugged in again": (
                lambda: webcams.pull_out(VICTIM),
                lambda: webcams.plug_in(VICTIM),
            ),
            "silent": (
                lambda: webcams.set(VICTIM, "stalled"),
                lambda: webcams.clear(VICTIM, "stalled"),
            ),
            "damaged pictures": (
                lambda: webcams.set(VICTIM, "cut_short"),
                lambda: webcams.clear(VICTIM, "cut_short"),
            ),
            "its clock 5 s ahead": (
                lambda: webcams.set(VICTIM, "clock", str(5 * 10**9)),
                lambda: webcams.clear(VICTIM, "clock"),
            ),
            "messages of another version": (stranger.other_version, lambda: None),
            "oversized messages": (stranger.oversized, lambda: None),
            "no messages at all: random bytes": (stranger.rubbish, lambda: None),
        }
        for event in events:
            time.sleep(REST_S)
            begin, end = doings[event.name]
            event.begin_ns = time.monotonic_ns()
            begin()
            time.sleep(event.lasted_s)
            end()
            event.end_ns = time.monotonic_ns()
        stranger.close()
        children = capture.children()
        code = capture.wait_until_ended(children)
        said = capture.said
    if code:
        raise AssertionError(said)
    return _judge(capture.take, events, said)


class Stranger:
    """Somebody on this machine who writes to a session's addresses what nobody should."""

    def __init__(self, folder: Path) -> None:
        self._context = zmq.Context()
        self._sockets = []
        for channel in ("records", "reports"):
            socket = self._context.socket(zmq.PUSH)
            socket.setsockopt(zmq.SNDTIMEO, 1000)
            socket.connect(f"ipc://{folder}/{channel}")
            self._sockets.append(socket)

    def other_version(self) -> None:
        """A hundred messages of version 99, else in order."""
        for parts in _good_messages():
            envelope = msgspec.msgpack.decode(parts[1], type=Envelope)
            changed = msgspec.msgpack.encode(msgspec.structs.replace(envelope, v=99))
            self._send([parts[0], changed, *parts[2:]])

    def oversized(self) -> None:
        """A hundred with headers of 5 MB, and one with a part of 65 MB."""
        for parts in _good_messages():
            self._send([parts[0], parts[1] + bytes(5 << 20)])
        self._send([b"frame_record", bytes(100), bytes(65 << 20)])

    def rubbish(self) -> None:
        """Three hundred, of one to four parts."""
        dice = np.random.default_rng(0)
        topics = [parts[0] for parts in _good_messages()]
        for number in range(300):
            parts = [dice.bytes(int(dice.integers(0, 400))) for _ in range(int(dice.integers(1, 5)))]
            if number % 2:
                parts[0] = topics[number % len(topics)]
            self._send(parts)

    def close(self) -> None:
        """Leave."""
        for socket in self._sockets:
            socket.close(linger=0)
        self._context.term()

    def _send(self, parts: list[bytes]) -> None:
        for socket in self._sockets:
            try:
                socket.send_multipart(parts)
            except zmq.Again:  # it was hung up on
                continue


def _good_messages() -> list[list[bytes]]:
    """A hundred that would do harm if they were believed."""
    t_ns = time.monotonic_ns()
    record = FrameRecord("cam1", 10**6, "", [PacketInfo(t_ns, t_ns, True)])
    kinds: list[tuple[str, msgspec.Struct, list[bytes]]] = [
        ("frame_record", record, [b"\xff\xd8 no picture"]),
        ("report", Report("recorder", 1, "failed", "it is over", {}), []),
        ("frame", FrameReady("cam1", 10**6, "posestage-1-cam1", 0, 1), []),
    ]
    return [
        [*encode(topic, payload, t_capture_ns=t_ns), *frames]
        for topic, payload, frames in (kinds[number % len(kinds)] for number in range(100))
    ]


def _judge(folder: Path, events: list[Event], said: str) -> Run:
    check = check_take(folder)
    take = Take.open(folder)
    victim = take.ledger(VICTIM)
    times = np.array([row.t_capture_ns for row in victim.recorded], np.int64)
    ends = [event.begin_ns for event in events[1:]] + [int(times[-1]) + 1]
    for event, until_ns in zip(events, ends, strict=True):
        event.lost = dict(
            Counter(
                row.cause
                for row in victim.rows
                if row.fate == "dropped" and event.begin_ns - 10**8 <= row.t_capture_ns < until_ns
            )
        )
        after = times[times >= event.end_ns]
        event.back_s = round((int(after[0]) - event.end_ns) / 1e9, 3) if after.size else None
    lost: Counter[str] = Counter()
    pauses = []
    for camera in take.cameras:
        if camera != VICTIM:
            ledger = take.ledger(camera)
            lost.update(ledger.totals.dropped)
            recorded = np.array([row.t_capture_ns for row in ledger.recorded], np.int64)
            pauses.append(float(np.diff(recorded).max()) / 1e9 - 1 / FPS)
    told = [f"{event.kind}: {event.message}" for event in take.events()]
    told += [line for line in said.splitlines() if "refused a message" in line]
    return Run(events, check.intact, list(check.problems), dict(lost), round(max(pauses), 3), told)


def table(runs: list[Run]) -> str:
    """One line for each event, in Markdown."""
    lines = [
        "| event | runs | lost by the victim, by cause, a run | back after, s (longest) |",
        "| --- | --- | --- | --- |",
    ]
    for place, event in enumerate(runs[0].events):
        same = [one.events[place] for one in runs]
        lost: Counter[str] = Counter()
        for one in same:
            lost.update(one.lost)
        each = ", ".join(f"{cause} {count / len(runs):.1f}" for cause, count in lost.items()) or "0"
        back = [one.back_s if one.back_s is not None else math.inf for one in same]
        lines.append(
            f"| {event.name}, {event.lasted_s:g} s | {len(runs)} | {each} "
            f"| {statistics.median(back):.2f} ({max(back):.2f}) |"
        )
    others: Counter[str] = Counter()
    for one in runs:
        others.update(one.lost_by_others)
    pause_s = max(one.pause_of_others_s for one in runs)
    lines.append(
        f"\ntakes intact: {sum(one.intact for one in runs)} of {len(runs)}; "
        f"lost by others: {dict(others) or 0}; their longest pause: {pause_s:.3f} s"
    )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run it; 1 when a take was not intact."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, help="keeps takes and runs.jsonl")
    args = parser.parse_args()
    runs = []
    with tempfile.TemporaryDirectory(prefix="posestage-events-") as scratch:
        out = args.out or Path(scratch)
        out.mkdir(parents=True, exist_ok=True)
        for number in range(args.runs):
            folder = out / f"run{number}"
            shutil.rmtree(folder, ignore_errors=True)
            runs.append(run(folder))
            with (out / "runs.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(asdict(runs[-1])) + "\n")
    sys.stdout.write(table(runs))
    return int(not all(one.intact for one in runs))


if __name__ == "__main__":
    raise SystemExit(main())
