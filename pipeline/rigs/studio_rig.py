"""The simulated studio as a rig, its truth, and how near the poses came to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from configs.errors import bad_input
from configs.loading import Config
from models.metrics import pa_mpjpe
from models.simulation.board_studio import BoardStudio
from models.simulation.studio import Studio
from models.skeletons import get_skeleton, joint_map
from pipeline.drivers.simulated import SimulatedConfig, board_studio_config, studio_config
from pipeline.rigs.rig_config import CameraConfig, RigConfig
from pipeline.take.report.pose_measures import measure_truth
from pipeline.take.take import TRUTH_FILE, Take


def studio_of(rig: RigConfig) -> Studio | None:
    """The studio that all cameras of a rig stand in; None when a camera is not simulated or films a board.

    Raises:
        BadInputError: The cameras name different studios.
    """
    configs = []
    for camera, settings in _simulated(rig):
        if settings is None or settings.board_studio is not None:
            return None
        configs.append(studio_config(settings, camera.size))
    _check_same(configs, "studio")
    return Studio(configs[0])


def board_studio_of(rig: RigConfig) -> BoardStudio | None:
    """The same for cameras that film a calibration board; None when a camera does not.

    Raises:
        BadInputError: The cameras name different studios.
    """
    configs = []
    for camera, settings in _simulated(rig):
        config = board_studio_config(settings, camera.size) if settings is not None else None
        if config is None:
            return None
        configs.append(config)
    _check_same(configs, "board_studio")
    return BoardStudio(configs[0])


def check_board_studio(rig: RigConfig) -> None:
    """Simulated cameras must be able to share the simulated board.

    Raises:
        BadInputError: It is too small in their pictures.
    """
    studio = board_studio_of(rig)
    if studio is not None:
        studio.check_board_size([camera.driver.get("camera") or camera.name for camera in rig.cameras])


def _simulated(rig: RigConfig) -> Iterator[tuple[CameraConfig, SimulatedConfig | None]]:
    for camera in rig.cameras:
        if camera.driver_type != "simulated":
            yield camera, None
        else:
            settings = {key: value for key, value in camera.driver.items() if key != "type"}
            yield camera, SimulatedConfig(**settings)


def _check_same(configs: Sequence[Config], key: str) -> None:
    if any(config != configs[0] for config in configs):
        raise bad_input(
            "the simulated cameras stand in different studios",
            key=f"cameras.*.driver.{key}",
            hint="give all of them the same studio, seed and size",
        )


def studio_calibration(rig: RigConfig, studio: Studio | BoardStudio) -> Rig:
    """Exact calibration of the rig's cameras, under the rig's names."""
    cameras = []
    for camera in rig.cameras:
        view = camera.driver.get("camera") or camera.name
        found = studio.rig.camera(view)
        cameras.append(replace(found, name=camera.name))
    return Rig(tuple(cameras))


def write_truth(folder: Path, studio: Studio, origin_ns: int) -> None:
    """Write ``truth.npz`` into a take: where the joints really were at the instants of its poses.

    In the take's world: a calibration chooses its own, such as a board on the floor.

    Args:
        folder: The take.
        studio: What was filmed.
        origin_ns: Monotonic time at which the scene was at 0 s: the start of the session.
    """
    take = Take.open(folder)
    poses = take.poses()
    if poses is None or take.header.calibration is None:
        return
    rig = RigConfig.model_validate(take.header.rig)
    R, t = world_from_world(take.header.calibration, studio_calibration(rig, studio))
    joints = np.stack([studio.truth((int(time) - origin_ns) / 1e9) for time in poses.times_ns]) @ R.T + t
    np.savez_compressed(
        folder / TRUTH_FILE, times_ns=poses.times_ns, joints=joints, skeleton=studio.skeleton.name
    )


def world_from_world(to: Rig, of: Rig) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """R (3, 3) and t (3,) mm that take points of one world into another: the same cameras stand in both.

    Rigid, without a scale, so a calibration of the wrong size stays wrong; exact where both agree about the
    cameras, least squares over their directions and places where they do not.
    """
    pairs = list(zip(to.cameras, of.cameras, strict=True))
    U, _, Vt = np.linalg.svd(sum(one.R.T @ other.R for one, other in pairs))
    R = U @ np.diag([1.0, 1.0, np.linalg.det(U @ Vt)]) @ Vt
    t = np.mean([one.position - R @ other.position for one, other in pairs], axis=0)
    return R, t


def compare_with_truth(folder: Path) -> dict[str, Any]:
    """Error of a take's poses against its ``truth.npz``, on the body joints both skeletons have.

    Returns:
        mpjpe_mm (mean), mpjpe_median_mm, mpjpe_p95_mm, pa_mpjpe_mm (after similarity alignment of each pose),
        joints_found (share of body joints that have a position), instants; empty without poses or truth.
    """
    take = Take.open(folder)
    poses, truth = take.poses(), take.truth()
    measures = measure_truth(poses, truth) if poses is not None and truth is not None else None
    if poses is None or truth is None or measures is None:
        return {}
    errors = measures.body_errors()
    result: dict[str, Any] = {"instants": len(poses), "joints_found": measures.found}
    if errors.size:
        skeleton, real = get_skeleton(poses.skeleton), get_skeleton(truth.skeleton)
        places = joint_map(skeleton, real)
        body = [joint for joint in real.body if places[joint] >= 0]
        aligned = pa_mpjpe(poses.joints[:, 0][:, places[body]], truth.joints[:, 0][:, body])
        result |= {
            "mpjpe_mm": float(errors.mean()),
            "mpjpe_median_mm": float(np.median(errors)),
            "mpjpe_p95_mm": float(np.percentile(errors, 95)),
            "pa_mpjpe_mm": aligned.mean,
        }
    return result
