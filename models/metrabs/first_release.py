"""The two verbs of the first published models, for programs written for them.

They know neither lenses nor places of cameras: poses are in the frame of the camera. Numbers are those of the
later releases, whose crops keep their perspective exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.metrabs.estimator import Array, DetectedPoses, PoseEstimator
from models.metrabs.picture_camera import UNKNOWN

FOV_DEGREES = 50.0


class MultiPerson:
    """People in given boxes."""

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator

    def predict_single_image(
        self,
        image: Array,
        intrinsic_matrix: Array,
        boxes: Array,
        internal_batch_size: int = 64,
        n_aug: int = 5,
    ) -> Array:
        """One picture, (3, 3) intrinsics and (n, 4) boxes to (n, J, 3) mm."""
        return self.predict_multi_image([image], intrinsic_matrix, [boxes], internal_batch_size, n_aug)[0]

    def predict_multi_image(
        self,
        image: Sequence[Array] | Array,
        intrinsic_matrix: Array,
        boxes: Sequence[Array],
        internal_batch_size: int = 64,
        n_aug: int = 5,
    ) -> list[Array]:
        """N pictures, (1 or N, 3, 3) intrinsics and (n, 4) boxes for each to (n, J, 3) mm for each."""
        found = self._estimator.estimate_poses_batched(
            image, boxes, intrinsic_matrix, internal_batch_size=internal_batch_size, num_aug=n_aug
        )
        return [people.poses3d for people in found]


class Combined:
    """People whom the detector finds."""

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator

    def predict_single_image(
        self,
        image: Array,
        intrinsics: Array = (),
        detector_threshold: float = 0.5,
        detector_nms_iou_threshold: float = 0.4,
        detector_flip_aug: bool = False,
        internal_batch_size: int = 64,
        n_aug: int = 5,
    ) -> DetectedPoses:
        """One picture to boxes with scores, (n, J, 3) mm and (n, J, 2) px."""
        return self.predict_multi_image(
            [image],
            intrinsics,
            detector_threshold,
            detector_nms_iou_threshold,
            detector_flip_aug,
            internal_batch_size,
            n_aug,
        )[0]

    def predict_multi_image(
        self,
        image: Sequence[Array] | Array,
        intrinsics: Array = (),
        detector_threshold: float = 0.5,
        detector_nms_iou_threshold: float = 0.4,
        detector_flip_aug: bool = False,
        internal_batch_size: int = 64,
        n_aug: int = 5,
    ) -> list[DetectedPoses]:
        """N pictures; without intrinsics the longer side spans 50 degrees."""
        return self._estimator.detect_poses_batched(
            image,
            intrinsics if sum(map(len, intrinsics)) else UNKNOWN,
            default_fov_degrees=FOV_DEGREES,
            internal_batch_size=internal_batch_size,
            num_aug=n_aug,
            detector_threshold=detector_threshold,
            detector_nms_iou_threshold=detector_nms_iou_threshold,
            detector_flip_aug=detector_flip_aug,
            suppress_implausible_poses=False,
        )
