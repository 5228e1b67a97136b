"""PoseFrames on the wire."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.pose_frame import PoseFrame
from models.skeletons import get_skeleton
from pipeline.bus import Message, WireError
from pipeline.messages import ArrayInfo, Poses

_MAX_ARRAY_BYTES = 64 << 20

_POSE_ARRAYS = (
    "view_times_ns",
    "person",
    "joints",
    "scores",
    "covariance",
    "keypoints",
    "used",
    "smoothed",
    "swapped",
)


def pack_poses(frame: PoseFrame, latency_ns: int) -> tuple[Poses, list[Any]]:
    """A PoseFrame as payload and raw frames."""
    arrays = [np.ascontiguousarray(getattr(frame, name)) for name in _POSE_ARRAYS]
    infos = [
        ArrayInfo(name, array.dtype.str, list(array.shape))
        for name, array in zip(_POSE_ARRAYS, arrays, strict=True)
    ]
    payload = Poses(frame.skeleton.name, list(frame.cameras), infos, frame.stage_ms, latency_ns)
    return payload, [array.tobytes() for array in arrays]


def unpack_poses(message: Message) -> PoseFrame:
    """The PoseFrame of a ``poses`` message.

    Raises:
        WireError: Arrays missing, of the wrong type, or shaped differently from what the header says.
    """
    payload: Poses = message.payload
    if [info.name for info in payload.arrays] != list(_POSE_ARRAYS) or len(message.frames) != len(
        _POSE_ARRAYS
    ):
        raise WireError("a poses message does not hold the arrays of this version")
    arrays = {}
    for info, data in zip(payload.arrays, message.frames, strict=True):
        arrays[info.name] = _array(info, data)
    try:
        return PoseFrame(
            time_ns=message.t_capture_ns,
            skeleton=get_skeleton(payload.skeleton),
            cameras=tuple(payload.cameras),
            stage_ms=payload.stage_ms,
            **arrays,
        )
    except AssertionError as error:
        raise WireError("the arrays of a poses message do not fit each other") from error


def _array(info: ArrayInfo, data: memoryview) -> NDArray[Any]:
    if info.dtype not in {"<i8", "<f8", "|b1"}:
        raise WireError(f"array {info.name} has type {info.dtype[:20]}")
    dtype = np.dtype(info.dtype)
    size = dtype.itemsize
    for side in info.shape:
        if side < 0:
            raise WireError(f"array {info.name} has a negative side")
        size *= side
    if size != data.nbytes or size > _MAX_ARRAY_BYTES:
        raise WireError(f"array {info.name} announces {size} bytes and brings {data.nbytes}")
    return np.frombuffer(data, dtype).reshape(info.shape)
