"""PoseFrames on the wire."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from configs.errors import BadInputError
from models.pose_frame import PoseFrame
from models.skeletons import get_skeleton
from pipeline.wire.arrays import pack_arrays, unpack_arrays
from pipeline.wire.bus import Message, WireError
from pipeline.wire.messages import Poses

_POSE_ARRAYS: Final[dict[str, tuple[type, str]]] = {
    "view_times_ns": (np.int64, "V"),
    "person": (np.int64, "P"),
    "joints": (np.float64, "PJ3"),
    "scores": (np.float64, "PJ"),
    "covariance": (np.float64, "PJ33"),
    "keypoints": (np.float64, "PVJ3"),
    "used": (np.bool_, "PVJ"),
    "smoothed": (np.float64, "PJ3"),
    "swapped": (np.bool_, "PV"),
}
"""Name to type and sides: people, views, joints, or a number."""


def pack_poses(frame: PoseFrame, latency_ns: int) -> tuple[Poses, list[bytes]]:
    """A PoseFrame as payload and raw frames."""
    infos, data = pack_arrays({name: getattr(frame, name) for name in _POSE_ARRAYS})
    return Poses(frame.skeleton.name, list(frame.cameras), infos, frame.stage_ms, latency_ns), data


def unpack_poses(message: Message) -> PoseFrame:
    """The PoseFrame of a ``poses`` message.

    Raises:
        WireError: Unknown skeleton; arrays missing, of the wrong type, or shaped differently from what the
            header says or from each other.
    """
    payload: Poses = message.payload
    arrays = unpack_arrays(payload.arrays, message.frames, tuple(_POSE_ARRAYS), "poses")
    try:
        skeleton = get_skeleton(payload.skeleton)
    except BadInputError as error:
        raise WireError(f"a poses message of an unknown skeleton: {payload.skeleton[:40]}") from error
    _check_shapes(arrays, len(payload.cameras), len(skeleton))
    return PoseFrame(
        time_ns=message.t_capture_ns,
        skeleton=skeleton,
        cameras=tuple(payload.cameras),
        stage_ms=payload.stage_ms,
        **arrays,
    )


def _check_shapes(arrays: dict[str, NDArray[Any]], views: int, joints: int) -> None:
    sides = {"P": arrays["person"].size, "V": views, "J": joints, "3": 3}
    for name, (kind, letters) in _POSE_ARRAYS.items():
        array = arrays[name]
        if array.dtype != kind or array.shape != tuple(sides[letter] for letter in letters):
            raise WireError(
                f"the arrays of a poses message do not fit each other: {name} is {array.dtype.name} of "
                f"{array.shape}"
            )
