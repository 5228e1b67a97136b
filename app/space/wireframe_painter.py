"""The scene painted by Qt, for machines without OpenGL: the same parts, what stands farthest first."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF, QTransform

from app.space.drawing import Disc, Floats, Part, Screen, Solids, Strokes
from app.space.meshes import SHADOW_MM
from app.space.orbit_camera import NEAR_MM, OrbitCamera, Size, focal

_RIM: Final = 128
"""Percent by which the rim of a body is darker, so that limbs in front of each other stay apart."""
_AROUND: Final = 72
_OUTLINE_MM: Final = 30.0
"""By so much a picture lies behind its own outline."""

Standing = list[tuple[float, Callable[..., None], tuple[Any, ...]]]
"""Depth in mm, and how to paint it, of everything that stands on the floor and may hide each other."""


def paint_scene(painter: QPainter, parts: list[Part], camera: OrbitCamera, size: Size) -> None:
    """Paint parts of a scene as seen by a camera.

    Args:
        painter: Its area is covered where there is something; the background is the caller's.
        parts: Of the scene.
        camera: Where to look from.
        size: (width, height) px of the painter's area.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for part in parts:
        if isinstance(part, Disc):
            _paint_disc(painter, part, camera, size)
    for part in parts:
        if isinstance(part, Strokes) and part.flat:
            _paint_flat_lines(painter, part, camera, size)
    for part in parts:
        if isinstance(part, Solids):
            _paint_shadows(painter, part, camera, size)
    standing: Standing = []
    for part in parts:
        if isinstance(part, Screen):
            standing += _screen(part, camera, size)
        elif isinstance(part, Strokes) and not part.flat:
            standing += _lines(part, camera, size)
        elif isinstance(part, Solids):
            standing += _bodies(part, camera, size)
    for _, paint, words in sorted(standing, key=lambda one: -one[0]):
        paint(painter, *words)


def _paint_disc(painter: QPainter, part: Disc, camera: OrbitCamera, size: Size) -> None:
    """One polygon a ring, the largest first; their shades differ too little to show steps."""
    angles = np.linspace(0.0, 2.0 * np.pi, _AROUND, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles), np.zeros(_AROUND)], axis=1)
    shades = _codes((part.colours[1:] + part.colours[:-1]) / 2)
    painter.setPen(Qt.PenStyle.NoPen)
    for radius, shade in reversed(list(zip(part.radii[1:], shades, strict=True))):
        rim = circle * radius + [0.0, 0.0, part.height]
        sides = _in_front(np.stack([rim, np.roll(rim, -1, axis=0)], axis=1), camera)
        places, depth = camera.project(sides, size)
        shown = places[(depth >= NEAR_MM * 0.99).all(axis=1)].reshape(-1, 2)
        painter.setBrush(_colour(shade))
        painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in shown.tolist()]))


def _paint_flat_lines(painter: QPainter, part: Strokes, camera: OrbitCamera, size: Size) -> None:
    """Those of one shade together; nothing of the floor hides another part of it."""
    by_shade: dict[int, list[QLineF]] = {}
    for _, _, (ends, shade, _) in _lines(part, camera, size):
        by_shade.setdefault(shade, []).append(QLineF(*ends[0], *ends[1]))
    for shade, lines in by_shade.items():
        painter.setPen(_pen(shade, part.width))
        painter.drawLines(*lines)


def _paint_shadows(painter: QPainter, part: Solids, camera: OrbitCamera, size: Size) -> None:
    if part.shadow is None or camera.position[2] < 0 or not len(part.tubes):
        return
    flat = part.tubes.copy()
    flat[..., 2] = SHADOW_MM
    places, depth = camera.project(flat, size)
    shown = (depth > NEAR_MM).all(axis=1)
    widths = 2.0 * part.radii.mean(axis=1)[shown] * focal(size) / depth[shown].mean(axis=1)
    shade = _codes(np.array([part.shadow]))[0]
    for ends, width in zip(places[shown].tolist(), widths.tolist(), strict=True):
        _paint_line(painter, ends, shade, max(1.0, round(width, 1)))


def _screen(part: Screen, camera: OrbitCamera, size: Size) -> Standing:
    places, depth = camera.project(part.grid[[0, 0, -1, -1], [0, -1, -1, 0]], size)
    if not (depth > NEAR_MM).all():
        return []
    height, width = part.picture.shape[:2]
    corners = [QPointF(0, 0), QPointF(width, 0), QPointF(width, height), QPointF(0, height)]
    transform = QTransform()
    target = QPolygonF([QPointF(x, y) for x, y in places.tolist()])
    if not QTransform.quadToQuad(QPolygonF(corners), target, transform):
        return []
    return [(float(depth.mean()) + _OUTLINE_MM, _paint_picture, (part.picture, transform))]


def _lines(part: Strokes, camera: OrbitCamera, size: Size) -> Standing:
    if not len(part.ends):
        return []
    places, depth = camera.project(_in_front(part.ends, camera), size)
    shown = (depth >= NEAR_MM * 0.99).all(axis=1)
    shown &= (places.max(axis=1) > 0).all(axis=1) & (places.min(axis=1) < np.array(size)).all(axis=1)
    return [
        (far, _paint_line, (ends, shade, part.width))
        for far, ends, shade in zip(
            depth[shown].mean(axis=1).tolist(),
            places[shown].tolist(),
            _codes(part.colours[shown]),
            strict=True,
        )
    ]


def _bodies(part: Solids, camera: OrbitCamera, size: Size) -> Standing:
    scale = focal(size)
    places, depth = camera.project(part.tubes, size)
    shown = (depth > NEAR_MM).all(axis=1)
    middle = depth[shown].mean(axis=1)
    widths = np.round(2.0 * part.radii[shown].mean(axis=1) * scale / middle, 1)
    standing: Standing = [
        (far, _paint_bone, (ends, shade, width))
        for far, ends, shade, width in zip(
            middle.tolist(),
            places[shown].tolist(),
            _codes(part.tube_colours[shown]),
            widths.tolist(),
            strict=True,
        )
    ]
    places, depth = camera.project(part.balls, size)
    shown = depth > NEAR_MM
    if not shown.any():
        return standing
    # The outline of an ellipsoid of this size is that of its shadow along the line of sight, to first order.
    aside = (places[shown] - np.array(size) / 2) / scale
    sight = camera.axes[:2] - aside[:, :, None] * camera.axes[2]
    across = (sight @ part.shapes[shown]) * (scale / depth[shown])[:, None, None]
    values, vectors = np.linalg.eigh(across @ across.transpose(0, 2, 1))
    outlines = vectors * np.sqrt(np.maximum(values, 0.25))[:, None, :]
    # In front of the bones that end in it, which are as thick there.
    near = depth[shown] - np.linalg.norm(part.shapes[shown], axis=1).max(axis=1)
    return standing + [
        (far, _paint_ball, (place, outline, shade))
        for far, place, outline, shade in zip(
            near.tolist(),
            places[shown].tolist(),
            outlines.tolist(),
            _codes(part.ball_colours[shown]),
            strict=True,
        )
    ]


def _paint_line(painter: QPainter, ends: list[list[float]], shade: int, width: float) -> None:
    painter.setPen(_pen(shade, width))
    painter.drawLine(QLineF(*ends[0], *ends[1]))


def _paint_bone(painter: QPainter, ends: list[list[float]], shade: int, width: float) -> None:
    line = QLineF(*ends[0], *ends[1])
    painter.setPen(_pen(shade, max(1.5, width), _RIM))
    painter.drawLine(line)
    painter.setPen(_pen(shade, max(1.0, round(width * 0.66, 1))))
    painter.drawLine(line)


def _paint_ball(painter: QPainter, place: list[float], outline: list[list[float]], shade: int) -> None:
    (a, b), (c, d) = outline
    painter.save()
    painter.setTransform(QTransform(a, c, b, d, place[0], place[1]), True)
    painter.setPen(Qt.PenStyle.NoPen)
    for percent, radius in ((_RIM, 1.0), (100, 0.8)):
        painter.setBrush(_colour(shade, percent))
        painter.drawEllipse(QPointF(0, 0), radius, radius)
    painter.restore()


def _paint_picture(painter: QPainter, picture: NDArray[np.uint8], transform: QTransform) -> None:
    height, width = picture.shape[:2]
    pixels = cast(bytes, picture.data)
    image = QImage(pixels, width, height, 3 * width, QImage.Format.Format_RGB888)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setTransform(transform, True)
    painter.drawImage(QRectF(0, 0, width, height), image)
    painter.restore()


def _in_front(ends: Floats, camera: OrbitCamera) -> Floats:
    """Lines (N, 2, 3) cut where they pass the eye; those behind it stay behind."""
    _, depth = camera.project(ends, (2.0, 2.0))
    crossing = (depth.min(axis=1) < NEAR_MM) & (depth.max(axis=1) > NEAR_MM)
    if not crossing.any():
        return ends
    cut = ends.copy()
    rows = np.flatnonzero(crossing)
    behind = np.argmin(depth[rows], axis=1)
    hidden, seen = ends[rows, behind], ends[rows, 1 - behind]
    part = (NEAR_MM - depth[rows, behind]) / (depth[rows, 1 - behind] - depth[rows, behind])
    cut[rows, behind] = hidden + part[:, None] * (seen - hidden)
    return cut


def _codes(colours: Floats) -> list[int]:
    """Colours (N, 3) in [0, 1] as 0xRRGGBB."""
    whole = np.round(np.clip(colours, 0.0, 1.0) * 255.0).astype(int)
    codes: list[int] = (whole @ np.array([0x10000, 0x100, 1])).tolist()
    return codes


@lru_cache(maxsize=4096)
def _colour(code: int, darker: int = 100) -> QColor:
    return QColor(code >> 16, code >> 8 & 0xFF, code & 0xFF).darker(darker)


@lru_cache(maxsize=4096)
def _pen(code: int, width: float, darker: int = 100) -> QPen:
    return QPen(_colour(code, darker), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
