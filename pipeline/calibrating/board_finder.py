"""The node that looks for the board in the pictures of running cameras, where otherwise inference is."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from calibration.board import Board
from calibration.board_detector import BoardDetector
from pipeline.calibrating.board_messages import Looked, pack_looked
from pipeline.frames.intake import FRAME_QUEUE, FrameIntake, Instant, Ticket
from pipeline.frames.synchronizer import Synchronizer
from pipeline.processes.node import Node, NodeContext
from pipeline.wire.bus import Bus, Sender
from pipeline.wire.telemetry import Distribution, Drops, Rate

log = logging.getLogger(__name__)

_FOUND_QUEUE: Final = 1000
"""Instants that may wait for the session: a minute and more."""


class BoardFinder(Node):
    """Searches the newest whole instant, all cameras of it side by side, at the pace it can keep.

    Cameras are asked for no more frames than can be searched: a frame that is skipped is never copied. What
    is found goes to whoever keeps it, in a queue, because every found view counts.
    """

    niceness = 2

    def __init__(
        self, context: NodeContext, board: Board, cameras: Sequence[str], rates_hz: Sequence[float]
    ) -> None:
        super().__init__(context)
        self._board = board
        self._cameras = tuple(cameras)
        self._rates_hz = rates_hz
        self._detectors = {name: BoardDetector(board, effort="live") for name in cameras}
        self._pool: ThreadPoolExecutor | None = None
        self._intake: FrameIntake | None = None
        self._found: Sender | None = None
        self._rate = Rate()
        self._detect_ms = Distribution()
        self._drops = Drops()

    def open(self, bus: Bus) -> dict[str, Any]:
        """Listen for frames."""
        synchronizer: Synchronizer[Ticket] = Synchronizer(self._cameras, self._rates_hz)
        frames = bus.receiver(self.context.endpoints.frames, FRAME_QUEUE)
        self._intake = FrameIntake(frames, synchronizer, self._rates_hz)
        self._found = bus.sender(self.context.endpoints.records, _FOUND_QUEUE)
        workers = min(len(self._cameras), os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="board-search")
        return {"board": self._board.words()}

    def step(self) -> bool:
        """Search the newest instant, if there is one."""
        assert self._intake is not None
        instant = self._intake.newest()
        if instant is not None:
            self._search(self._intake, instant)
        return True

    def close(self) -> None:
        """Let go of threads and mappings."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        if self._intake is not None:
            self._intake.close()

    def telemetry(self) -> dict[str, Any]:
        """Rate, search times, drops."""
        return {
            "instants": self._rate.count,
            "fps": round(self._rate.recent_hz, 2),
            "fps_overall": round(self._rate.overall_hz, 3),
            "detect_ms": self._detect_ms.summary(),
            "drops": {**self._drops.summary(), **(self._intake.drops() if self._intake is not None else {})},
        }

    def _search(self, intake: FrameIntake, instant: Instant) -> None:
        assert self._pool is not None and self._found is not None
        started_ns = time.monotonic_ns()
        # One detector per camera and one call at a time for each: they remember what they saw.
        searched = list(self._pool.map(lambda ticket: self._look(intake, ticket), instant.items))
        if not intake.still_valid(instant):
            return  # the pixels were not what we believed
        intake.release(instant)
        detect_ms = (time.monotonic_ns() - started_ns) / 1e6
        payload, arrays = pack_looked([item for item in searched if item is not None], detect_ms)
        if not self._found.send("board_seen", payload, arrays, t_capture_ns=instant.time_ns):
            self._drops.add("session_behind")
        intake.set_pace(time.monotonic_ns() - started_ns)
        self._rate.tick(instant.time_ns)
        self._detect_ms.add(detect_ms)

    def _look(self, intake: FrameIntake, ticket: Ticket | None) -> Looked | None:
        picture = intake.picture(ticket)
        if ticket is None or picture is None:
            return None
        detection = self._detectors[ticket.camera].find(
            ticket.camera, picture, frame=ticket.frame, time_ns=ticket.t_capture_ns
        )
        return Looked(ticket.camera, ticket.frame, ticket.t_capture_ns, detection)
