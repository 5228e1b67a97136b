"""The recorded performer: BlazePose keypoints in four calibrated views, 100 frames (see the README of the
data)."""

import json

import numpy as np

from calibration.camera import Camera
from calibration.rig import Rig
from tests.support.shared_data import SHARED

FOLDER = SHARED / "data" / "pose2sim_single"


def load():
    """Rig, keypoints (T, V, J, 2) distorted px of the videos, scores (T, V, J)."""
    described = json.loads((FOLDER / "calibration_opencv.json").read_text())["cameras"]
    rig = Rig(tuple(_camera(name, values) for name, values in described.items()))
    with np.load(FOLDER / "blazepose_keypoints.npz") as data:
        keypoints = np.moveaxis(data["keypoints"][:, :, 0, :, :2].astype(float), 0, 1)
        visibility = np.moveaxis(data["visibility"][:, :, 0].astype(float), 0, 1)
    return rig, keypoints, visibility


def _camera(name, values):
    left, _, right = np.linalg.svd(np.array(values["R"], float))  # the file rounds R to a few digits
    return Camera(
        name=name,
        size=(1088, 1920),
        model="pinhole",
        K=np.array(values["K_video"], float),
        distortion=np.ravel(values["dist"]).astype(float),
        R=left @ right,
        t=1000.0 * np.ravel(values["t"]).astype(float),  # the file is in metres
    )
