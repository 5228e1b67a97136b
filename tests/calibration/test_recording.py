"""Calibration file, picture sizes, lens and triangulation together, on a real recording of a person."""

from __future__ import annotations

import av
import numpy as np

from calibration.picture_fit import fit_to_picture
from calibration.rig_file import read_calibration
from tests.support.shared_data import SHARED, needs_shared

RECORDING = SHARED / "data" / "pose2sim_single"
# Shoulders, elbows, wrists, hips, knees, ankles of the 33 landmarks.
BODY = [11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]


@needs_shared
def test_plain_triangulation_leaves_the_residual_that_others_measured():
    rig = read_calibration(RECORDING / "Calib.qca.txt")
    fitted = {}
    for camera in rig.cameras:
        with av.open(str(RECORDING / "videos" / f"{camera.name}.mp4")) as video:
            picture = next(video.decode(video=0)).to_ndarray(format="bgr24")
        fitted[camera.name], _ = fit_to_picture(camera, (picture.shape[1], picture.shape[0]), picture)
    rig = rig.with_cameras(fitted)
    detected = np.load(RECORDING / "blazepose_keypoints.npz")
    keypoints = detected["keypoints"][:, :, 0, BODY, :2].reshape(4, -1, 2)
    weights = detected["visibility"][:, :, 0, BODY].reshape(4, -1)
    weights = np.where(weights < 0.3, 0.0, weights)
    joints = rig.triangulate(keypoints, weights)
    residual = np.linalg.norm(rig.project(joints) - keypoints, axis=-1)[weights > 0]
    # The recording's notes give a median of 17.3 px: left and right are exchanged in one camera for a third
    # of the frames, which the plain method does not notice. Mean (41.6) and 95 % (170) hang on these outliers
    # and on the scaling of the linear system: in metres and normalised coordinates it gives just those
    # figures, in our scaling 40.9 and 148.
    assert abs(np.median(residual) - 17.3) < 0.1
    # The person stands on a treadmill inside the ring of cameras.
    typical = np.nanmedian(joints.reshape(100, len(BODY), 3), axis=0)
    assert (np.abs(typical[:, :2]) < 2500).all()
    shoulders, ankles = typical[:2, 2].mean(), typical[-2:, 2].mean()
    assert 1100 < shoulders - ankles < 1600  # an adult
