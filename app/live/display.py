"""Brings pictures to the tiles and people into space, at most 30 times a second, and only what is seen."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from app.live.tile_wall import TileWall
from app.session.picture_feed import PictureFeed
from app.space.space_view import SpaceView
from app.studio import Studio
from models.pose_frame import PoseFrame

_POSES_MISSING_AFTER_S: Final = 0.5
"""Without new poses for this long the tiles show live pictures, without keypoints."""
_SHORTEST_S: Final = 0.028
"""At most some 30 pictures a second, however fast cameras and models are."""
_FRUSTUM_EVERY: Final = 4
"""Every fourth instant has pictures in the frusta: they are small."""
_FRUSTUM_PX: Final = (192, 144)


class LiveDisplay:
    """The picture of poses is the one that they were found in, so that keypoints lie where the person is.

    Attributes:
        active: Whether anybody looks.
    """

    def __init__(self, studio: Studio, wall: TileWall, space: SpaceView) -> None:
        self.active = False
        self._session = studio.session
        self._wall = wall
        self._space = space
        self._feed = PictureFeed(self._session.ring_name)
        self._poses: PoseFrame | None = None
        self._drawn: PoseFrame | None = None
        self._posed_at = float("-inf")
        self._count = 0
        self._drawn_at = float("-inf")
        self._session.poses.connect(self._take_poses)
        self._session.state_changed.connect(self._hear_state)
        self._session.pipeline_state_changed.connect(lambda *_: self._forget_people())

    def draw(self) -> None:
        """Show what is new; called often."""
        now = time.monotonic()
        if not self.active or self._session.state != "live" or now - self._drawn_at < _SHORTEST_S:
            return
        poses = self._poses
        if poses is not None and poses is not self._drawn:
            self._drawn, self._posed_at = poses, now
            self._draw_people(poses)
            self._draw_pictures_of(poses)
        elif now - self._posed_at <= _POSES_MISSING_AFTER_S or not self._draw_newest():
            return
        self._drawn_at = now
        self._count += 1
        if self._count % _FRUSTUM_EVERY == 0 and self._space.options["pictures"]:
            self._draw_frusta()

    def show_keypoints(self, on: bool) -> None:
        """Skeletons over the pictures."""
        for tile in self._wall.tiles.values():
            tile.keypoints_shown = on
            tile.update()
        self._keypoints = on

    def show_boxes(self, on: bool) -> None:
        """Boxes around people."""
        for tile in self._wall.tiles.values():
            tile.boxes_shown = on
            tile.update()
        self._boxes = on

    _keypoints = True
    _boxes = False

    def reset(self) -> None:
        """Other cameras: forget what was shown, and apply the switches to the new tiles."""
        self._feed.close()
        self._forget_people()
        self.show_keypoints(self._keypoints)
        self.show_boxes(self._boxes)

    def close(self) -> None:
        """Let go of the cameras' memory."""
        self.active = False
        self._feed.close()

    def _take_poses(self, poses: PoseFrame) -> None:
        self._poses = poses

    def _hear_state(self, state: str) -> None:
        if state != "live":
            self._feed.close()  # a stopped grabber's memory is freed when its last reader lets go
            self._forget_people()

    def _forget_people(self) -> None:
        last, self._poses, self._drawn = self._drawn, None, None
        self._posed_at = float("-inf")
        for tile in self._wall.tiles.values():
            tile.show_keypoints(None, None)
        if last is not None:
            self._space.show_people(np.zeros((0, len(last.skeleton), 3)), last.skeleton)

    def _draw_people(self, poses: PoseFrame) -> None:
        covariance = poses.covariance if self._space.options["uncertainty"] else None
        self._space.show_people(poses.smoothed, poses.skeleton, poses.person, covariance)

    def _draw_pictures_of(self, poses: PoseFrame) -> None:
        for tile in self._wall.visible_tiles():
            if tile.camera not in poses.cameras:
                continue
            view = poses.cameras.index(tile.camera)
            time_ns = int(poses.view_times_ns[view])
            picture = self._feed.at(tile.camera, time_ns, tile.picture_size) if time_ns >= 0 else None
            if picture is not None:
                tile.show_picture(picture, self._size(tile.camera))
                tile.show_keypoints(poses.keypoints[:, view], poses.skeleton)

    def _draw_newest(self) -> bool:
        """Live pictures without people; whether any was new."""
        drawn = False
        for tile in self._wall.visible_tiles():
            picture = self._feed.newest(tile.camera, tile.picture_size)
            if picture is not None:
                tile.show_picture(picture, self._size(tile.camera))
                tile.show_keypoints(None, None)
                drawn = True
        return drawn

    def _draw_frusta(self) -> None:
        pictures = {}
        for name in self._wall.tiles:
            picture = self._feed.peek(name, _FRUSTUM_PX)
            if picture is not None:
                pictures[name] = picture
        if pictures:
            self._space.show_pictures(pictures)

    def _size(self, camera: str) -> tuple[int, int] | None:
        size = self._session.details(camera).get("size")
        return (int(size[0]), int(size[1])) if size else None
