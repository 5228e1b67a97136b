"""Pictures of performers in the room, as one camera takes them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from models.simulation.body import Body
from models.simulation.compiled import compiled
from models.simulation.lighting import MAP_CELL_MM, MAP_HALF_MM, TO_LAMP, ShadowMap, light_up, shade_floor
from models.simulation.paint import MATERIALS, paint_winners
from models.simulation.performer import BodyPose
from models.simulation.rasterizer import NOBODY_MM, bend, find_nearest, project
from models.simulation.room import room_picture

Image = NDArray[np.uint8]

RAY_STEP_PX = 8
"""Rays of the empty room are interpolated between pixels this far apart: a lens bends them by less than a
hundredth of a pixel in between."""

SAMPLES = 3
"""Squared: rays per pixel of the empty room."""

_EDGE = np.linspace(0.0, 1.0, 7, dtype=np.float32)
_SQUARE = np.array(
    [(x, y, 0.0) for x in _EDGE for y in (0.0, 1.0)] + [(x, y, 0.0) for y in _EDGE for x in (0.0, 1.0)],
    np.float32,
)
"""Points along the border of a square of one: enough to see where a straight line ends in a bent picture."""


class Cast:
    """The surfaces of all performers, bent and lit for one instant; the same for every camera.

    Args:
        bodies: One per performer.
        palettes: (P, MATERIALS, 8), see ``paint.palette``.
        to_lamp: (3,) float32 unit direction towards the lamp.
    """

    def __init__(
        self, bodies: Sequence[Body], palettes: NDArray[np.float32], to_lamp: NDArray[np.float32] = TO_LAMP
    ) -> None:
        firsts = np.cumsum([0, *[len(body.vertices) for body in bodies]])
        self.slices = [slice(a, b) for a, b in pairwise(firsts)]
        self.bodies = tuple(bodies)
        self.palettes = np.ascontiguousarray(palettes.reshape(-1, palettes.shape[-1]))
        self.faces = np.concatenate([b.faces + first for b, first in zip(bodies, firsts[:-1], strict=True)])
        self.faces = np.ascontiguousarray(self.faces, np.int32)
        self.paint = np.concatenate(
            [body.material + MATERIALS * person for person, body in enumerate(bodies)]
        ).astype(np.uint8)
        self.texture = np.concatenate([body.texture for body in bodies])
        self._openness = np.concatenate([body.openness for body in bodies])
        self._tone = np.concatenate([body.tone for body in bodies])
        self.points = np.zeros((firsts[-1], 3), np.float32)
        self.normals = np.zeros_like(self.points)
        self.light = np.zeros_like(self.points)
        self.shadow = ShadowMap(to_lamp)

    def set_poses(self, poses: Sequence[BodyPose]) -> None:
        """Bend every body, without light."""
        for body, pose, part in zip(self.bodies, poses, self.slices, strict=True):
            skinning = body.skinning(pose.rotations, pose.origins)
            bend(
                body.vertices,
                body.normals,
                body.bones,
                body.weights,
                skinning,
                self.points[part],
                self.normals[part],
            )

    def light_up(self) -> None:
        """Cast shadows and light the bent bodies."""
        self.shadow.update(self.points)
        light_up(
            self.points,
            self.normals,
            self._openness,
            self._tone,
            self.shadow.heights,
            self.shadow.to_lamp,
            self.light,
        )


class View:
    """One camera's look at a cast. Keeps the picture of the empty room.

    Args:
        camera: Must have a ``pinhole`` lens with five coefficients.
        cast: Whom it films.
        blur_px: Standard deviation of the lens blur, 0 for none.
    """

    def __init__(self, camera: Camera, cast: Cast, blur_px: float) -> None:
        assert camera.model == "pinhole"
        assert len(camera.distortion) == 5
        self.camera = camera
        self.cast = cast
        width, height = camera.size
        k1, k2, p1, p2, k3 = camera.distortion
        fx, fy, cx, cy = camera.K[0, 0], camera.K[1, 1], camera.K[0, 2], camera.K[1, 2]
        self._lens = np.array([*camera.R.ravel(), *camera.t, fx, fy, cx, cy, k1, k2, p1, p2, k3], np.float32)
        self._depth = np.full((height, width), NOBODY_MM, np.float32)
        self._winner = np.full((height, width), -1, np.int32)
        self._screen = np.full((len(cast.points), 3), -1.0, np.float32)
        self._box = (0, 0, 0, 0)
        self._blur = blur_px
        self._rooms: tuple[Image, Image] | None = None
        self._canvas: Image | None = None
        self._changed: list[tuple[slice, slice]] = []
        """Parts of the canvas that do not show the empty room."""
        self._floor_places = np.zeros((0, 0, 2), np.float32)

    def find_people(self) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Which surface each pixel shows.

        Returns:
            (H, W) depth in mm along the optical axis, NOBODY_MM where nobody is, and (H, W) the number of the
            triangle seen, -1 for none. Both are overwritten by the next call.
        """
        top, left, bottom, right = self._box
        self._depth[top:bottom, left:right] = NOBODY_MM
        self._winner[top:bottom, left:right] = -1
        bounds = project(self.cast.points, self._lens, self._screen)
        self._box = self._clipped(*map(float, bounds))
        find_nearest(self._screen, self.cast.faces, self._depth, self._winner)
        return self._depth, self._winner

    def picture(self) -> Image:
        """The room, the shadows and the people without noise, (H, W, 3) BGR; overwritten by the next call."""
        self.find_people()
        sharp, soft = self._empty_room()
        if self._canvas is None:
            self._canvas = soft.copy()
        canvas = self._canvas
        for part in self._changed:
            canvas[part] = soft[part]
        shadow = self._shadow_box()
        top, left, bottom, right = self._box
        around = slice(max(0, top - 2), bottom + 2), slice(max(0, left - 2), right + 2)
        self._changed = [around, (slice(shadow[0], shadow[2]), slice(shadow[1], shadow[3]))]
        people = canvas[around]
        if self._blur > 0:
            np.copyto(people, sharp[around])
        shade_floor(self._floor_places, self._winner, self.cast.shadow.shade, shadow, canvas)
        paint_winners(
            self._winner,
            self._screen,
            self.cast.faces,
            self.cast.paint,
            self.cast.texture,
            self.cast.light,
            self.cast.palettes,
            self._box,
            canvas,
        )
        if self._blur > 0 and self._box[2] > self._box[0] and self._box[3] > self._box[1]:
            people[...] = cv2.GaussianBlur(people, (3, 3), self._blur)
        return canvas

    def _empty_room(self) -> tuple[Image, Image]:
        """(H, W, 3) BGR of the empty room, sharp and blurred; takes half a second the first time."""
        if self._rooms is None:
            sharp, self._floor_places = look_at_room(self.camera)
            soft = cv2.GaussianBlur(sharp, (3, 3), self._blur) if self._blur > 0 else sharp
            self._rooms = sharp, np.asarray(soft, np.uint8)
        return self._rooms

    def _shadow_box(self) -> tuple[int, int, int, int]:
        """Part of the picture that can show the shadow."""
        top, left, bottom, right = (side * MAP_CELL_MM - MAP_HALF_MM for side in self.cast.shadow.box)
        if bottom <= top or right <= left:
            return 0, 0, 0, 0
        points = _SQUARE * np.array([right - left, bottom - top, 0.0], np.float32)
        points += np.array([left, top, 0.0], np.float32)
        screen = np.empty_like(points)
        bounds = project(points, self._lens, screen)
        if (screen[:, 2] < 0).any():
            return 0, 0, self.camera.size[1], self.camera.size[0]
        return self._clipped(*map(float, bounds))

    def _clipped(self, left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int]:
        """First row, first column, end row, end column inside the picture."""
        width, height = self.camera.size
        if right < left or bottom < top:
            return 0, 0, 0, 0
        return (
            min(height, max(0, int(top))),
            min(width, max(0, int(left))),
            max(0, min(height, int(bottom) + 2)),
            max(0, min(width, int(right) + 2)),
        )


def look_at_room(camera: Camera) -> tuple[Image, NDArray[np.float32]]:
    """Picture of the empty room through any lens, without lens blur; takes some tenths of a second.

    Returns:
        (H, W, 3) BGR, and (H, W, 2) x, y mm on the floor as in ``room_picture``.
    """
    width, height = camera.size
    u = np.arange(-RAY_STEP_PX, width + 2 * RAY_STEP_PX, RAY_STEP_PX, dtype=np.float64)
    v = np.arange(-RAY_STEP_PX, height + 2 * RAY_STEP_PX, RAY_STEP_PX, dtype=np.float64)
    position, rays = camera.unproject(np.stack(np.meshgrid(u, v), axis=-1))
    # the interpolation is exact for rays that end on a plane parallel to the picture
    rays = rays / (rays @ camera.R[2])[..., None]
    # fast arithmetic knows no NaN; where the lens does not reach, the room ahead is as good as anything
    rays = np.where(np.isfinite(rays), rays, camera.R[2])
    colours = np.zeros((height, width, 3), np.float32)
    places = np.zeros((height, width, 2), np.float32)
    room_picture(np.array(position), np.ascontiguousarray(rays), RAY_STEP_PX, SAMPLES, colours, places)
    screen = 255.0 * np.sqrt(np.clip(colours[..., ::-1], 0.0, 1.0))
    return np.ascontiguousarray(np.rint(screen), np.uint8), places


class Sensor:
    """Noise of the chip; the same for the same frame number.

    Args:
        size: (width, height) px.
        noise: Standard deviation of the noise in grey levels, 0 for none.
        seed: Of the noise.
    """

    def __init__(self, size: tuple[int, int], noise: float, seed: Sequence[int]) -> None:
        self._spare = 65536
        self._grain: NDArray[np.int8] | NDArray[np.int16] | None = None
        if noise > 0:
            random = np.random.default_rng(seed)
            count = size[0] * size[1] * 3 + self._spare
            grain = np.rint(random.standard_normal(count, np.float32) * np.float32(noise))
            if np.abs(grain).max() <= np.iinfo(np.int8).max:
                self._grain = grain.astype(np.int8)
            else:
                self._grain = np.clip(grain, -255, 255).astype(np.int16)

    def expose(self, picture: Image, number: int, out: Image | None = None) -> None:
        """Add noise; ``number`` picks it.

        Args:
            picture: (H, W, 3), C-contiguous.
            number: Of the frame.
            out: As ``picture``; where the result goes, which is ``picture`` itself if not given.
        """
        if out is None:
            out = picture
        if self._grain is not None:
            # from a random buffer, at a place that looks random in the number
            first = (number * 0x9E3779B97F4A7C15 >> 20) % self._spare
            add_grain(picture.reshape(-1), self._grain[first : first + picture.size], out.reshape(-1))
        elif out is not picture:
            np.copyto(out, picture)


@compiled
def add_grain(
    picture: NDArray[np.uint8], grain: NDArray[np.int8] | NDArray[np.int16], out: NDArray[np.uint8]
) -> None:
    """Fill ``out`` (N,) with levels of ``picture`` (N,) plus ``grain`` (N,), black and white at most."""
    black, white = np.int16(0), np.int16(255)
    for k in range(picture.shape[0]):
        # written so that it stays in 16 bits: a third of the time of two saturating additions
        level = np.int16(np.int16(picture[k]) + np.int16(grain[k]))
        level = black if level < black else level
        level = white if level > white else level
        out[k] = np.uint8(level)
