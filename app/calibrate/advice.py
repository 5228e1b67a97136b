"""What a live calibration's state means for the person with the board, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from pipeline.calibrating.config import LiveConfig
from pipeline.calibrating.outcome import CalibrationFailure, CalibrationOutcome
from pipeline.calibrating.state import CalibrationState, CameraProgress

Level = Literal["good", "warning", "bad", "quiet"]

_STAGES: Final = {
    "starting": "Starting",
    "checking the views": "Checking the views",
    "finding the cameras": "Finding the places of the cameras",
    "looking for what may be wrong": "Looking for what may be wrong",
    "measuring the quality": "Measuring the quality on views that were kept out",
    "done": "Done",
}

_FINDINGS: Final = "Diagnosis"
"""The judgement about all diagnoses together."""

_BOARD_KINDS: Final = frozenset(
    {
        "dictionary",
        "legacy_pattern",
        "first_marker",
        "marker_size",
        "counts",
        "swapped",
        "inner_corners",
        "inverted",
        "mirrored_print",
        "symmetric_board",
        "wrong_square",
        "bent_board",
    }
)
_CAMERA_KINDS: Final = frozenset(
    {"wrong_intrinsics", "picture_size", "same_camera", "clock_offset", "time_stamps", "mirrored_camera"}
)


@dataclass(frozen=True)
class CameraState:
    """One camera in a word.

    Attributes:
        level: For its colour.
        word: In its tile.
        detail: Why, or what to do.
        trouble: Why the board that is there is not found; "" where it is.
    """

    level: Level
    word: str
    detail: str = ""
    trouble: str = ""


def camera_state(one: CameraProgress, wanted: LiveConfig) -> CameraState:
    """Whether a camera has enough, and what it lacks."""
    trouble = near_miss(one.reason) if one.near else ""
    if one.views < wanted.views:
        left = wanted.views - one.views
        return CameraState("quiet", f"{left} more view{'s' if left > 1 else ''}", seeing(one), trouble)
    if not one.known_lens and one.covered < wanted.coverage:
        gaps = ", ".join(one.gaps[:2])
        return CameraState("warning", "Visit the gaps", gaps and f"missing: {gaps}", trouble)
    return CameraState("good", "Enough", seeing(one), trouble)


def seeing(one: CameraProgress) -> str:
    """What the newest picture showed."""
    if not one.pictures:
        return ""
    if one.sees_board:
        return f"{len(one.corners)} corners"
    return near_miss(one.reason) if one.near else "no board in view"


def near_miss(reason: str) -> str:
    """The detector's reason, as a sentence begins."""
    return f"{reason[0].upper()}{reason[1:]}" if reason else ""


def next_thing(state: CalibrationState) -> tuple[Level, str]:
    """The one sentence that matters now."""
    if state.phase == "starting" or not state.cameras:
        return "quiet", "Starting the cameras …"
    if state.enough:
        return "good", "Enough now. You can put the board down."
    if state.missing:
        return "warning", sentence(state.missing[0])
    if state.trial is None:
        return "quiet", "Nearly there: checking how good it would be. Keep the board moving."
    return "quiet", "Keep the board moving."


def others(state: CalibrationState, most: int = 1) -> tuple[str, ...]:
    """What else is missing."""
    return tuple(sentence(text) for text in state.missing[1 : 1 + most])


def weakest_words(state: CalibrationState) -> tuple[Level, str]:
    """The weakest pair of cameras and what to do about it."""
    pair = state.weakest
    if len(state.cameras) < 2:
        return "quiet", "With one camera there is nothing to tie together."
    if pair is None:
        return "quiet", ""
    unseen = unseen_of(state)
    if unseen:
        return "quiet", f"{unseen} has not seen the board yet. Then it can be tied to its neighbours."
    one, other = pair.cameras
    if pair.shared < pair.wanted:
        missing = pair.wanted - pair.shared
        return (
            "warning",
            f"{one} and {other} share {pair.shared} of {pair.wanted} moments. Stand where both see the "
            f"board, {missing} more time{'s' if missing > 1 else ''}.",
        )
    return (
        "good",
        f"All cameras are tied together; the weakest pair is {one} and {other} with {pair.shared} moments.",
    )


def unseen_of(state: CalibrationState) -> str:
    """A camera of the weakest pair that has not seen the board at all; "" where both have."""
    pair = state.weakest
    names = pair.cameras if pair is not None and pair.shared == 0 else ()
    return next((name for name in names if not state.cameras[name].views), "")


@dataclass(frozen=True)
class Promise:
    """One expected figure.

    Attributes:
        title: What.
        value: How well it would be known by now.
        wanted: How well it must be known.
        share: How near it is to that, 0 to 1.
    """

    title: str
    value: str
    wanted: str
    share: float


def promises(state: CalibrationState) -> tuple[Promise, ...]:
    """What a calibration with the views so far would be worth; empty before the first trial."""
    trial = state.trial
    if trial is None:
        return ()
    found, wanted = [], state.wanted
    hundredth = trial.distance_mm / 100
    if np.isfinite(trial.point_mm) and np.isfinite(hundredth):
        found.append(_promise("Points", trial.point_mm, wanted.point_percent * hundredth, "mm", 1))
        found.append(_promise("Places", trial.place_mm, wanted.place_percent * hundredth, "mm", 1))
        found.append(_promise("Directions", trial.turn_deg, wanted.turn_deg, "°", 2))
    if trial.focal_percent > 0:
        found.append(_promise("Focal lengths", trial.focal_percent, wanted.focal_percent, "%", 2))
    if np.isfinite(trial.lag_ms):
        found.append(_promise("Time offsets", trial.lag_ms, wanted.lag_ms, "ms", 1))
    return tuple(found)


def floor_words(state: CalibrationState, wanted: bool) -> tuple[Level, str]:
    """Whether the board has lain on the floor."""
    found = state.trial.floor if state.trial is not None else None
    if found is not None:
        return "good", "The board was found on the floor: that becomes the origin and Z = 0."
    if state.floor_wanted:
        return "warning", "Noted. Leave the board where it is for two seconds."
    if any(one.marked for one in state.still):
        return "good", "Noted where the board lay: that becomes the origin and Z = 0."
    if wanted:
        return "warning", "Not yet: lay the board on the floor for two seconds where a camera sees it."
    return "quiet", "Optional: lay the board on the floor for two seconds, or choose the floor later."


def stage_words(stage: str) -> str:
    """A stage of the solve, for people."""
    if stage.startswith("lens of "):
        return f"Finding the lens of {stage[len('lens of ') :]}"
    return _STAGES.get(stage, sentence(stage).rstrip(".") if stage else "Starting")


def place_to_go(failure: CalibrationFailure) -> Literal["board", "source", "show"]:
    """The step where a failure can be mended."""
    kinds = [one.kind for one in failure.diagnoses if one.severity == "error"]
    kinds = kinds or [one.kind for one in failure.diagnoses]
    if kinds and kinds[0] in _BOARD_KINDS:
        return "board"
    if kinds and kinds[0] in _CAMERA_KINDS:
        return "source"
    return "show"


def verdict(outcome: CalibrationOutcome) -> tuple[Level, str, str]:
    """Good, usable or not usable, and why."""
    top = outcome.headline
    if not outcome.usable:
        errors = [one.sentence for one in outcome.diagnoses if one.severity == "error"]
        return "bad", "Not usable", sentence(errors[0] if errors else top.words)
    if top.colour == "green":
        return "good", "Good", "Every figure is within its limit."
    about = [one for one in outcome.verdicts if one.colour == top.colour]
    names = ", ".join(one.title.lower() for one in about if one.title != _FINDINGS)
    noticed = any(one.title == _FINDINGS for one in about)
    see = " See what was noticed." if noticed else ""
    if top.colour == "amber":
        return (
            "warning",
            "Usable",
            f"It could be better: {names}.{see}" if names else f"All figures are good.{see}",
        )
    return "bad", "Usable with care", f"Do not rely on: {names}.{see}"


def truth_words(outcome: CalibrationOutcome) -> tuple[str, ...]:
    """How near a simulated rig's calibration came to the truth."""
    truth = outcome.truth
    if truth is None:
        return ()
    lines = [
        f"Focal lengths within {truth['focal_percent']:.2f} %, directions within "
        f"{truth['rotation_deg']:.3f}°, places within {truth['position_mm']:.1f} mm, time offsets "
        f"within {truth['lag_ms']:.1f} ms (the worst camera each).",
        f"Points in the middle of the studio are {truth['volume_mm']:.2f} mm off; distances are "
        f"{abs(truth['scale_percent']):.2f} % too {'long' if truth['scale_percent'] > 0 else 'short'}.",
    ]
    return tuple(lines)


def _promise(title: str, value: float, wanted: float, unit: str, digits: int) -> Promise:
    share = float(np.clip(wanted / max(value, 1e-12), 0.0, 1.0)) if np.isfinite(value) else 0.0
    gap = "" if unit == "°" else " "
    known = f"± {value:.{digits}f}{gap}{unit}" if np.isfinite(value) else "not known"
    return Promise(title, known, f"{wanted:.{digits}f}{gap}{unit}", share)


def sentence(text: str) -> str:
    """With a capital in front, but for names of cameras, and a full stop."""
    if not text:
        return ""
    first = text.split(maxsplit=1)[0]
    if first.isalpha() and first.islower():
        text = f"{text[0].upper()}{text[1:]}"
    return text if text.endswith((".", "?", "!")) else f"{text}."
