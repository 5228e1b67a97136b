"""MeTRAbs on whole pictures: people in boxes or found by a detector, to poses in millimetres in the world.

Sarandi et al., T-BIOM 2020, and Sarandi et al., Learning 3D Human Pose Estimation from Dozens of Datasets,
WACV 2023. The verbs and their arguments are those that users of the published models know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.errors import bad_input
from models.metrabs.crop_model import MetrabsCropModel
from models.metrabs.joint_layout import JointLayout
from models.metrabs.multi_person import EstimationSettings, MultiPersonModel, People
from models.metrabs.picture_camera import NO_DISTORTION, UNKNOWN, WORLD_UP, picture_cameras
from models.metrabs.pictures import Picture, as_boxes, as_picture

Array: TypeAlias = Any
"""A numpy array where the picture was one, else a tensor on its device."""


class PersonDetector(Protocol):
    """Finds people."""

    def __call__(
        self,
        pictures: Sequence[NDArray[np.uint8]],
        *,
        threshold: float,
        nms_iou_threshold: float,
        max_detections: int,
        flip_aug: bool,
    ) -> Sequence[NDArray[np.floating]]:
        """For each (H, W, 3) RGB picture (n, 5): left, top, width, height, px, and a score in 0..1.

        Args:
            pictures: Of any sizes.
            threshold: Lowest score.
            nms_iou_threshold: Overlap above which two boxes are one person.
            max_detections: Per picture; -1 for all.
            flip_aug: Look at the mirrored picture too.
        """


class DetectedPoses(NamedTuple):
    """People found in one picture: (n, 5) boxes with scores, (n, J, 3) mm in the world, (n, J, 2) px."""

    boxes: Array
    poses3d: Array
    poses2d: Array


class EstimatedPoses(NamedTuple):
    """People in given boxes: (n, J, 3) mm in the world and (n, J, 2) px of the picture."""

    poses3d: Array
    poses2d: Array


class PoseEstimator:
    """People in pictures; ``multi_person`` says what happens to them.

    Args:
        crop_model: In evaluation mode, on any device; it stays there.
        layout: Its joints.
        detector: For the verbs that find people themselves.
        mean_bone_lengths: See ``MultiPersonModel``.
        dtype: See ``MultiPersonModel``.
    """

    def __init__(
        self,
        crop_model: MetrabsCropModel,
        layout: JointLayout,
        *,
        detector: PersonDetector | None = None,
        mean_bone_lengths: Tensor | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.model = MultiPersonModel(crop_model, layout, mean_bone_lengths, dtype)
        self._detector = detector

    @property
    def crop_model(self) -> MetrabsCropModel:
        """The network for single crops."""
        return self.model.crop_model

    @property
    def layout(self) -> JointLayout:
        """Joints and skeletons."""
        return self.model.layout

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Of the network."""
        return self.layout.names

    @property
    def joint_edges(self) -> tuple[tuple[int, int], ...]:
        """Of the network."""
        return self.layout.edges

    @property
    def per_skeleton_joint_names(self) -> dict[str, tuple[str, ...]]:
        """By the names to pass as ``skeleton``."""
        return {name: skeleton.names for name, skeleton in self.layout.skeletons.items()}

    @property
    def per_skeleton_joint_edges(self) -> dict[str, tuple[tuple[int, int], ...]]:
        """By the names to pass as ``skeleton``."""
        return {name: skeleton.edges for name, skeleton in self.layout.skeletons.items()}

    def detect_poses(
        self,
        image: Array,
        intrinsic_matrix: Array = UNKNOWN,
        distortion_coeffs: Array = NO_DISTORTION,
        extrinsic_matrix: Array = None,
        world_up_vector: Array = WORLD_UP,
        default_fov_degrees: float = 55.0,
        internal_batch_size: int = 64,
        antialias_factor: int = 1,
        num_aug: int = 5,
        average_aug: bool = True,
        skeleton: str = "",
        detector_threshold: float = 0.3,
        detector_nms_iou_threshold: float = 0.7,
        max_detections: int = -1,
        detector_flip_aug: bool = False,
        suppress_implausible_poses: bool = True,
    ) -> DetectedPoses:
        """Find people in a picture and estimate them; arguments as for ``detect_poses_batched``."""
        return self.detect_poses_batched(
            [image],
            intrinsic_matrix,
            distortion_coeffs,
            extrinsic_matrix,
            world_up_vector,
            default_fov_degrees,
            internal_batch_size,
            antialias_factor,
            num_aug,
            average_aug,
            skeleton,
            detector_threshold,
            detector_nms_iou_threshold,
            max_detections,
            detector_flip_aug,
            suppress_implausible_poses,
        )[0]

    def detect_poses_batched(
        self,
        images: Sequence[Array] | Array,
        intrinsic_matrix: Array = UNKNOWN,
        distortion_coeffs: Array = NO_DISTORTION,
        extrinsic_matrix: Array = None,
        world_up_vector: Array = WORLD_UP,
        default_fov_degrees: float = 55.0,
        internal_batch_size: int = 64,
        antialias_factor: int = 1,
        num_aug: int = 5,
        average_aug: bool = True,
        skeleton: str = "",
        detector_threshold: float = 0.3,
        detector_nms_iou_threshold: float = 0.7,
        max_detections: int = -1,
        detector_flip_aug: bool = False,
        suppress_implausible_poses: bool = True,
    ) -> list[DetectedPoses]:
        """Find people in pictures and estimate them.

        Args:
            images: N pictures of any sizes, or one array of them; see ``as_picture``.
            intrinsic_matrix: (3, 3) or (N, 3, 3); where it is not given, see ``default_fov_degrees``.
            distortion_coeffs: (4 to 12,) or (N, ...), see ``lens``.
            extrinsic_matrix: (4, 4) or (N, 4, 4) world to camera, mm.
            world_up_vector: (3,) upwards in the world.
            default_fov_degrees: Of the longer side of pictures without intrinsics.
            internal_batch_size: Crops that the network sees at once; 0 for all.
            antialias_factor: Samples per crop pixel along each axis.
            num_aug: Variants of each crop to average over.
            average_aug: False gives the variants, as an axis behind the people.
            skeleton: Name of a selection of joints.
            detector_threshold: See ``PersonDetector``; so the next three.
            detector_nms_iou_threshold: See there.
            max_detections: See there.
            detector_flip_aug: See there.
            suppress_implausible_poses: Drop what is no person, or one that is there already.

        Raises:
            BadInputError: There is no detector, or an argument makes no sense.
        """
        pictures = [as_picture(image) for image in images]
        found = self._detected(
            pictures,
            threshold=detector_threshold,
            nms_iou_threshold=detector_nms_iou_threshold,
            max_detections=max_detections,
            flip_aug=detector_flip_aug,
        )
        settings = EstimationSettings(
            internal_batch_size,
            antialias_factor,
            num_aug,
            average_aug,
            skeleton,
            suppress_implausible_poses=suppress_implausible_poses,
        )
        people = self.people(
            pictures,
            found,
            settings,
            intrinsic_matrix,
            distortion_coeffs,
            extrinsic_matrix,
            world_up_vector,
            default_fov_degrees,
        )
        return [
            DetectedPoses(*(picture.like_given(part) for part in (each.boxes, each.poses3d, each.poses2d)))
            for picture, each in zip(pictures, people, strict=True)
        ]

    def estimate_poses(
        self,
        image: Array,
        boxes: Array,
        intrinsic_matrix: Array = UNKNOWN,
        distortion_coeffs: Array = NO_DISTORTION,
        extrinsic_matrix: Array = None,
        world_up_vector: Array = WORLD_UP,
        default_fov_degrees: float = 55.0,
        internal_batch_size: int = 64,
        antialias_factor: int = 1,
        num_aug: int = 5,
        average_aug: bool = True,
        skeleton: str = "",
    ) -> EstimatedPoses:
        """Estimate the people in given (n, 4) boxes; arguments as for ``estimate_poses_batched``."""
        return self.estimate_poses_batched(
            [image],
            [boxes],
            intrinsic_matrix,
            distortion_coeffs,
            extrinsic_matrix,
            world_up_vector,
            default_fov_degrees,
            internal_batch_size,
            antialias_factor,
            num_aug,
            average_aug,
            skeleton,
        )[0]

    def estimate_poses_batched(
        self,
        images: Sequence[Array] | Array,
        boxes: Sequence[Array],
        intrinsic_matrix: Array = UNKNOWN,
        distortion_coeffs: Array = NO_DISTORTION,
        extrinsic_matrix: Array = None,
        world_up_vector: Array = WORLD_UP,
        default_fov_degrees: float = 55.0,
        internal_batch_size: int = 64,
        antialias_factor: int = 1,
        num_aug: int = 5,
        average_aug: bool = True,
        skeleton: str = "",
    ) -> list[EstimatedPoses]:
        """Estimate the people in given boxes.

        Args:
            images: As for ``detect_poses_batched``; so all that is not listed here.
            boxes: For each picture (n, 4): left, top, width, height, px. n may differ and be 0.
            intrinsic_matrix: See there.
            distortion_coeffs: See there.
            extrinsic_matrix: See there.
            world_up_vector: See there.
            default_fov_degrees: See there.
            internal_batch_size: See there.
            antialias_factor: See there.
            num_aug: See there.
            average_aug: See there.
            skeleton: See there.

        Raises:
            BadInputError: An argument makes no sense.
        """
        pictures = [as_picture(image) for image in images]
        settings = EstimationSettings(internal_batch_size, antialias_factor, num_aug, average_aug, skeleton)
        people = self.people(
            pictures,
            boxes,
            settings,
            intrinsic_matrix,
            distortion_coeffs,
            extrinsic_matrix,
            world_up_vector,
            default_fov_degrees,
        )
        return [
            EstimatedPoses(picture.like_given(each.poses3d), picture.like_given(each.poses2d))
            for picture, each in zip(pictures, people, strict=True)
        ]

    def people(
        self,
        images: Sequence[Array | Picture] | Array,
        boxes: Sequence[Array],
        settings: EstimationSettings,
        intrinsic_matrix: Array = UNKNOWN,
        distortion_coeffs: Array = NO_DISTORTION,
        extrinsic_matrix: Array = None,
        world_up_vector: Array = WORLD_UP,
        default_fov_degrees: float = 55.0,
    ) -> list[People]:
        """Everything known about the people in given boxes; what the verbs above return is a part of it.

        Implausible poses can be dropped here too: ``People.kept`` says which boxes are left.

        Args:
            images: As for the verbs above.
            boxes: (n, 4), or (n, 5) with scores.
            settings: See there.
            intrinsic_matrix: As for the verbs above; so the rest.
            distortion_coeffs: See there.
            extrinsic_matrix: See there.
            world_up_vector: See there.
            default_fov_degrees: See there.

        Raises:
            BadInputError: An argument makes no sense.
        """
        pictures = [image if isinstance(image, Picture) else as_picture(image) for image in images]
        cameras = picture_cameras(
            [picture.size for picture in pictures],
            intrinsic_matrix,
            distortion_coeffs,
            extrinsic_matrix,
            world_up_vector,
            default_fov_degrees,
        )
        pixels = [picture.pixels for picture in pictures]
        return self.model(pixels, [as_boxes(own) for own in boxes], cameras, settings)

    def _detected(self, pictures: Sequence[Picture], **arguments: Any) -> list[Tensor]:
        if self._detector is None:
            raise bad_input("this estimator has no person detector", hint="give boxes: estimate_poses")
        found = self._detector([picture.rows_first() for picture in pictures], **arguments)
        boxes = [as_boxes(own) for own in found]
        # No person at all still has the shape of boxes with scores.
        return [own if len(own) else own.new_zeros(0, 5) for own in boxes]
