"""How evenly and completely the cameras delivered."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.frames.frame import INTRA_ONLY
from pipeline.take.errors import TakeError
from pipeline.take.instants import Timeline
from pipeline.take.ledger import Ledger, LedgerTotals
from pipeline.take.take import Take
from pipeline.take.unshown import Unshown, find_unshown
from pipeline.take.video_file import RecordedVideo, video_codec


@dataclass(frozen=True)
class CameraMeasures:
    """One camera.

    Attributes:
        name: Of the camera.
        totals: Counts of the ledger.
        problem: What is wrong with the ledger, empty when it verifies.
        nominal_hz: Rate asked for in the rig, None when it does not say.
        measured_hz: Captured frames over time; NaN with fewer than two.
        lost: Frames that the source itself skipped (jumps of the frame index).
        times_s: (N,) capture times since the start of the take, all rows.
        dropped: (N,) whether the frame was dropped.
        intervals_ms: (N - 1,) between neighbouring captures.
        unshown: Recorded frames that lack what their pictures build on.
    """

    name: str
    totals: LedgerTotals
    problem: str
    nominal_hz: float | None
    measured_hz: float
    lost: int
    times_s: NDArray[np.float64]
    dropped: NDArray[np.bool_]
    intervals_ms: NDArray[np.float64]
    unshown: Unshown = field(default_factory=Unshown)

    @property
    def dropped_share(self) -> float:
        """Frames that are missing in the video over all that there should be, 0 to 1."""
        expected = self.totals.captured + self.lost
        return (expected - self.totals.recorded) / expected if expected else 0.0

    @property
    def jitter_ms(self) -> float:
        """Median distance of a capture time from the middle of its neighbours; NaN with fewer than three.

        As ``Synchronizer.jitter_ms`` has it live; next to a lost frame nothing is counted.
        """
        steps = self.intervals_ms
        if len(steps) < 2:
            return float("nan")
        whole = steps < 1.8 * np.median(steps)
        uneven = np.abs(np.diff(steps))[whole[1:] & whole[:-1]] / 2
        return float(np.median(uneven)) if len(uneven) else float("nan")

    def interval_percentile(self, percent: float) -> float:
        """Percentile of the intervals, ms; NaN without any."""
        return float(np.percentile(self.intervals_ms, percent)) if len(self.intervals_ms) else float("nan")


def measure_cameras(take: Take) -> list[CameraMeasures]:
    """Measure every camera of a take."""
    nominal = {
        str(camera.get("name")): camera.get("fps")
        for camera in take.header.rig.get("cameras", ())
        if isinstance(camera, dict)
    }
    return [_measure(take, camera, nominal.get(camera)) for camera in take.cameras]


def _measure(take: Take, camera: str, nominal_hz: float | None) -> CameraMeasures:
    ledger = take.ledger(camera)
    times_ns = ledger.times_ns
    indices = np.array([row.index for row in ledger], np.int64)
    span_s = (times_ns[-1] - times_ns[0]) / 1e9 if len(times_ns) > 1 else 0.0
    return CameraMeasures(
        name=camera,
        totals=ledger.totals,
        problem=ledger.problem,
        nominal_hz=float(nominal_hz) if nominal_hz else None,
        measured_hz=(len(times_ns) - 1) / span_s if span_s > 0 else float("nan"),
        lost=int(np.maximum(np.diff(indices) - 1, 0).sum()),
        times_s=(times_ns - take.header.origin_ns) / 1e9,
        dropped=np.array([row.fate == "dropped" for row in ledger], bool),
        intervals_ms=np.diff(times_ns) / 1e6,
        unshown=_unshown(take, camera, ledger),
    )


def _unshown(take: Take, camera: str, ledger: Ledger) -> Unshown:
    path = take.video_path(camera)
    if path is None or video_codec(path) in {"", *INTRA_ONLY}:
        return Unshown()
    try:
        return find_unshown(RecordedVideo(path), ledger, take.header.origin_ns)
    except TakeError:  # that it cannot be read is said elsewhere
        return Unshown()


def measure_skew(take: Take, timeline: Timeline) -> NDArray[np.float64]:
    """How far each camera's picture lies from the middle one of its instant.

    Returns:
        (T, V) ms, later is positive; NaN where a camera has no picture or is alone.
    """
    times = np.full(timeline.rows.shape, np.nan)
    for at, camera in enumerate(take.cameras):
        recorded = np.array([row.t_capture_ns for row in take.ledger(camera).recorded], np.int64)
        there = timeline.grouped[:, at]
        # Relative to the instant first: doubles hold nanoseconds of days only roughly.
        times[there, at] = (recorded[timeline.rows[there, at]] - timeline.times_ns[there]) / 1e6
    alone = np.isfinite(times).sum(axis=1) < 2
    times[alone] = np.nan
    skew = np.full(times.shape, np.nan)
    if (~alone).any():
        skew[~alone] = times[~alone] - np.nanmedian(times[~alone], axis=1, keepdims=True)
    return skew
