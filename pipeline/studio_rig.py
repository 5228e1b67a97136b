"""The simulated studio as a rig, its truth, and how near the poses came to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from calibration.rig import Rig
from configs.errors import bad_input
from models.metrics import pa_mpjpe
from models.simulation.studio import Studio
from models.skeletons import get_skeleton, joint_map
from pipeline.drivers.simulated import SimulatedConfig, studio_config
from pipeline.rig_config import CameraConfig, RigConfig
from pipeline.take.take import TRUTH_FILE, Take


def simulated_rig(cameras: int, size: tuple[int, int], fps: float, seed: int) -> RigConfig:
    """A rig of the studio's own cameras cam1 … camN."""
    studio = {"seed": seed, "cameras": cameras}
    return RigConfig(
        name="simulated studio",
        cameras=tuple(
            CameraConfig(
                name=f"cam{number}", driver={"type": "simulated", "studio": studio}, size=size, fps=fps
            )
            for number in range(1, cameras + 1)
        ),
    )


def studio_of(rig: RigConfig) -> Studio | None:
    """The studio that all cameras of a rig stand in; None when a camera is not simulated.

    Raises:
        BadInputError: The cameras name different studios.
    """
    configs = []
    for camera in rig.cameras:
        if camera.driver_type != "simulated":
            return None
        settings = {key: value for key, value in camera.driver.items() if key != "type"}
        configs.append(studio_config(SimulatedConfig(**settings), camera.size))
    if any(config != configs[0] for config in configs):
        raise bad_input(
            "the simulated cameras stand in different studios",
            key="cameras.*.driver.studio",
            hint="give all of them the same studio, seed and size",
        )
    return Studio(configs[0])


def studio_calibration(rig: RigConfig, studio: Studio) -> Rig:
    """Exact calibration of the rig's cameras, under the rig's names."""
    cameras = []
    for camera in rig.cameras:
        view = camera.driver.get("camera") or camera.name
        found = studio.rig.camera(view)
        cameras.append(replace(found, name=camera.name))
    return Rig(tuple(cameras))


def write_truth(folder: Path, studio: Studio, origin_ns: int) -> None:
    """Write ``truth.npz`` into a take: where the joints really were at the instants of its poses."""
    poses = Take.open(folder).poses()
    if poses is None:
        return
    joints = np.stack([studio.truth((int(t) - origin_ns) / 1e9) for t in poses.times_ns])
    np.savez_compressed(
        folder / TRUTH_FILE, times_ns=poses.times_ns, joints=joints, skeleton=studio.skeleton.name
    )


def compare_with_truth(folder: Path) -> dict[str, Any]:
    """Error of a take's poses against its ``truth.npz``, on the body joints both skeletons have.

    Returns:
        mpjpe_mm, mpjpe_median_mm, pa_mpjpe_mm, joints_found (share of joints that have a value), instants.
    """
    take = Take.open(folder)
    poses, truth = take.poses(), take.truth()
    if poses is None or truth is None:
        return {}
    skeleton, truth_skeleton = get_skeleton(poses.skeleton), get_skeleton(truth.skeleton)
    places = joint_map(skeleton, truth_skeleton)
    body = [joint for joint in truth_skeleton.body if places[joint] >= 0]
    person = 0
    predicted = poses.joints[:, person][:, places[body]]
    real = truth.joints[:, person][:, body]
    errors = np.linalg.norm(predicted - real, axis=-1)
    found = np.isfinite(errors)
    if not found.any():
        return {"instants": len(errors), "joints_found": 0.0}
    complete = found.all(axis=1)
    result: dict[str, Any] = {
        "mpjpe_mm": float(errors[found].mean()),
        "mpjpe_median_mm": float(np.median(errors[found])),
        "mpjpe_p95_mm": float(np.percentile(errors[found], 95)),
        "joints_found": float(found.mean()),
        "instants": len(errors),
    }
    if complete.any():
        result["pa_mpjpe_mm"] = pa_mpjpe(predicted[complete], real[complete]).mean
    return result
