"""The geometry of a rig of one camera that nobody calibrated."""

from __future__ import annotations

from calibration.assumed_camera import assumed_calibration
from calibration.rig import Rig
from pipeline.drivers.base import CameraSettings
from pipeline.drivers.registry import DRIVERS
from pipeline.estimation.pipeline_config import PipelineConfig
from pipeline.rigs.rig_config import CameraConfig, RigConfig


def can_assume(rig: RigConfig, pipeline: PipelineConfig | None) -> bool:
    """Whether poses can be made without a calibration: one camera, and a model that needs no other."""
    return len(rig.cameras) == 1 and pipeline is not None and pipeline.monocular is not None


def assumed_for(rig: RigConfig) -> Rig:
    """The same for a rig; its camera is opened for a moment where the rig does not state its size.

    Raises:
        CameraError: It cannot be opened.
    """
    (camera,) = rig.cameras
    return assumed_calibration(camera.name, camera.size or _size_of(camera))


def joined_labels(*labels: str) -> str:
    """Several such sentences as one."""
    return "; ".join(label for label in labels if label)


def _size_of(camera: CameraConfig) -> tuple[int, int]:
    driver_class = DRIVERS.load(camera.driver_type)
    settings = {key: value for key, value in camera.driver.items() if key != "type"}
    driver = driver_class(driver_class.Config(**settings), CameraSettings(camera.name, None, camera.fps, 0))
    try:
        width, height = driver.open().size
    finally:
        driver.close()
    return int(width), int(height)
