"""Whether a calibration still belongs to the cameras of a rig, and what to say when not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.cameras.rig_draft import CameraDraft, RigDraft, Size

_PLACE: Final = ("device", "url", "address", "path", "camera", "seed", "studio")
"""Settings that say which camera it is and, for simulated ones, where it stands."""

_STUDIO_LOOKS: Final = ("people", "noise", "blur_px", "size")
"""Of a simulated studio: what does not move its cameras."""


@dataclass(frozen=True)
class Calibrated:
    """What a calibration was made with.

    Attributes:
        sizes: (width, height) px by name of camera.
        sources: The cameras' drivers and where they look, by name, when the calibration came into use.
    """

    sizes: Mapping[str, Size]
    sources: Mapping[str, Any]

    @classmethod
    def with_draft(cls, sizes: Mapping[str, Size], draft: RigDraft) -> Calibrated:
        """A calibration that comes into use with these cameras."""
        return cls(dict(sizes), {camera.name: source_of(camera) for camera in draft.cameras})


@dataclass(frozen=True)
class Fit:
    """What was found.

    Attributes:
        misfits: Why the calibration cannot be used, by camera in order; empty: it can.
        doubts: Why its geometry may be wrong although it can be used.
    """

    misfits: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Both, and what to do; empty when nothing is to be said."""
        if self.misfits:
            return f"The calibration no longer fits: {_listed(self.misfits)}. Poses need a new calibration."
        if self.doubts:
            return (
                f"{_listed(self.doubts)}. Unless the camera itself is still the same and has not been "
                "moved, calibrate again."
            )
        return ""


def fit(calibrated: Calibrated | None, draft: RigDraft) -> Fit:
    """Compare; sizes that the rig leaves to the source are believed."""
    if calibrated is None:
        return Fit()
    misfits, doubts = [], []
    for camera in draft.cameras:
        size = calibrated.sizes.get(camera.name)
        if size is None:
            misfits.append(f"{camera.name} was not there")
            continue
        if isinstance(camera.size, tuple) and camera.size != size:
            misfits.append(f"{camera.name} was calibrated at {size[0]} × {size[1]}")
        source = calibrated.sources.get(camera.name)
        if source is not None and source != source_of(camera):
            if camera.driver == "simulated":
                misfits.append(f"{camera.name} stands elsewhere in the simulated studio")
            else:
                doubts.append(f"{camera.name} now comes from another source")
    return Fit(tuple(misfits), tuple(doubts))


def source_of(camera: CameraDraft) -> Any:
    """Which camera it is and where it stands, as far as its settings tell; can be compared."""
    stated = {key: camera.settings[key] for key in _PLACE if key in camera.settings}
    if camera.driver == "simulated":
        studio = {**(camera.settings.get("board_studio") or camera.settings.get("studio") or {})}
        for key in _STUDIO_LOOKS:
            studio.pop(key, None)
        seed = studio.get("seed", camera.settings.get("seed", 0))
        return camera.driver, seed, studio.get("cameras", 4), camera.settings.get("camera") or camera.name
    return camera.driver, stated


def _listed(sentences: Sequence[str]) -> str:
    shown = list(sentences[:3])
    if len(sentences) > 3:
        shown.append(f"{len(sentences) - 3} more")
    return "; ".join(shown)
