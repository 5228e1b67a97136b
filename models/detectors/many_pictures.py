"""A person detector as estimators for whole pictures call it: many pictures, red first, mirrored as well."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.detectors.base import Boxes, Image, PersonDetector
from models.detectors.overlap import suppress


class DetectorOfPictures:
    """What ``models.metrabs.estimator.PersonDetector`` asks for, by any detector of this package.

    Args:
        detector: Does the work.
    """

    def __init__(self, detector: PersonDetector) -> None:
        self.detector = detector

    def __call__(
        self,
        pictures: Sequence[Image],
        *,
        threshold: float = 0.3,
        nms_iou_threshold: float = 0.7,
        max_detections: int = -1,
        flip_aug: bool = False,
    ) -> list[NDArray[np.float64]]:
        """For each (H, W, 3) RGB picture (n, 5): left, top, width, height, px, and a score, best first.

        Args:
            pictures: Of any sizes.
            threshold: Lowest score.
            nms_iou_threshold: Overlap above which two boxes are one person. Files with suppression inside
                use their own as well.
            max_detections: Per picture; -1 for all.
            flip_aug: Look at the mirrored picture too; every person found in either counts.

        Raises:
            BadInputError: A picture is no (H, W, 3) uint8 array.
        """
        results = []
        for picture in pictures:
            boxes = self._find(picture, threshold, nms_iou_threshold)
            if flip_aug:
                mirrored = self._find(picture[:, ::-1], threshold, nms_iou_threshold)
                mirrored[:, [0, 2]] = picture.shape[1] - mirrored[:, [2, 0]]
                boxes = suppress(np.concatenate([boxes, mirrored]), nms_iou_threshold)
            if max_detections >= 0:
                boxes = boxes[:max_detections]
            boxes[:, 2:4] -= boxes[:, :2]
            results.append(boxes)
        return results

    def _find(self, picture: Image, min_score: float, nms_iou: float) -> Boxes:
        blue_first = picture[..., ::-1] if isinstance(picture, np.ndarray) and picture.ndim else picture
        return self.detector.find(blue_first, min_score=min_score, nms_iou=nms_iou)
