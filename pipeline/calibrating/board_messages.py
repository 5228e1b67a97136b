"""Board views on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.board_detector import Detection
from calibration.observations import BoardView
from pipeline.wire.arrays import pack_arrays, unpack_arrays
from pipeline.wire.bus import Message, WireError
from pipeline.wire.messages import BoardSeen, SeenView

_ARRAYS = ("ids", "pixels")


@dataclass(frozen=True)
class Looked:
    """One camera's picture was searched: the view, or why there is none."""

    camera: str
    frame: int
    time_ns: int
    detection: Detection


def pack_looked(looked: Sequence[Looked], detect_ms: float) -> tuple[BoardSeen, list[bytes]]:
    """What the cameras saw at one instant, as payload and raw frames."""
    views = [item.detection.view for item in looked]
    seen = [
        SeenView(
            item.camera,
            item.frame,
            item.time_ns,
            len(view) if view is not None else 0,
            view.mirrored if view is not None else False,
            view.inverted if view is not None else False,
            view.sharpness if view is not None else float("nan"),
            item.detection.reason,
            item.detection.evidence,
        )
        for item, view in zip(looked, views, strict=True)
    ]
    ids = [view.ids.astype(np.int64) for view in views if view is not None]
    pixels = [view.pixels for view in views if view is not None]
    arrays = {
        "ids": np.concatenate([*ids, np.zeros(0, np.int64)]),
        "pixels": np.concatenate([*pixels, np.zeros((0, 2))]),
    }
    infos, data = pack_arrays(arrays)
    return BoardSeen(seen, infos, detect_ms), data


def unpack_looked(message: Message) -> list[Looked]:
    """What ``pack_looked`` packed.

    Raises:
        WireError: Counts and arrays do not fit each other.
    """
    payload: BoardSeen = message.payload
    arrays = unpack_arrays(payload.arrays, message.frames, _ARRAYS, "board_seen")
    ids, pixels = arrays["ids"], arrays["pixels"]
    counts = [view.corners for view in payload.views]
    if ids.dtype != np.int64 or pixels.dtype != np.float64:
        raise WireError("the corners of a board_seen message have another type")
    if ids.shape != (sum(counts),) or pixels.shape != (sum(counts), 2):
        raise WireError("the corners of a board_seen message do not fit its views")
    looked, start = [], 0
    for seen in payload.views:
        end = start + seen.corners
        view = None
        if seen.corners:
            try:
                view = BoardView(
                    seen.camera,
                    seen.frame,
                    seen.time_ns,
                    ids[start:end],
                    pixels[start:end],
                    seen.mirrored,
                    seen.inverted,
                    seen.sharpness,
                )
            except ValueError as error:
                raise WireError(f"a view of a board_seen message is wrong: {error}") from error
        looked.append(
            Looked(seen.camera, seen.frame, seen.time_ns, Detection(view, seen.reason, seen.evidence))
        )
        start = end
    return looked
