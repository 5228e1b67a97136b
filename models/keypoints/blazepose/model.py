"""BlazePose as a keypoint model of the pipeline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import LifoQueue
from types import TracebackType
from typing import ClassVar, Self

from pydantic import Field

from configs.loading import Config
from models.detections import Detections
from models.keypoints.base import Image
from models.keypoints.blazepose.detector import Person, detect_people
from models.keypoints.blazepose.landmarks import LANDMARKS, OUTPUTS, Landmarks, find_landmarks
from models.keypoints.blazepose.network import Network, load_network
from models.keypoints.blazepose.region import Region
from models.keypoints.blazepose.tracker import Tracker
from models.skeletons import get_skeleton
from models.zoo import ModelStore, default_store

NAME = "blazepose"
DETECTION_FILE = "pose_detection.tflite"
LANDMARK_FILE = "pose_landmark_full.tflite"


class BlazePoseConfig(Config):
    """How people are found and followed.

    Attributes:
        max_people: People followed per view. The cost grows with people times views.
        detect_every: Pictures between two looks at the whole picture while someone is missing.
        min_detection_score: Detections below are ignored.
        min_person_score: A person is lost when the probability falls below.
        smooth_downscale: Average the picture before a large person is cropped: steadier, but not exactly what
            the network's publisher does.
        avoid_pictures: For how many pictures a person is not taken up again after ``forget``.
        threads: Views computed at the same time; by default as many as there are views or processors.
        models: Folder of fetched models; the user's own by default.
    """

    max_people: int = Field(default=1, ge=1, le=32)
    detect_every: int = Field(default=5, ge=1)
    min_detection_score: float = Field(default=0.5, gt=0, lt=1)
    min_person_score: float = Field(default=0.5, ge=0, le=1)
    smooth_downscale: bool = True
    avoid_pictures: int = Field(default=60, ge=0)
    threads: int | None = Field(default=None, ge=1, le=256)
    models: Path | None = None


class BlazePose:
    """Finds and follows people in several views, each view by itself, views side by side in threads.

    Args:
        config: See ``BlazePoseConfig``.
        cameras: Names of the views.

    Raises:
        BadInputError: The networks are not here or hold wrong bytes; says how to fetch them.
    """

    Config: ClassVar[type[BlazePoseConfig]] = BlazePoseConfig
    skeleton = get_skeleton("blazepose_33")
    name = NAME

    def __init__(self, config: BlazePoseConfig, cameras: Sequence[str]) -> None:
        self.config = config
        self.cameras = tuple(cameras)
        store = ModelStore(config.models) if config.models else default_store()
        detection = store.model_file(NAME, DETECTION_FILE)
        landmark = store.model_file(NAME, LANDMARK_FILE)
        files = store.manifest.model(NAME).files
        self.hashes = {name: files[name].sha256 for name in (DETECTION_FILE, LANDMARK_FILE)}
        self._trackers = [
            Tracker(
                max_people=config.max_people,
                detect_every=config.detect_every,
                min_person=config.min_person_score,
                avoid_pictures=config.avoid_pictures,
            )
            for _ in self.cameras
        ]
        threads = max(1, min(config.threads or _processors(), len(self.cameras)))
        contents = load_network(detection), load_network(landmark, OUTPUTS)
        # The networks hold no state, so there are as many as can run at a time, not one per view.
        self._idle: LifoQueue[_NetworkPair] = LifoQueue()
        for _ in range(threads):
            self._idle.put(_NetworkPair(*contents, config))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=NAME) if threads > 1 else None

    def detect(self, images: Sequence[Image | None], times_ns: Sequence[int]) -> list[Detections]:
        """Find people; see ``KeypointModel.detect``. One picture (H, W, 3) BGR u8 or None per view.

        Raises:
            ValueError: The number of pictures is not the number of views.
        """
        views = len(self.cameras)
        if len(images) != views or len(times_ns) != views:
            raise ValueError(f"{len(images)} pictures and {len(times_ns)} times for {views} views")
        if self._pool is None:
            return [self._view(view, image) for view, image in enumerate(images)]
        return list(self._pool.map(self._view, range(views), images))

    def forget(self, view: int, track: int) -> bool:
        """Stop following a track in one view because it is not the person wanted.

        The same person is not taken up again for ``avoid_pictures`` pictures, so that somebody else can be
        found. Not to be called while ``detect`` runs.

        Returns:
            Whether the view had such a track.
        """
        return self._trackers[view].forget(track)

    def reset(self) -> None:
        """Forget all tracks, as after a cut."""
        for tracker in self._trackers:
            tracker.reset()

    def close(self) -> None:
        """Free threads and networks; the model cannot be used afterwards. Safe to call twice."""
        if self._pool is not None:
            self._pool.shutdown()
        while not self._idle.empty():
            self._idle.get()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _view(self, view: int, image: Image | None) -> Detections:
        if image is None:
            return Detections.none(LANDMARKS)
        networks = self._idle.get()
        try:
            return self._trackers[view].step(image, networks)
        finally:
            self._idle.put(networks)


class _NetworkPair:
    """Both networks with the configuration's settings applied."""

    def __init__(self, detection: bytes, landmark: bytes, config: BlazePoseConfig) -> None:
        self._detection = Network(detection)
        self._landmark = Network(landmark)
        self._config = config

    def people(self, image: Image) -> list[Person]:
        return detect_people(self._detection, image, self._config.min_detection_score)

    def landmarks(self, image: Image, region: Region) -> Landmarks:
        return find_landmarks(self._landmark, image, region, smooth=self._config.smooth_downscale)


def _processors() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
