"""What a change of the cameras would interrupt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from app.studio import Studio

Running = Literal["", "live", "recording"]


def running(studio: Studio) -> Running:
    """What a change of cameras would interrupt; asks for no session where there is none yet."""
    if not studio.has_session:
        return ""
    if studio.session.recording:
        return "recording"
    return "" if studio.session.state in {"off", "failed"} else "live"
