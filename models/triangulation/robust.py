"""From keypoints in several views to joints in space, robustly and with uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from calibration.rig import Rig
from configs.loading import Config

Floats = NDArray[np.float64]

CONSISTENT = 0.999
"""Probability with which the residuals of a joint that is what it seems stay below the bound; beyond it,
its own residuals and no longer the person's set its uncertainty."""


class RobustConfig(Config):
    """What is known about keypoints before seeing any.

    ``noise_mm`` is a length at the person because networks err by a fraction of the person's size in the
    picture: 18 mm is 1 % of a person's height, whatever the resolution of the picture and the distance.
    """

    min_score: float = Field(0.3, ge=0.0, le=1.0)
    """Keypoints with a smaller score do not take part."""
    noise_mm: float = Field(18.0, gt=0.0)
    """Largest standard deviation of a keypoint along each image axis, as a length at the person. The
    keypoints of a person may turn out to be more precise, which narrows all limits, but not less."""
    min_noise_px: float = Field(0.5, gt=0.0)
    """Standard deviation in px that no keypoint falls below, however well the views agree."""
    max_deviation: float = Field(3.5, gt=0.0)
    """A view whose error exceeds this many standard deviations is dropped (2 in 1000 under pure noise)."""
    max_uncertainty_mm: float = Field(1000.0, gt=0.0)
    """A joint less certain than this (1 sigma, all axes together) counts as missing."""
    score_scale_mm: float = Field(100.0, gt=0.0)
    """Uncertainty that halves the score of a joint."""


@dataclass(frozen=True)
class Triangulation:
    """Joints of N people from V views.

    Attributes:
        joints: (N, J, 3) mm in world, NaN where missing.
        scores: (N, J) in [0, 1], 0 where missing.
        covariance: (N, J, 3, 3) mm^2 in world, NaN where missing.
        used: (N, V, J) whether the view took part in the joint.
        residual_px: (N, V, J) distance between keypoint and reprojected joint, also of views that were
            dropped; infinite for a joint behind the camera, NaN where there is no usable keypoint or no
            joint.
    """

    joints: Floats
    scores: Floats
    covariance: Floats
    used: NDArray[np.bool_]
    residual_px: Floats


class RobustTriangulator:
    """Confidence-weighted triangulation that finds out which views to believe.

    For each joint the start is the geometric median of the rays of sight (least sum of distances, convex,
    so a wrong view cannot capture it). From there Gauss-Newton steps minimise the reprojection error, each
    view weighted by its squared score (as if the rows of the linear problem were multiplied by it, Iskakov
    et al. 2019) and by Huber's function; views beyond ``max_deviation`` are dropped, worst first, while
    more than two are left. No subsets are enumerated and every loop is bounded, so time is linear in the
    number of views.

    What counts as far is measured: the median residual over all joints and views of a person gives the
    noise of its keypoints, as a length at the person.

    The covariance is the inverse of the final weighted normal matrix, scaled by the person's residual
    variance per degree of freedom; a joint whose own residuals contradict that (chi-square, 0.1 %) is
    scaled by its own. It describes keypoint noise, not errors of the calibration that all joints share.

    The score of a joint is ``mean score of the views used * their share in the sum of all usable scores *
    1 / (1 + trace(covariance) / score_scale_mm^2)``.

    References: Hartley and Zisserman, Multiple View Geometry, ch. 12; Huber and Ronchetti, Robust
    Statistics, ch. 7; Aftab and Hartley, Convergence of iteratively re-weighted least squares to robust
    M-estimators, 2015.

    Args:
        config: See ``RobustConfig``.
        rig: Cameras in the order of the views.
    """

    Config = RobustConfig

    def __init__(self, config: RobustConfig, rig: Rig) -> None:
        # Statistics and compiled code are loaded by who triangulates; a window only reads the configuration.
        from scipy.stats import chi2

        self.config = config
        self.rig = rig
        cameras = rig.cameras
        # Far from the origin of the world, positions lose digits that the distances between cameras need.
        self._centre = np.mean([camera.position for camera in cameras], axis=0)
        self._R = np.ascontiguousarray([camera.R for camera in cameras])
        self._t = np.ascontiguousarray([camera.t + camera.R @ self._centre for camera in cameras])
        self._K = np.ascontiguousarray(
            [[camera.K[0, 0], camera.K[1, 1], camera.K[0, 2], camera.K[1, 2]] for camera in cameras]
        )
        freedom = np.arange(2 * len(cameras) + 1)
        self._consistency = np.where(freedom > 0, chi2.ppf(CONSISTENT, np.maximum(freedom, 1)), 0.0)

    def __call__(self, keypoints: Floats, scores: Floats) -> Triangulation:
        """Triangulate.

        Args:
            keypoints: (N, V, J, 2) distorted px, NaN where missing.
            scores: (N, V, J) in [0, 1].

        Raises:
            ValueError: The shapes do not fit each other or the rig.
        """
        return self.triangulate_ideal(self.undistort(keypoints), scores)

    def undistort(self, keypoints: Floats) -> Floats:
        """(N, V, J, 2) distorted px to ideal px, all people and joints of a view in one call."""
        keypoints = np.asarray(keypoints, np.float64)
        if keypoints.ndim != 4 or keypoints.shape[1] != len(self.rig) or keypoints.shape[3] != 2:
            raise ValueError(f"keypoints have shape {keypoints.shape}, expected (N, {len(self.rig)}, J, 2)")
        ideal = np.empty(keypoints.shape)
        for view, camera in enumerate(self.rig.cameras):
            ideal[:, view] = camera.undistort(keypoints[:, view])
        return ideal

    def triangulate_ideal(self, ideal: Floats, scores: Floats) -> Triangulation:
        """As ``__call__``, for keypoints that are free of distortion already."""
        from models.triangulation.robust_kernel import triangulate_people

        scores = np.ascontiguousarray(scores, np.float64)
        if scores.shape != ideal.shape[:3]:
            raise ValueError(f"scores have shape {scores.shape}, keypoints {ideal.shape}")
        people, views, count = scores.shape
        joints = np.empty((people, count, 3))
        covariance = np.empty((people, count, 3, 3))
        used = np.empty((people, views, count), np.bool_)
        residual = np.empty((people, views, count))
        agreement = np.empty((people, count))
        config = self.config
        triangulate_people(
            np.ascontiguousarray(ideal),
            scores,
            self._R,
            self._t,
            self._K,
            config.min_score,
            config.noise_mm,
            config.min_noise_px,
            config.max_deviation,
            self._consistency,
            joints,
            covariance,
            used,
            residual,
            agreement,
        )
        trace = np.trace(covariance, axis1=2, axis2=3)
        missing = ~(trace <= config.max_uncertainty_mm**2)
        joints += self._centre
        joints[missing] = np.nan
        covariance[missing] = np.nan
        used &= ~missing[:, None]
        residual[np.broadcast_to(missing[:, None], residual.shape)] = np.nan
        seen_by = used.sum(axis=1)
        mean_score = np.where(used, scores, 0.0).sum(axis=1) / np.maximum(seen_by, 1)
        precision = 1.0 / (1.0 + np.where(missing, 0.0, trace) / config.score_scale_mm**2)
        joint_scores = np.where(missing, 0.0, np.clip(mean_score * agreement * precision, 0.0, 1.0))
        return Triangulation(joints, joint_scores, covariance, used, residual)
