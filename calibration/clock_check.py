"""Clocks that are seconds apart: the same motion of the board comes at different times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from calibration.diagnosis import Diagnosis
from calibration.posed_views import PosedViews

Floats = NDArray[np.float64]

STEP_S = 0.04
FARTHEST_S = 30.0
SMOOTH_S = 0.15
LONGEST_GAP_S = 0.5
FEWEST_S = 3.0
"""Of common motion; less agrees by chance."""
GOOD_MATCH = 0.75
"""Correlation of the two speeds; those of different motions stay below 0.7."""
AS_GOOD = 0.1
"""In correlation."""
SMALLEST_OFFSET_S = 0.3
"""Less is a lag, which the solve finds."""


@dataclass(frozen=True)
class ClockOffset:
    """One camera's clock against another's.

    Attributes:
        late_s: How much later the same motion appears in the second camera, s.
        match: Correlation of the two speeds then.
        match_now: The same with the time stamps as they are; NaN where they have no time in common.
    """

    late_s: float
    match: float
    match_now: float


def check_clocks(views: PosedViews) -> Iterator[Diagnosis]:
    """Cameras whose clocks are off by more than a lag."""
    names = views.data.cameras
    late = {}
    shift = _clock_shifts(views)
    for name, seconds in shift.items():
        if abs(seconds) > SMALLEST_OFFSET_S:
            late[name] = seconds
    if not late:
        return
    shifts = list(late.values())
    if len(late) == len(names) - 1 > 1 and np.ptp(shifts) < 0.2:
        late = {names[0]: -float(np.mean(shifts))}
        reference = "the others"
    else:
        reference = names[0]
    for name, seconds in late.items():
        word = "late" if seconds > 0 else "early"
        yield Diagnosis(
            "clock_offset",
            "error",
            f"the time stamps of {name} are off: it shows the board's motion {abs(seconds):.1f} s {word} "
            f"compared with {reference}; start the recordings together or correct its time stamps by "
            f"{-seconds:+.1f} s",
            (name,),
        )


def _clock_shifts(views: PosedViews) -> dict[str, float]:
    """How late each camera's clock is, s, along the pairs whose motions agree best; the first camera is 0."""
    names = views.data.cameras
    pairs = {(a, b): clock_offset(views, a, b) for a in range(len(names)) for b in range(a)}
    known = {0: 0.0}
    while len(known) < len(names):
        best: tuple[float, int, float] | None = None
        for (a, b), offset in pairs.items():
            if offset is None or (a in known) == (b in known):
                continue
            # Time stamps that are nearly as good as the best shift are right.
            late = 0.0 if offset.match_now > offset.match - AS_GOOD else offset.late_s
            new, seconds = (b, known[a] + late) if a in known else (a, known[b] - late)
            if best is None or offset.match > best[0]:
                best = (offset.match, new, seconds)
        if best is None:
            break
        known[best[1]] = best[2]
    return {names[k]: seconds for k, seconds in known.items() if k}


def clock_offset(views: PosedViews, first: int, second: int) -> ClockOffset | None:
    """Shift in time at which two cameras saw the board at the same speed; None where nothing matches."""
    signals = [_speed(views, camera) for camera in (first, second)]
    if any(signal is None for signal in signals):
        return None
    (start_a, a), (start_b, b) = signals  # type: ignore[misc]
    lags = np.arange(-round(FARTHEST_S / STEP_S), round(FARTHEST_S / STEP_S) + 1)
    matches = np.array([_match(a, b, start_b - start_a - int(lag)) for lag in lags])
    if not np.isfinite(matches).any():
        return None
    best = int(np.nanargmax(matches))
    if matches[best] < GOOD_MATCH:
        return None
    return ClockOffset(float(lags[best] * STEP_S), float(matches[best]), float(matches[lags == 0][0]))


def _speed(views: PosedViews, camera: int) -> tuple[int, Floats] | None:
    """First step and speed mm/s of the board's middle at every step; NaN in gaps."""
    data = views.data
    mine = np.flatnonzero((data.camera == camera) & np.isfinite(views.t[:, 0]))
    if len(mine) < 10:
        return None
    middle = data.points.mean(axis=0)
    places = np.einsum("vij,j->vi", views.R[mine], middle) + views.t[mine]
    times = data.time[mine]
    order = np.argsort(times, kind="stable")
    times, places = times[order], places[order]
    keep = np.concatenate([[True], np.diff(times) > 1e-6])
    times, places = times[keep], places[keep]
    first, last = round(times[0] / STEP_S), round(times[-1] / STEP_S)
    grid = np.arange(first, last + 1) * STEP_S
    if len(grid) < FEWEST_S / STEP_S:
        return None
    path = np.stack([np.interp(grid, times, places[:, axis]) for axis in range(3)], axis=1)
    width = 2 * round(SMOOTH_S / STEP_S) + 1
    kernel = np.hanning(width + 2)[1:-1]
    path = np.stack(
        [np.convolve(path[:, axis], kernel / kernel.sum(), mode="same") for axis in range(3)], axis=1
    )
    speed = np.linalg.norm(np.gradient(path, STEP_S, axis=0), axis=1)
    speed[: width // 2 + 1] = np.nan
    speed[-(width // 2 + 1) :] = np.nan
    for before, after in pairwise(times):
        if after - before > LONGEST_GAP_S:
            speed[(grid > before - SMOOTH_S) & (grid < after + SMOOTH_S)] = np.nan
    return first, speed


def _match(a: Floats, b: Floats, shift: int) -> float:
    """Correlation of ``a[k + shift]`` and ``b[k]``."""
    low, high = max(0, -shift), min(len(b), len(a) - shift)
    if high - low < FEWEST_S / STEP_S:
        return float("nan")
    x, y = a[low + shift : high + shift], b[low:high]
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < FEWEST_S / STEP_S:
        return float("nan")
    x, y = np.log(x[both] + 20.0), np.log(y[both] + 20.0)
    x, y = x - x.mean(), y - y.mean()
    size = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(x @ y) / size if size > 0 else float("nan")
