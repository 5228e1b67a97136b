"""PoseFrames on the wire."""

from __future__ import annotations

from models.pose_frame import PoseFrame
from models.skeletons import get_skeleton
from pipeline.bus import Message, WireError
from pipeline.messages import Poses
from pipeline.wire_arrays import pack_arrays, unpack_arrays

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


def pack_poses(frame: PoseFrame, latency_ns: int) -> tuple[Poses, list[bytes]]:
    """A PoseFrame as payload and raw frames."""
    infos, data = pack_arrays({name: getattr(frame, name) for name in _POSE_ARRAYS})
    return Poses(frame.skeleton.name, list(frame.cameras), infos, frame.stage_ms, latency_ns), data


def unpack_poses(message: Message) -> PoseFrame:
    """The PoseFrame of a ``poses`` message.

    Raises:
        WireError: Arrays missing, of the wrong type, or shaped differently from what the header says.
    """
    payload: Poses = message.payload
    arrays = unpack_arrays(payload.arrays, message.frames, _POSE_ARRAYS, "poses")
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
