"""The nodes that every running rig has: one grabber per camera."""

from __future__ import annotations

from typing import Final

from pipeline.processes.grabber import Grabber
from pipeline.processes.supervisor import NodeSpec, Supervisor
from pipeline.rigs.rig_config import RigConfig

DEFAULT_FPS: Final = 30.0
"""Of a camera whose rate nobody states."""


def grabber_name(camera: str) -> str:
    """Name of the node that owns a camera."""
    return f"grabber-{camera}"


def grabber_specs(rig: RigConfig) -> list[NodeSpec]:
    """One node per camera, in the order of the rig."""
    return [
        NodeSpec(grabber_name(camera.name), Grabber, {"camera": camera.model_dump()})
        for camera in rig.cameras
    ]


def frame_rates(rig: RigConfig) -> list[float]:
    """Frames per second that each camera is asked for."""
    return [camera.fps or DEFAULT_FPS for camera in rig.cameras]


def picture_sizes(rig: RigConfig, supervisor: Supervisor) -> dict[str, tuple[int, int]]:
    """Camera to (width, height) px, as its grabber said when it became ready."""
    sizes = {}
    for name in rig.names:
        width, height = supervisor.details(grabber_name(name))["size"]
        sizes[name] = (int(width), int(height))
    return sizes
