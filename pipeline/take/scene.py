"""What the pictures of a take have in common: sizes, colours and the 3D view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.skeletons import get_skeleton
from pipeline.frames.frame import Image
from pipeline.take.instants import Instant, Timeline, build_timeline
from pipeline.take.poses_file import Poses
from pipeline.take.rendering.camera_tile import camera_tile
from pipeline.take.rendering.figure import FigureStyle, figure_style
from pipeline.take.rendering.scene_view import SceneView, Viewpoint, choose_viewpoint
from pipeline.take.take import Take
from pipeline.take.video_file import RecordedVideo


@dataclass(frozen=True)
class TakeScene:
    """A take prepared for drawing.

    Attributes:
        take: The take.
        poses: Its poses, None when there are none.
        timeline: Its instants.
        sizes: (width, height) px of each camera's pictures, in order of the take.
        style: Colours of the skeleton, None without poses.
        viewpoint: Of the 3D view, None when there is nothing to show in 3D.
    """

    take: Take
    poses: Poses | None
    timeline: Timeline
    sizes: tuple[tuple[int, int], ...]
    style: FigureStyle | None
    viewpoint: Viewpoint | None

    @classmethod
    def of(cls, take: Take) -> TakeScene:
        """Prepare ``take``."""
        poses = take.poses()
        style = figure_style(get_skeleton(poses.skeleton)) if poses is not None else None
        viewpoint = None
        rig = take.calibration
        if rig is not None or (poses is not None and np.isfinite(poses.joints).any()):
            joints = poses.joints if poses is not None else np.zeros((0, 3))
            viewpoint = choose_viewpoint(joints, rig)
        sizes = tuple(_picture_size(take, camera) for camera in take.cameras)
        return cls(take, poses, build_timeline(take, poses), sizes, style, viewpoint)

    def view(self, size: tuple[int, int]) -> SceneView:
        """The 3D view in one size."""
        return SceneView(size, self.style, self.take.calibration)

    def tile(self, instant: Instant, at: int, size: tuple[int, int]) -> Image:
        """Camera number ``at`` at one instant."""
        return camera_tile(
            instant.pictures[at],
            size,
            self.sizes[at],
            self.take.cameras[at],
            people=instant.keypoints[at],
            style=self.style,
            swapped=bool(instant.swapped[at]),
        )

    def seconds(self, time_ns: int) -> float:
        """Time since the start of the take."""
        return (time_ns - self.take.header.origin_ns) / 1e9


def time_code(seconds: float) -> str:
    """Minutes, seconds and milliseconds."""
    sign = "-" if seconds < 0 else ""
    milliseconds = round(abs(seconds) * 1000)
    return f"{sign}{milliseconds // 60000:02d}:{milliseconds // 1000 % 60:02d}.{milliseconds % 1000:03d}"


def _picture_size(take: Take, camera: str) -> tuple[int, int]:
    path = take.video_path(camera)
    if path is not None:
        return RecordedVideo(path).size
    rig = take.calibration
    if rig is not None and camera in rig.names:
        return rig.camera(camera).size
    return (640, 480)  # a camera that never delivered: any proportions will do
