"""RTMPose with a person detector as a keypoint model of the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.errors import bad_input
from configs.loading import Config
from models.detections import Detections
from models.detectors.base import checked_picture
from models.detectors.opening import open_detector
from models.keypoints.base import Image
from models.keypoints.rtmpose.network import SimccNetwork
from models.keypoints.rtmpose.tracker import Candidate, Tracker
from models.skeletons import SKELETONS, get_skeleton
from models.zoo.networks import check_fetched, network_file
from models.zoo.store import ModelStore, default_store

SIMCC = "simcc"


class RtmPoseConfig(Config):
    """Which networks find people and their keypoints, and how people are followed.

    Attributes:
        pose: Keypoint network: a model of the zoo, or the path of an ``.onnx`` file with a SimCC head.
        skeleton: What its keypoints are; needed for a file, for a model of the zoo it is known.
        detector: Person detector: a model of the zoo, or the path of an ``.onnx`` file.
        detector_family: ``rtmdet`` or ``yolox``; needed for a file.
        detector_input: Width and height of the detector's input, where a file takes any.
        device: ``cpu``, ``cuda`` and ``tensorrt`` run there or not at all; ``auto`` takes CUDA where it
            works.
        threads: Of one run on a CPU; as many as there are processors by default.
        max_people: People followed per view.
        detect_every: Pictures between two looks at the whole picture.
        min_detection_score: Detections below are ignored.
        min_keypoint_score: Keypoints below do not count for boxes.
        min_person_score: A person is lost when the mean score of the body's joints falls below.
        models: Folder of fetched models; the user's own by default.
    """

    pose: str = "rtmpose-m"
    skeleton: str | None = None
    detector: str = "rtmdet-nano"
    detector_family: Literal["rtmdet", "yolox"] | None = None
    detector_input: tuple[int, int] | None = None
    device: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    threads: int | None = Field(default=None, ge=1, le=256)
    max_people: int = Field(default=1, ge=1, le=32)
    detect_every: int = Field(default=10, ge=1)
    min_detection_score: float = Field(default=0.3, gt=0, lt=1)
    min_keypoint_score: float = Field(default=0.3, ge=0, le=1)
    min_person_score: float = Field(default=0.3, ge=0, le=1)
    models: Path | None = None


class RtmPose:
    """Finds and follows people in several views; the crops of all views go through the network together.

    Args:
        config: See ``RtmPoseConfig``.
        cameras: Names of the views.

    Raises:
        BadInputError: Networks are not here or are not what they should be, or the device is not to be had.
        MissingExtraError: ONNX Runtime is not installed.
    """

    Config: ClassVar[type[RtmPoseConfig]] = RtmPoseConfig

    def __init__(self, config: RtmPoseConfig, cameras: Sequence[str]) -> None:
        self.config = config
        self.cameras = tuple(cameras)
        store = ModelStore(config.models) if config.models else default_store()
        check_fetched([config.pose, config.detector], store)
        file = network_file(config.pose, [SIMCC], "pose", store)
        self.skeleton = get_skeleton(_skeleton_name(file.skeleton, config))
        self._network = SimccNetwork(
            file.path,
            self.skeleton,
            device=config.device,
            threads=config.threads,
            most=config.max_people * len(self.cameras),
        )
        self._detector = open_detector(
            config.detector,
            family=config.detector_family,
            size=config.detector_input,
            device=config.device,
            threads=config.threads,
            store=store,
        )
        self.name = f"{file.name} + {self._detector.name}"
        self.hashes = {file.path.name: file.sha256, **self._detector.hashes}
        self.device = self._network.device
        self._trackers = [
            Tracker(
                self.skeleton,
                max_people=config.max_people,
                detect_every=config.detect_every,
                min_score=config.min_keypoint_score,
                min_person=config.min_person_score,
            )
            for _ in self.cameras
        ]
        self._detector.find(np.zeros((64, 64, 3), np.uint8))  # the first run is slow; no picture waits for it

    def detect(self, images: Sequence[Image | None], times_ns: Sequence[int]) -> list[Detections]:
        """Find people; see ``KeypointModel.detect``. One picture (H, W, 3) BGR u8 or None per view.

        Raises:
            BadInputError: A picture is none.
            ValueError: The number of pictures is not the number of views.
        """
        views = len(self.cameras)
        if len(images) != views or len(times_ns) != views:
            raise ValueError(f"{len(images)} pictures and {len(times_ns)} times for {views} views")
        looked_at: list[list[Candidate]] = []
        people: list[tuple[Image, NDArray[np.float64]]] = []
        for image, tracker in zip(images, self._trackers, strict=True):
            here = [] if image is None else self._candidates(checked_picture(image), tracker)
            looked_at.append(here)
            if image is not None:
                people += [(image, candidate.box) for candidate in here]
        points, scores = self._network.keypoints(people)
        results, start = [], 0
        for image, tracker, here in zip(images, self._trackers, looked_at, strict=True):
            end = start + len(here)
            if image is None:
                results.append(Detections.none(len(self.skeleton)))
            else:
                results.append(tracker.update(here, points[start:end], scores[start:end]))
            start = end
        return results

    def reset(self) -> None:
        """Forget all tracks, as after a cut."""
        for tracker in self._trackers:
            tracker.reset()

    def close(self) -> None:
        """Free the networks; the model cannot be used afterwards. Safe to call twice."""
        self.__dict__.pop("_network", None)
        self.__dict__.pop("_detector", None)

    def _candidates(self, image: Image, tracker: Tracker) -> list[Candidate]:
        if not tracker.wants_detection:
            return tracker.candidates(None)
        return tracker.candidates(self._detector.find(image, min_score=self.config.min_detection_score))


def _skeleton_name(known: str, config: RtmPoseConfig) -> str:
    if known and config.skeleton not in (None, known):
        raise bad_input(f"{config.pose} has the skeleton {known}", key="skeleton", value=config.skeleton)
    name = known or config.skeleton
    if name is None:
        raise bad_input(
            "a file does not say what its keypoints are", key="skeleton", allowed=", ".join(SKELETONS)
        )
    return name
