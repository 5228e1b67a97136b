import cv2
import numpy as np
import pytest

from calibration.intrinsics import calibrate_intrinsics
from calibration.intrinsics_config import IntrinsicsConfig
from calibration.lens_fit import fit_lens, fit_poses
from calibration.lens_jacobian import COEFFICIENTS, distort_with_jacobian
from calibration.lens_kernel import seen_by_fisheye
from calibration.planar_pose import PackedViews, homographies, homography_residuals, pack, turned_over
from calibration.projection_kernel import project_with_derivatives
from tests.calibration.board_scenes import BOARD, film_board, lens_camera
from tests.calibration.rigs import make_camera

POINTS = np.random.default_rng(3).uniform([-500, -350, 700], [500, 350, 1500], (40, 3))


@pytest.mark.parametrize("model", COEFFICIENTS)
def test_the_lens_and_its_derivatives(model):
    camera = make_camera(model=model, R=np.eye(3), t=np.zeros(3))
    k = np.array(camera.distortion)
    image, by_point, by_coefficient = distort_with_jacobian(model, k, POINTS)
    expected = (camera.project(POINTS) - camera.K[:2, 2]) / camera.K[[0, 1], [0, 1]]
    assert np.abs(image - expected).max() < 1e-12
    for axis in range(3):
        # central differences: rounding 1e-16 / step and curvature step^2 are both below 1e-8 of 1/depth
        step = np.zeros(3)
        step[axis] = 1e-2
        ahead, behind = (distort_with_jacobian(model, k, POINTS + s * step)[0] for s in (1, -1))
        assert np.abs((ahead - behind) / 2e-2 - by_point[..., axis]).max() < 1e-10
    for number in range(len(k)):
        step = np.zeros(len(k))
        step[number] = 1e-5
        ahead, behind = (distort_with_jacobian(model, k + s * step, POINTS)[0] for s in (1, -1))
        assert np.abs((ahead - behind) / 2e-5 - by_coefficient[..., number]).max() < 1e-8


def test_a_fisheye_point_on_the_axis_has_finite_derivatives():
    parts = distort_with_jacobian("fisheye", np.array([0.1, 0.0, 0.0, 0.0]), np.array([[0.0, 0.0, 800.0]]))
    assert all(np.isfinite(part).all() for part in parts)
    assert np.allclose(parts[1][0, :, :2], np.eye(2) / 800.0)


def test_the_same_optimum_and_deviations_as_opencv():
    camera = lens_camera("pinhole")
    observations = film_board(camera, 12, seed=5)
    views = observations.by_camera("cam1")
    ours = calibrate_intrinsics(observations, "cam1", IntrinsicsConfig(model="pinhole", outlier_sigmas=20))
    assert ours.deviations["k3"] == 0
    objects = [BOARD.corners[view.ids].astype(np.float32) for view in views]
    pixels = [view.pixels.astype(np.float32) for view in views]
    rms, K, k, _, _, deviations, _, _ = cv2.calibrateCameraExtended(
        objects, pixels, camera.size, None, None, flags=cv2.CALIB_FIX_K3
    )
    # OpenCV rounds corners to float32 (3e-5 px) and stops at a relative step of 1e-6.
    assert ours.rms_px == pytest.approx(rms, rel=1e-4)
    sigma = deviations.ravel()
    names = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2")
    theirs = dict(zip(names, [K[0, 0], K[1, 1], K[0, 2], K[1, 2], *k.ravel()[:4]], strict=True))
    for name, deviation in zip(names, sigma, strict=False):
        assert abs(ours.parameters[name] - theirs[name]) < 0.02 * deviation, name
        # OpenCV divides by 2 M - P with another count of parameters P: a few in a thousand
        assert ours.deviations[name] == pytest.approx(deviation, rel=0.02), name


def test_poses_are_found_from_the_other_tilt_too():
    camera = lens_camera("pinhole")
    observations = film_board(camera, 6, seed=8, noise_px=0.0, tilt_rad=0.9)
    views = pack(BOARD, observations.by_camera("cam1"))
    intrinsics = np.array([*camera.K[[0, 1], [0, 1]], *camera.K[:2, 2], *camera.distortion])
    true = calibrate_intrinsics(observations, "cam1", IntrinsicsConfig(model="pinhole"))
    assert true.rms_px < 1e-4
    start = fit_lens(views, "pinhole", intrinsics, np.zeros(9, bool), *_rough_poses(views, camera))
    assert start.rms_px < 1e-4
    middle = BOARD.corners.mean(axis=0)[None].repeat(len(views), axis=0)
    R, t = turned_over(start.R, start.t, middle)
    assert np.abs(np.linalg.det(R) - 1).max() < 1e-9
    # the middle stays, the tilt is mirrored
    assert (
        np.abs((R @ middle[..., None])[..., 0] + t - (start.R @ middle[..., None])[..., 0] - start.t).max()
        < 1e-6
    )
    again = turned_over(R, t, middle)
    assert np.abs(again[0] - start.R).max() < 1e-9
    _, _, residuals = fit_poses(views, "pinhole", intrinsics, R, t)
    assert np.nanmedian(np.abs(residuals)) < 5.0


def _rough_poses(views, camera):
    from calibration.planar_pose import poses_from_normalised

    ideal = camera.lens.undistort((views.pixels - camera.K[:2, 2]) / camera.K[[0, 1], [0, 1]])
    return poses_from_normalised(views, ideal)


def test_homographies_agree_with_opencv():
    camera = lens_camera("pinhole")
    observations = film_board(camera, 5, seed=2, noise_px=0.0)
    views = pack(BOARD, observations.by_camera("cam1"))
    ours = homographies(views)
    for H, view in zip(ours, observations.by_camera("cam1"), strict=True):
        theirs, _ = cv2.findHomography(BOARD.corners[view.ids, :2], view.pixels)
        mapped = cv2.perspectiveTransform(BOARD.corners[view.ids, :2][:, None].copy(), H).reshape(-1, 2)
        other = cv2.perspectiveTransform(BOARD.corners[view.ids, :2][:, None].copy(), theirs).reshape(-1, 2)
        # the linear and the refined optimum differ by less than the distortion they both cannot follow
        assert np.abs(mapped - other).max() < np.abs(other - view.pixels).max()
    assert np.nanmax(homography_residuals(views)) < 20.0


@pytest.mark.parametrize("model", COEFFICIENTS)
def test_compiled_and_plain_lenses_agree(model):
    camera = make_camera(model=model, R=np.eye(3), t=np.zeros(3))
    k = np.zeros(12)
    k[:4] = 900.0, 880.0, 640.0, 360.0
    k[4 : 4 + len(camera.distortion)] = camera.distortion
    points = np.concatenate([POINTS, [[0.0, 0.0, 800.0]]])
    if model == "fisheye":
        points = np.concatenate([points, [[900.0, -300.0, -100.0]]])  # behind the plane, and seen
    image, by_point, by_coefficient = distort_with_jacobian(model, np.array(camera.distortion), points)
    for row, (x, y, z) in enumerate(points):
        point, lens = np.empty((2, 3)), np.empty((2, 12))
        if model == "fisheye":
            u, v = seen_by_fisheye(k, x, y, z, point, lens)
        else:
            u, v = project_with_derivatives(False, k, x, y, z, point, lens)
        # the same formulas in another order: rounding of numbers near 1000
        np.testing.assert_allclose([u, v], image[row] * k[:2] + k[2:4], rtol=1e-12)
        np.testing.assert_allclose(point, by_point[row] * k[:2, None], rtol=1e-10, atol=1e-12)
        coefficients = lens[:, 4 : 4 + len(camera.distortion)]
        np.testing.assert_allclose(coefficients, by_coefficient[row] * k[:2, None], rtol=1e-10, atol=1e-9)


def test_a_view_that_has_no_pose_says_nothing_about_the_lens():
    camera = lens_camera("pinhole")
    views = pack(BOARD, film_board(camera, 8, seed=5).by_camera("cam1"))
    intrinsics = np.array([*camera.K[[0, 1], [0, 1]], *camera.K[:2, 2], *camera.distortion])
    R, t, _ = fit_poses(views, "pinhole", intrinsics, *_rough_poses(views, camera))
    free = np.array([True] * 8 + [False])
    alone = fit_lens(views, "pinhole", intrinsics, free, R, t)
    # all corners at one place, and of the board, too: every pose explains them alike
    point = PackedViews(
        np.concatenate([views.board, np.zeros((1, *views.board.shape[1:]))]),
        np.concatenate([views.pixels, np.full((1, *views.pixels.shape[1:]), 500.0)]),
        np.concatenate([views.found, np.ones((1, views.found.shape[1]), bool)]),
        np.concatenate([views.ids, np.arange(views.found.shape[1])[None]]),
    )
    one_more = fit_lens(
        point,
        "pinhole",
        intrinsics,
        free,
        np.concatenate([R, np.eye(3)[None]]),
        np.vstack([t, [0, 0, 900.0]]),
    )
    # It may pull at nothing; steps end within 0.01 deviations.
    deviations = np.sqrt(np.diag(alone.covariance))
    assert (np.abs(one_more.intrinsics - alone.intrinsics) <= 0.02 * deviations).all()
    assert np.isfinite(one_more.covariance).all()
