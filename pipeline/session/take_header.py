"""What a take is told about the session that it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calibration.assumed_camera import assumption
from pipeline.rigs.rig_config import RigConfig
from pipeline.session.pose_making import PoseMaking
from pipeline.take.header import TakeHeader, wall_time_now


def header_of_takes(rig: RigConfig, poses: PoseMaking) -> TakeHeader:
    """What all takes of a session have in common, as far as it is known before any process runs."""
    return TakeHeader(
        name="",
        rig=rig.without_secrets(),
        calibration=poses.calibration,
        config=_settings(poses),
        models={},
        origin_ns=0,
        wall_time="",
        skeleton=None,
        cameras=rig.names,
        pipeline=_pipeline_name(poses),
        label=poses.label,
    )


def own_of_take(folder: Path, origin_ns: int, poses: PoseMaking) -> dict[str, Any]:
    """What one take says otherwise, or more; goes to the recorder, which puts it over the header.

    Args:
        folder: Of the take.
        origin_ns: Instant from which its times count.
        poses: As they are made while it is recorded.
    """
    own = {
        "folder": str(folder.resolve()),
        "name": folder.name,
        "origin_ns": origin_ns,
        "wall_time": wall_time_now(),
        "models": poses.model_hashes,
        "skeleton": poses.skeleton,
        "config": _settings(poses),
        "pipeline": _pipeline_name(poses),
        "label": poses.label,
    }
    if poses.calibration is not None and assumption(poses.calibration):
        # The recorder may have been started before anything was assumed; numbers pass as they are.
        own["assumed_size"] = list(poses.calibration.cameras[0].size)
    return own


def _settings(poses: PoseMaking) -> dict[str, Any]:
    return poses.pipeline.model_dump(mode="json") if poses.pipeline is not None else {}


def _pipeline_name(poses: PoseMaking) -> str:
    return poses.pipeline.name if poses.pipeline is not None else "none"
