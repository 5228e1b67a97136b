"""How each camera does, in a colour, a few figures and words; from the numbers the nodes send."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pipeline.processes.rig_nodes import grabber_name
from pipeline.rigs.rig_config import RigConfig

Level = Literal["good", "warning", "bad", "quiet"]
Telemetry = Mapping[str, Mapping[str, Any]]

_SLOW: Final = 0.93
"""Share of the asked rate below which a camera counts as slow; clocks of webcams differ by 1 or 2 %."""
_SILENT_S: Final = 2.5
"""Numbers come once a second; a camera without a new picture in two of them delivers nothing."""
_RUN_IN_S: Final = 1.5
"""A rate says nothing before this; then losses of the first moment, while everything starts, are past too."""
_RECENT_S: Final = 5.0
"""Lost pictures are shown as trouble for this long."""
_SKEWED: Final = 0.3
"""Part of a frame's period by which a camera may film off the others' time."""

CAUSES: Final = {
    "lost_by_camera": "lost by the camera",
    "camera_away": "lost while the camera was away",
    "not_decoded_in_time": "not decoded in time",
    "recorder_behind": "not recorded: the disk is too slow",
    "format_changed": "not recorded: the camera came back in another format",
    "no_key_frame": "not recorded: nothing can be shown before the next key frame",
    "inference_busy": "not used for poses: models are busy",
    "inference_away": "not used for poses: models are away",
    "not_needed": "not needed for poses at their present rate",
}
_TROUBLE: Final = (
    "lost_by_camera",
    "camera_away",
    "not_decoded_in_time",
    "recorder_behind",
    "format_changed",
    "no_key_frame",
)
"""Causes that cost the recording something; the others only leave out poses."""


@dataclass(frozen=True)
class CameraHealth:
    """What a tile shows of its camera.

    Attributes:
        level: Colour.
        caption: A few figures.
        trouble: A sentence over the picture; empty when there are pictures.
        details: Lines of the tool tip.
    """

    level: Level
    caption: str
    trouble: str
    details: tuple[str, ...]


@dataclass
class _Watched:
    captured: int = -1
    changed_at: float = 0.0
    lost: deque[tuple[float, int]] = field(default_factory=deque)


class HealthWatch:
    """Follows the cameras of one session.

    Args:
        rig: What was asked of them.
    """

    def __init__(self, rig: RigConfig) -> None:
        self._rig = rig
        self._watched = {camera.name: _Watched() for camera in rig.cameras}

    def judge(self, telemetry: Telemetry) -> dict[str, CameraHealth]:
        """Health of every camera by name, from the newest numbers."""
        now = float(telemetry.get("session", {}).get("t_s", 0.0))
        skews = telemetry.get("inference", {}).get("skew_ms", {})
        return {
            camera.name: self._judge(
                camera.name,
                telemetry.get(grabber_name(camera.name), {}),
                skews.get(camera.name, {}),
                camera.driver.get("exposure_us"),
                now,
            )
            for camera in self._rig.cameras
        }

    def _judge(
        self,
        name: str,
        numbers: Mapping[str, Any],
        skew: Mapping[str, float],
        exposure_us: float | None,
        now: float,
    ) -> CameraHealth:
        watched = self._watched[name]
        problem = str(numbers.get("problem", ""))
        if "captured" not in numbers:
            return CameraHealth("quiet", "", problem or "Waiting for the first picture …", ())
        captured = int(numbers["captured"])
        if captured != watched.captured:
            watched.captured, watched.changed_at = captured, now
        drops = _drops(numbers)
        watched.lost.append((now, sum(drops.get(cause, 0) for cause in _TROUBLE)))
        while now - watched.lost[0][0] > _RECENT_S:
            watched.lost.popleft()
        recently_lost = watched.lost[-1][1] - watched.lost[0][1]
        rate, asked = float(numbers.get("fps") or 0.0), numbers.get("fps_asked")
        details = self._details(numbers, drops, skew, exposure_us)
        if numbers.get("ended"):
            return CameraHealth("quiet", "played to its end", "", details)
        if problem:
            return CameraHealth("bad", "lost", _sentence(problem), details)
        silent_s = now - watched.changed_at
        if silent_s > _SILENT_S:
            trouble = f"No picture for {silent_s:.0f} s. Check cable and power."
            return CameraHealth("bad", "no pictures", trouble, details)
        if captured < _RUN_IN_S * (asked or 0.0):
            return CameraHealth("quiet", "starting", "", details)
        caption = f"{rate:.1f} of {asked:g} fps" if asked else f"{rate:.1f} fps"
        level: Level = "good"
        if asked and rate < _SLOW * asked:
            level = "warning"
        if recently_lost > 0:
            level, caption = "warning", f"{rate:.1f} fps · {recently_lost} lost"
        period_ms = 1e3 / asked if asked else 33.3
        if abs(skew.get("p50", 0.0)) > _SKEWED * period_ms:
            level, caption = "warning", f"{rate:.1f} fps · {skew['p50']:+.0f} ms"
        return CameraHealth(level, caption, "", details)

    @staticmethod
    def _details(
        numbers: Mapping[str, Any],
        drops: Mapping[str, int],
        skew: Mapping[str, float],
        exposure_us: float | None,
    ) -> tuple[str, ...]:
        asked = numbers.get("fps_asked")
        lines = [
            f"Rate: {float(numbers.get('fps') or 0):.2f} frames per second"
            + (f", asked for {asked:g}" if asked else "")
        ]
        lines.append(f"Captured: {numbers['captured']} frames")
        lines += [
            f"{count} {CAUSES.get(cause, cause.replace('_', ' '))}" for cause, count in drops.items() if count
        ]
        if skew:
            lines.append(
                f"Skew: {skew['p50']:+.1f} ms from the common instant (95 % below {skew['p95']:+.1f})"
            )
        delivery = numbers.get("delivery_ms") or {}
        if delivery:
            lines.append(
                f"Delivered {delivery['p50']:.0f} ms after capture (95 % below {delivery['p95']:.0f})"
            )
        if exposure_us:
            lines.append(f"Exposure: {exposure_us / 1e3:g} ms")
        return tuple(lines)


def _drops(numbers: Mapping[str, Any]) -> dict[str, int]:
    """Frames by cause; losses of the camera are counted for poses and for the recording, and told once."""
    drops = dict(numbers.get("inference_drops") or {})
    for cause, count in (numbers.get("recording_drops") or {}).items():
        drops[cause] = max(count, drops.get(cause, 0))
    return drops


def _sentence(problem: str) -> str:
    """The supervisor's words without the node's name."""
    _, _, words = problem.partition(": ")
    words = words or problem
    return words[:1].upper() + words[1:]
