"""The 3D view: floor, cameras and skeletons seen by a virtual camera, drawn with lines and dots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from pipeline.frames.frame import Image
from pipeline.take.rendering.figure import FigureStyle
from pipeline.take.rendering.strokes import draw_dot, draw_lines, fixed
from pipeline.take.rendering.text import draw_text
from pipeline.take.rendering.theme import (
    BACKGROUND,
    BAD,
    CAMERA,
    DIM,
    GOOD,
    GRID,
    MIDDLE,
    OUTLINE,
    SHADOW,
    bgr,
    mixed,
)

Floats = NDArray[np.float64]

_NEAR_MM = 50.0
_CELL_MM = 1000.0
_FOCAL = 1.35  # in picture heights: 41 degrees of vertical field, a calm perspective
_BANDS = 8  # steps in which the floor fades with distance
_VIOLET = bgr("#a78bfa")
_SKY, _GROUND = bgr("#161f2b"), BACKGROUND


@dataclass(frozen=True)
class Viewpoint:
    """Where the virtual camera is.

    Attributes:
        target: (3,) mm, centre of the picture.
        distance: mm from the target.
        azimuth: rad around the vertical, 0 looks along -x from the positive x side.
        elevation: rad above the horizon.
    """

    target: Floats
    distance: float
    azimuth: float
    elevation: float

    def closer(self, factor: float) -> Viewpoint:
        """The same view from ``factor`` times the distance."""
        return Viewpoint(self.target, self.distance * factor, self.azimuth, self.elevation)

    def turned(self, angle: float) -> Viewpoint:
        """The same view from another side."""
        return Viewpoint(self.target, self.distance, self.azimuth + angle, self.elevation)


def choose_viewpoint(joints: Floats, rig: Rig | None) -> Viewpoint:
    """A view that shows where people went, and the cameras when they are not much farther away.

    Args:
        joints: (..., 3) mm of all people at all times, NaN where missing.
        rig: The cameras, None when uncalibrated.
    """
    points = joints.reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    cameras = np.array([camera.position for camera in rig.cameras]) if rig is not None else np.zeros((0, 3))
    if len(points):
        # A few wild joints must not decide: 2 % on each side are left out.
        low, high = np.percentile(points, [2, 98], axis=0)
        target = (low + high) / 2
        radius = max(900.0, float(np.linalg.norm(high - low)) / 2)
        if len(cameras):
            reach = float(np.linalg.norm(cameras - target, axis=1).max())
            radius = max(radius, min(reach, 2.0 * radius))
    elif len(cameras):
        target = cameras.mean(axis=0) * (1, 1, 0.5)
        radius = max(1000.0, float(np.linalg.norm(cameras - target, axis=1).max()))
    else:
        target, radius = np.array([0.0, 0.0, 900.0]), 2000.0
    azimuth = np.deg2rad(-60.0)
    if len(cameras):
        # Look over the shoulder of the first camera, so that pictures and view show the same side.
        away = cameras[0] - target
        azimuth = float(np.arctan2(away[1], away[0])) + np.deg2rad(18.0)
    return Viewpoint(target, radius * 2.9, azimuth, np.deg2rad(20.0))


class SceneView:
    """Draws one rig's scene in one picture size.

    Args:
        size: (width, height) px.
        style: Colours of the skeleton, None when there are no poses.
        rig: Cameras to show.
    """

    def __init__(self, size: tuple[int, int], style: FigureStyle | None, rig: Rig | None) -> None:
        self.size = size
        self._style = style
        self._rig = rig
        height = size[1]
        fade = np.linspace(0.0, 1.0, height)[:, None, None]
        column = np.array(_SKY) * (1 - fade) + np.array(_GROUND) * fade
        self._backdrop = np.broadcast_to(np.round(column), (height, size[0], 3)).astype(np.uint8)

    def draw(self, viewpoint: Viewpoint, people: Sequence[Floats], ids: Sequence[int]) -> Image:
        """One picture.

        Args:
            viewpoint: From where.
            people: (J, 3) mm per person, NaN where missing.
            ids: One identity number per person, written above the head when there are several.

        Returns:
            (H, W, 3) BGR.
        """
        image: Image = self._backdrop.copy()
        lens = _Lens(viewpoint, self.size)
        self._floor(image, lens, viewpoint.target, viewpoint.distance)
        for joints in people:
            self._shadow(image, lens, joints)
        self._cameras(image, lens)
        for joints, number in zip(people, ids, strict=True):
            self._person(image, lens, joints)
            if len(people) > 1:
                self._number(image, lens, joints, number)
        return image

    def _floor(self, image: Image, lens: _Lens, target: Floats, distance: float) -> None:
        reach = int(np.clip(np.ceil(distance * 0.75 / _CELL_MM), 4, 14))
        centre = np.round(target[:2] / _CELL_MM)
        steps = np.arange(-reach, reach + 1)
        starts, ends = [], []
        for step in steps:
            for along in steps[:-1]:
                starts += [(step, along), (along, step)]
                ends += [(step, along + 1), (along + 1, step)]
        cells = np.array([starts, ends], np.float64)
        points = np.concatenate([(cells + centre) * _CELL_MM, np.zeros((2, len(starts), 1))], axis=-1)
        lines = lens.segments(points[0], points[1])
        far = np.linalg.norm(cells.mean(axis=0), axis=-1) / reach
        band = np.where(np.isfinite(lines).all(axis=(1, 2)) & (far < 1.0), (far * _BANDS).astype(int), -1)
        points_px = fixed(lines)
        for number in range(_BANDS):
            fade = (number + 0.5) / _BANDS
            draw_lines(image, points_px[band == number], mixed(GRID, _GROUND, fade), 1)
        self._axes(image, lens)

    def _axes(self, image: Image, lens: _Lens) -> None:
        """The world's origin: x red, y green, z violet, 40 cm long."""
        origin = np.zeros((3, 3))
        lines = lens.segments(origin, np.eye(3) * 400.0)
        for line, colour in zip(lines, (BAD, GOOD, _VIOLET), strict=True):
            if np.isfinite(line).all():
                draw_lines(image, fixed(line[None]), mixed(colour, _GROUND, 0.25), 1)

    def _cameras(self, image: Image, lens: _Lens) -> None:
        if self._rig is None:
            return
        for camera in self._rig.cameras:
            width, height = camera.size
            corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)
            rays = np.column_stack([(corners - camera.K[:2, 2]) / camera.K[[0, 1], [0, 1]], np.ones(4)])
            base = camera.position + 320.0 * rays @ camera.R
            apex = np.broadcast_to(camera.position, base.shape)
            outline = lens.segments(
                np.concatenate([apex, base]), np.concatenate([base, np.roll(base, -1, axis=0)])
            )
            draw_lines(image, fixed(outline[np.isfinite(outline).all(axis=(1, 2))]), CAMERA, 1)
            at = lens.project(camera.position[None])[0]
            if np.isfinite(at).all():
                draw_dot(image, fixed(at), 2.5, CAMERA)
                below = (int(np.clip(at[0], -1e4, 1e4)), int(np.clip(at[1] + 12, -1e4, 1e4)))
                draw_text(image, camera.name, below, DIM, size=10, anchor="centre")

    def _shadow(self, image: Image, lens: _Lens, joints: Floats) -> None:
        if self._style is None:
            return
        flat = lens.project(joints * (1.0, 1.0, 0.0))
        ends = np.isfinite(flat[self._style.bones]).all(axis=(1, 2))
        draw_lines(image, fixed(flat)[self._style.bones[ends]], SHADOW, self._thickness(lens, joints))

    def _person(self, image: Image, lens: _Lens, joints: Floats) -> None:
        if self._style is None:
            return
        pixels, depth = lens.project(joints), lens.depth(joints)
        thick = self._thickness(lens, joints)
        at_px, there = fixed(pixels), np.isfinite(pixels[:, 0])
        parts: list[tuple[float, int, bool]] = []
        for at, (first, second) in enumerate(self._style.bones):
            if there[first] and there[second]:
                parts.append((float(depth[first] + depth[second]) / 2, at, True))
        for joint in np.flatnonzero(there):
            parts.append((float(depth[joint]) - 20.0, int(joint), False))
        for _, at, is_bone in sorted(parts, reverse=True):  # far things first
            if is_bone:
                line = at_px[self._style.bones[at]][None]
                draw_lines(image, line, OUTLINE, thick + 2)
                draw_lines(image, line, self._style.bone_colours[at], thick)
            else:
                radius = thick * (0.6 if self._style.small[at] else 0.95)
                draw_dot(image, at_px[at], radius + 1.0, OUTLINE)
                draw_dot(image, at_px[at], radius, mixed(self._style.joint_colours[at], MIDDLE, 0.45))

    def _number(self, image: Image, lens: _Lens, joints: Floats, number: int) -> None:
        there = joints[np.isfinite(joints).all(axis=1)]
        if len(there):
            top = there[there[:, 2].argmax()] + (0.0, 0.0, 180.0)
            at = lens.project(top[None])[0]
            if np.isfinite(at).all() and np.abs(at).max() < 1e4:
                draw_text(image, f"#{number}", (int(at[0]), int(at[1])), MIDDLE, size=12, anchor="centre")

    def _thickness(self, lens: _Lens, joints: Floats) -> int:
        depth = lens.depth(joints)
        near = float(np.nanmedian(depth)) if np.isfinite(depth).any() else lens.focal * 10
        # Bones look 36 mm thick: clear at every distance, thinner than a limb.
        return int(np.clip(round(36.0 * lens.focal / max(near, _NEAR_MM)), 2, 12))


class _Lens:
    """Projection of the virtual camera; z points forward, y down."""

    def __init__(self, viewpoint: Viewpoint, size: tuple[int, int]) -> None:
        level = np.cos(viewpoint.elevation)
        out = np.array(
            [
                level * np.cos(viewpoint.azimuth),
                level * np.sin(viewpoint.azimuth),
                np.sin(viewpoint.elevation),
            ]
        )
        right = np.array([-np.sin(viewpoint.azimuth), np.cos(viewpoint.azimuth), 0.0])
        self._rotation = np.stack([right, -np.cross(out, right), -out])
        self._position = viewpoint.target + out * viewpoint.distance
        self.focal = _FOCAL * min(size[1], size[0])
        self._centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])

    def depth(self, points: Floats) -> Floats:
        """(N,) mm in front of the virtual camera."""
        return np.asarray((points - self._position) @ self._rotation[2])

    def project(self, points: Floats) -> Floats:
        """(N, 3) mm to (N, 2) px, NaN too near or behind."""
        return self._pixels((points - self._position) @ self._rotation.T)

    def segments(self, starts: Floats, ends: Floats) -> Floats:
        """Lines (N, 2, 2) px between world points, cut off at the virtual camera's near plane; NaN behind."""
        a = (starts - self._position) @ self._rotation.T
        b = (ends - self._position) @ self._rotation.T
        for near, far in ((a, b), (b, a)):
            crossing = (near[:, 2] < _NEAR_MM) & (far[:, 2] > _NEAR_MM)
            part = (_NEAR_MM * 1.001 - near[crossing, 2]) / (far[crossing, 2] - near[crossing, 2])
            near[crossing] += part[:, None] * (far[crossing] - near[crossing])
        return np.stack([self._pixels(a), self._pixels(b)], axis=1)

    def _pixels(self, points_cam: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            depth = np.where(points_cam[..., 2:] >= _NEAR_MM, points_cam[..., 2:], np.nan)
            return np.asarray(points_cam[..., :2] / depth * self.focal + self._centre)
