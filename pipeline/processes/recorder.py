"""The recorder's process: packets to disk, the fate of every frame to the ledger, every pose to the log.

Files are written by a thread of their own. A disk that stalls holds up that thread, not the heartbeat; what
arrives meanwhile waits, bounded, in the cameras' processes, and is dropped and counted there when it is too
much.
"""

from __future__ import annotations

import concurrent.futures
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from pipeline.processes.node import Node, NodeContext
from pipeline.recording.gate import RecordGate
from pipeline.recording.recording import Begun, Recording, with_own
from pipeline.take.errors import DiskFullError
from pipeline.take.header import TakeHeader
from pipeline.take.writer import TakeSummary
from pipeline.wire.bus import Bus, Message, Receiver, WireError
from pipeline.wire.messages import Command

log = logging.getLogger(__name__)

SYNC_S: Final = 0.5
"""How often everything is brought to the disk, and the cameras may let go of what is there."""
_CLOSE_DEADLINE_S: Final = 10.0
"""Silence of all cameras after which a take is closed although not all of them said that they ended."""
_LAST_WORDS_S: Final = 1.5
"""When this process has to end, silence after which nothing more is expected from the cameras."""

_QUEUE: Final = 100
"""Messages taken from each camera's queue in advance; the rest waits, and is bounded, in the grabber."""
_BATCH: Final = 50
_MOST_JOBS: Final = 2
"""Batches in memory: one is written, one waits."""

_SLOW_S: Final = 2.0
"""A batch that takes longer means that the disk is slower than the cameras."""
_BEFORE_LISTENING_S: Final = 1.0
"""A recorder that takes over hears in this time what it has to record; until then nothing is taken."""
_CLOCK_STEP_NS: Final = 20_000_000
"""Between two looks, half a second apart. Keeping a clock right moves it by at most 0.05 % of the time."""


class Recorder(Node):
    """Writes a take. Idle until told to record; closes the take when all cameras have ended.

    ``header`` is what all takes of this session have in common; name, clock and models come with the command.
    """

    def __init__(self, context: NodeContext, header: TakeHeader) -> None:
        super().__init__(context)
        self._header = header
        self._records: Receiver | None = None
        self._recording: Recording | None = None
        self._gate = RecordGate(header.cameras)
        self._last: Recording | None = None
        self._beginning = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="take")
        self._jobs: deque[tuple[Future[Any], Callable[[Any], None], float]] = deque()
        self._listen_at = 0.0
        self._next_sync = 0.0
        self._stop_asked_at: float | None = None
        self._told_slow = False
        self._clock_offset_ns = time.time_ns() - time.monotonic_ns()

    def open(self, bus: Bus) -> dict[str, Any]:
        """Listen for records."""
        self._records = bus.receiver(self.context.endpoints.records, _QUEUE)
        self._listen_at = time.monotonic() + _BEFORE_LISTENING_S
        self.running = True  # needs no common start: it only reacts
        return {}

    def on_command(self, command: Command) -> None:
        """Begin or end a take."""
        if command.kind == "record" and self._recording is None and not self._beginning:
            self._beginning = True
            self._stop_asked_at = None
            folder, header = with_own(self._header, command.details)
            self._do(lambda: Recording.begin(folder, header), self._begun)
        elif command.kind == "event" and (self._recording is not None or self._beginning):
            details = dict(command.details)
            self._do(lambda: self._note(details), _nothing)
        elif command.kind == "stop_recording" and (self._recording is not None or self._beginning):
            self._stop_asked_at = time.monotonic()

    def step(self) -> bool:
        """Have written what has arrived."""
        self._settle()
        now = time.monotonic()
        if len(self._jobs) >= _MOST_JOBS:
            self._wait_for_disk(now)
            return True
        if self._beginning or (self._recording is None and now < self._listen_at):
            time.sleep(0.005)
            return True
        assert self._records is not None
        messages = self._receive(20 if not self._jobs else 5)
        recording = self._recording
        if recording is None:
            return True
        if messages:
            if self._stop_asked_at is not None:
                self._stop_asked_at = now
            self._do(lambda: recording.write(messages), _nothing)
        if now >= self._next_sync:
            self._next_sync = now + SYNC_S
            self._watch_clock(recording)
            self._do(recording.sync, self._synced)
        if self._stop_asked_at is not None and not messages and not self._jobs:
            waited = now - self._stop_asked_at
            if recording.ended or waited > _CLOSE_DEADLINE_S:
                self._close_take()
        return True

    def close(self) -> None:
        """Finish the take that is open, with everything that is on its way."""
        self._finish_jobs()
        recording = self._recording
        if self._records is not None and recording is not None:
            patience = time.monotonic() + _CLOSE_DEADLINE_S
            while not recording.ended and time.monotonic() < patience and self._recording is not None:
                messages = self._receive(round(1000 * _LAST_WORDS_S))
                if not messages:
                    break
                self._do(lambda batch=messages: recording.write(batch), _nothing)  # type: ignore[misc]
                self._finish_jobs()
            if self._recording is not None and self._stop_asked_at is None:
                text = "the recorder was ended without having been told to stop recording"
                now_ns = time.monotonic_ns()
                self._do(lambda: recording.event("interrupted", text, now_ns), _nothing)
        self._finish_jobs()
        self._close_take()
        self._finish_jobs()
        self._thread.shutdown()

    def telemetry(self) -> dict[str, Any]:
        """What has been written to the take that is open, or was last."""
        last = self._last.telemetry() if self._last is not None else {"frames": 0, "bytes": 0, "cameras": {}}
        waits_s = time.monotonic() - self._jobs[0][2] if self._jobs else 0.0
        refused = self._records.refused.summary() if self._records is not None else {}
        return {
            **last,
            "recording": self._recording is not None,
            "disk_waits_s": round(waits_s, 2),
            "refused": refused,
        }

    def _receive(self, timeout_ms: int) -> list[Message]:
        """What has arrived and may be written; the rest is counted by kind."""
        assert self._records is not None
        admitted = []
        for message in self._records.receive_all(timeout_ms=timeout_ms, limit=_BATCH):
            try:
                self._gate.check(message)
            except WireError as error:
                self._records.refuse(error)
            else:
                admitted.append(message)
        return admitted

    # Work for the thread, and what becomes of it

    def _do(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self._jobs.append((self._thread.submit(work), then, time.monotonic()))

    def _settle(self) -> None:
        """Take the results of what is done."""
        while self._jobs and self._jobs[0][0].done():
            future, then, _ = self._jobs.popleft()
            try:
                result = future.result()
            except DiskFullError as error:
                if self._recording is not None:  # else it was said already
                    self._stop_for_space(error)
            else:
                then(result)

    def _finish_jobs(self) -> None:
        while self._jobs:
            concurrent.futures.wait([self._jobs[0][0]])
            self._settle()

    def _wait_for_disk(self, now: float) -> None:
        oldest, _, since = self._jobs[0]
        concurrent.futures.wait([oldest], timeout=0.02)
        if now - since > _SLOW_S and not self._told_slow and self._recording is not None:
            self._told_slow = True
            message = (
                f"{self._recording.folder}: the disk takes the pictures more slowly than the cameras deliver "
                "them; what finds no room is dropped and counted as recorder_behind"
            )
            log.warning("%s", message)
            self.report("event", message, what="disk_slow")
            recording, now_ns = self._recording, time.monotonic_ns()
            self._do(lambda: recording.event("disk_slow", message, now_ns), _nothing)

    def _note(self, details: dict[str, Any]) -> None:
        if self._recording is not None:
            self._recording.event(**details)

    def _begun(self, begun: Begun) -> None:
        self._beginning = False
        if begun.summary is not None:
            self._closed((begun.summary, ""))
            return
        assert begun.recording is not None
        self._recording = self._last = begun.recording
        self._gate = RecordGate(self._header.cameras)
        self._told_slow = False
        folder = begun.recording.folder
        text = f"recording to {folder}" if not begun.resumed else f"recording to {folder} goes on"
        self.report("recording", text, folder=str(folder), resumed=begun.resumed)

    def _synced(self, written: dict[str, list[int]]) -> None:
        if written:
            self.report("written", cameras=written)

    def _watch_clock(self, recording: Recording) -> None:
        """Say when the wall clock was set; capture times do not depend on it."""
        now_ns = time.monotonic_ns()
        offset_ns = time.time_ns() - now_ns
        step_ns, self._clock_offset_ns = offset_ns - self._clock_offset_ns, offset_ns
        if abs(step_ns) > _CLOCK_STEP_NS:
            text = (
                f"the clock of this machine was set by {step_ns / 1e9:+.3f} s; capture times are not affected"
            )
            self._do(
                lambda: recording.event("clock_step", text, now_ns, step_s=round(step_ns / 1e9, 3)), _nothing
            )

    def _stop_for_space(self, error: DiskFullError) -> None:
        log.warning("%s", error)
        self.report("event", str(error), what="disk_full")
        self._close_take()

    def _close_take(self) -> None:
        """Close behind what is still to be written; arranging the poses of a long take takes its time."""
        recording, self._recording = self._recording, None
        self._stop_asked_at = None
        if recording is not None:
            self._do(recording.close, self._closed)

    def _closed(self, closed: tuple[TakeSummary, str]) -> None:
        summary, problem = closed
        if problem:
            log.warning("%s", problem)
            self.report("event", problem, what="disk_full")
        totals = {camera: total.to_dict() for camera, total in summary.totals.items()}
        message = f"take {summary.folder} is closed"
        self.report("take_closed", message, folder=str(summary.folder), totals=totals, poses=summary.poses)


def _nothing(result: Any) -> None:
    del result
