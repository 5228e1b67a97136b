"""The ``studio_lite`` network as a keypoint model of the pipeline; it finds the person by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.errors import bad_input
from configs.loading import Config
from models.backbones.studio_lite import StudioLite
from models.checkpoints.opening import open_network
from models.detections import Detections
from models.detectors.base import checked_picture
from models.keypoints.base import Image
from models.keypoints.studio_lite.both_ways import merged
from models.keypoints.studio_lite.readers import OpenVinoReader, Reader, Reading, TorchReader
from models.keypoints.studio_lite.square import Square, square_round, whole_picture
from models.skeleton import Skeleton
from models.skeletons import get_skeleton
from models.triangulation.predictors.device import choose_device

Floats = NDArray[np.float64]
KIND = "studio_lite"


class StudioLiteConfig(Config):
    """Which weights, and how the person is found and followed.

    Attributes:
        weights: A file (.safetensors) or the name of a network that is here.
        crop_px: Width of the picture that the network sees of a person.
        mirrored: Look at each person in a mirror, too, and take the mean: more precise, twice the time.
        picture_px: Width of the square with the whole picture in which a person is looked for.
        device: ``auto`` takes the GPU when torch sees one; ``cuda`` never falls back.
        runtime: What runs the network on a CPU; ``auto`` is OpenVINO, twice as fast, where it is installed.
        threads: Of OpenVINO; its own choice by default.
        look_every: Pictures of a view between two looks at the whole picture while somebody is followed.
        min_score: Keypoints below do not count for boxes.
        min_person: A person is lost when the mean score of the body's joints falls below.
    """

    weights: str = KIND
    crop_px: int = Field(128, ge=64, le=512, multiple_of=32)
    mirrored: bool = False
    picture_px: int = Field(224, ge=64, le=1024, multiple_of=32)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    runtime: Literal["auto", "torch", "openvino"] = "auto"
    threads: int | None = Field(default=None, ge=1, le=256)
    look_every: int = Field(60, ge=1)
    min_score: float = Field(0.25, ge=0.0, le=1.0)
    min_person: float = Field(0.35, ge=0.0, le=1.0)


@dataclass
class _Follow:
    """The person of one view."""

    track: int = -1
    square: Square | None = None
    person: float = 0.0


class StudioLiteKeypoints:
    """Finds and follows one person in several views; the crops of all views go through the network together.

    Heatmaps decide whether somebody is there; the scores of keypoints are the network's own confidences.
    Where nobody is followed the network looks at the whole picture, coarsely, and then at the square in which
    it found somebody.

    Args:
        config: See ``StudioLiteConfig``.
        cameras: Names of the views.

    Raises:
        BadInputError: There are no such weights, they are another network's, or there is no such device.
        MissingExtraError: torch, or the runtime, is not installed.
    """

    Config: ClassVar[type[StudioLiteConfig]] = StudioLiteConfig

    def __init__(self, config: StudioLiteConfig, cameras: Sequence[str]) -> None:
        self.config = config
        self.cameras = tuple(cameras)
        self.device = choose_device(config.device, source="keypoints")
        if config.runtime == "openvino" and self.device != "cpu":
            raise bad_input("OpenVINO runs on the CPU", key="runtime", hint="set device: cpu")
        opened = open_network(config.weights, KIND, {})
        backbone = opened.network
        assert isinstance(backbone, StudioLite)
        self.skeleton: Skeleton = get_skeleton(opened.skeleton or "halpe_26")
        self.name = KIND if opened.path is None else opened.path.stem
        self.hashes = opened.hashes()
        openvino = self._runs_openvino()
        self._read: Reader = (
            OpenVinoReader(backbone, config.threads) if openvino else TorchReader(backbone, self.device)
        )
        self._next_track = 0
        self._views: list[_Follow] = []
        self.reset()
        # The first run of a shape is slow, and so is cutting where its code is not compiled yet.
        side = 2 * max(config.crop_px, config.picture_px)
        black = np.zeros((side, side, 3), np.uint8)
        for count in range(1, len(self.cameras) + 1):
            self._look([(black, whole_picture(black))] * count, config.crop_px, config.mirrored)
        self._look([(black, whole_picture(black))], config.picture_px)

    def detect(self, images: Sequence[Image | None], times_ns: Sequence[int]) -> list[Detections]:
        """Find the person; see ``KeypointModel.detect``. One picture (H, W, 3) BGR u8 or None per view.

        Raises:
            BadInputError: A picture is none.
            ValueError: The number of pictures is not the number of views.
        """
        if len(images) != len(self.cameras) or len(times_ns) != len(self.cameras):
            raise ValueError(
                f"{len(images)} pictures and {len(times_ns)} times for {len(self.cameras)} views"
            )
        self._instant += 1
        looks = [
            (view, checked_picture(image), square)
            for view, image in enumerate(images)
            if image is not None and (square := self._square(view, image)) is not None
        ]
        found = [Detections.none(len(self.skeleton)) for _ in images]
        if not looks:
            return found
        size = self.config.crop_px
        parts = [(image, square) for _, image, square in looks]
        seen = self._look(parts, size, self.config.mirrored)
        for (view, image, square), points, scores, trust in zip(looks, *seen, strict=True):
            places = square.to_picture(points, size)
            found[view] = self._update(self._views[view], image, places, scores, trust)
        return found

    def reset(self) -> None:
        """Forget everybody. Track numbers are not used again."""
        self._views = [_Follow() for _ in self.cameras]
        self._instant = 0

    def close(self) -> None:
        """Free the network; the model cannot be used afterwards. Safe to call twice."""
        self.__dict__.pop("_read", None)

    def _runs_openvino(self) -> bool:
        if self.config.runtime == "auto":
            return self.device == "cpu" and find_spec("openvino") is not None
        return self.config.runtime == "openvino"

    def _square(self, view: int, image: Image) -> Square | None:
        """Where to look in a picture: at who is followed, or where the whole picture shows somebody."""
        here = self._views[view]
        # Views look at their whole pictures one after the other, not all in the same instant.
        turn = self._instant + round(view * self.config.look_every / len(self.cameras))
        if here.square is not None and here.square.touches(image) and turn % self.config.look_every:
            return here.square
        whole, size = whole_picture(image), self.config.picture_px
        points, scores = (each[0] for each in self._look([(image, whole)], size)[:2])
        counted = scores >= self.config.min_score
        person = self._person(scores)
        square = None
        if person >= self.config.min_person:
            square = square_round(whole.to_picture(points[counted], size))
        # Whoever is followed stays so unless the whole picture shows somebody more clearly.
        return here.square if square is None or person < here.person else square

    def _update(
        self, here: _Follow, image: Image, points: Floats, scores: Floats, confidences: Floats
    ) -> Detections:
        person = self._person(scores)
        counted = scores >= self.config.min_score
        square = square_round(points[counted]) if person >= self.config.min_person else None
        if square is None or not square.touches(image):
            here.square, here.track, here.person = None, -1, 0.0
            return Detections.none(len(self.skeleton))
        if here.track < 0:
            here.track = self._next_track
            self._next_track += 1
        here.square, here.person = square, person
        track = np.array([here.track], np.int64)
        return Detections(points[None], confidences[None], np.array([person]), track)

    def _person(self, scores: Floats) -> float:
        return float(scores[list(self.skeleton.body)].mean())

    def _look(self, parts: Sequence[tuple[Image, Square]], size: int, mirrored: bool = False) -> Reading:
        """What N squares cut from pictures show, in px of the cut squares."""
        count = len(parts)
        pictures = np.empty(((1 + mirrored) * count, size, size, 3), np.uint8)
        for (image, square), out in zip(parts, pictures, strict=False):
            square.cut(image, size, out)
        if not mirrored:
            return self._read(pictures)
        pictures[count:] = pictures[:count, :, ::-1]
        return merged(self._read(pictures), size, self.skeleton.mirror)
