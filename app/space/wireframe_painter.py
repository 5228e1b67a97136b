"""The scene painted by Qt, for machines without OpenGL: the same parts, farthest first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, cast

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF, QTransform

from app.space.drawing import Floats, Part, Screen, Solids, Strokes, Surface
from app.space.meshes import SHADOW_MM
from app.space.orbit_camera import NEAR_MM, OrbitCamera, Size, focal

_FLAT_CAP: Final = Qt.PenCapStyle.FlatCap
_ROUND_CAP: Final = Qt.PenCapStyle.RoundCap
_RIM: Final = 128
"""Percent by which the rim of a body is darker, so that limbs in front of each other stay apart."""


class WireframePainter:
    """Paints parts of a scene as seen by a camera."""

    def paint(self, painter: QPainter, parts: list[Part], camera: OrbitCamera, size: Size) -> None:
        """Paint over what is there; size is the painter's area in px."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        solids = [part for part in parts if isinstance(part, Solids)]
        for part in parts:
            if isinstance(part, Surface):
                self._floor(painter, part, camera, size)
        for part in parts:
            if isinstance(part, Strokes) and part.flat:
                self._strokes(painter, part, camera, size)
        for part in solids:
            self._shadows(painter, part, camera, size)
        standing: list[tuple[float, Callable[[], None]]] = []
        for part in parts:
            if isinstance(part, Screen):
                standing += _screen(painter, part, camera, size)
            elif isinstance(part, Strokes) and not part.flat:
                standing += _lines(painter, part, camera, size)
            elif isinstance(part, Solids):
                standing += _bodies(painter, part, camera, size)
        for _, paint in sorted(standing, key=lambda one: -one[0]):
            paint()

    def _floor(self, painter: QPainter, part: Surface, camera: OrbitCamera, size: Size) -> None:
        """Triangles of nearly one colour: rings of the disc, each painted as one polygon would be."""
        places, depth = camera.project(part.corners[part.triangles], size)
        shades = part.colours[part.triangles].mean(axis=1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # no seams between neighbours
        painter.setPen(Qt.PenStyle.NoPen)
        for corners, near, shade in zip(places, depth, shades, strict=True):
            if (near > NEAR_MM).all():
                painter.setBrush(_colour(shade))
                painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in corners.tolist()]))
        painter.restore()

    def _shadows(self, painter: QPainter, part: Solids, camera: OrbitCamera, size: Size) -> None:
        if part.shadow is None or camera.position[2] < 0 or not len(part.tubes):
            return
        flat = part.tubes.copy()
        flat[..., 2] = SHADOW_MM
        places, depth = camera.project(flat, size)
        widths = 2.0 * part.radii.mean(axis=1) * focal(size) / depth.mean(axis=1)
        shown = (depth > NEAR_MM).all(axis=1)
        for ends, width in zip(places[shown].tolist(), widths[shown].tolist(), strict=True):
            painter.setPen(QPen(_colour(part.shadow), max(1.0, width), Qt.PenStyle.SolidLine, _ROUND_CAP))
            painter.drawLine(QLineF(*ends[0], *ends[1]))

    def _strokes(self, painter: QPainter, part: Strokes, camera: OrbitCamera, size: Size) -> None:
        if not len(part.ends):
            return
        ends = _in_front(part.ends, camera)
        places, depth = camera.project(ends, size)
        shown = np.isfinite(places).all(axis=(1, 2)) & (depth >= NEAR_MM * 0.99).all(axis=1)
        inside = (places.max(axis=1) > 0).all(axis=1) & (places.min(axis=1) < np.array(size)).all(axis=1)
        shown &= inside
        codes = np.round(part.colours[shown] * 63).astype(int)  # shades nobody can tell apart go together
        lines = places[shown]
        keys = codes @ np.array([4096, 64, 1])
        for key in np.unique(keys):
            own = keys == key
            colour = part.colours[shown][own][0]
            painter.setPen(QPen(_colour(colour), part.width, Qt.PenStyle.SolidLine, _FLAT_CAP))
            painter.drawLines(*[QLineF(*one[0], *one[1]) for one in lines[own].tolist()])


Standing = list[tuple[float, Callable[[], None]]]
"""Depth in mm and how to paint it, of everything that stands on the floor and may hide each other."""


def _screen(painter: QPainter, part: Screen, camera: OrbitCamera, size: Size) -> Standing:
    corners = part.grid[[0, 0, -1, -1], [0, -1, -1, 0]]
    places, depth = camera.project(corners, size)
    if not ((depth > NEAR_MM).all() and np.isfinite(places).all()):
        return []
    height, width = part.picture.shape[:2]
    pixels = cast(bytes, part.picture.data)
    image = QImage(pixels, width, height, 3 * width, QImage.Format.Format_RGB888)
    source = QPolygonF([QPointF(0, 0), QPointF(width, 0), QPointF(width, height), QPointF(0, height)])
    target = QPolygonF([QPointF(x, y) for x, y in places.tolist()])
    transform = QTransform()
    if not QTransform.quadToQuad(source, target, transform):
        return []

    def paint() -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setTransform(transform, True)
        painter.drawImage(QRectF(0, 0, width, height), image)
        painter.restore()

    # Its own outline, at the same place, goes on top.
    return [(float(depth.mean()) + 30.0, paint)]


def _lines(painter: QPainter, part: Strokes, camera: OrbitCamera, size: Size) -> Standing:
    if not len(part.ends):
        return []
    places, depth = camera.project(_in_front(part.ends, camera), size)
    shown = np.isfinite(places).all(axis=(1, 2)) & (depth >= NEAR_MM * 0.99).all(axis=1)

    def paint(index: int) -> None:
        pen = QPen(_colour(part.colours[index]), part.width, Qt.PenStyle.SolidLine, _ROUND_CAP)
        painter.setPen(pen)
        (x1, y1), (x2, y2) = places[index].tolist()
        painter.drawLine(QLineF(x1, y1, x2, y2))

    middle = depth.mean(axis=1)
    return [(float(middle[index]), partial(paint, index)) for index in np.flatnonzero(shown).tolist()]


def _bodies(painter: QPainter, part: Solids, camera: OrbitCamera, size: Size) -> Standing:
    scale = focal(size)
    standing: Standing = []
    places, depth = camera.project(part.tubes, size)
    shown = np.isfinite(places).all(axis=(1, 2)) & (depth > NEAR_MM).all(axis=1)
    middle = depth.mean(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        widths = 2.0 * part.radii.mean(axis=1) * scale / middle
    for index in np.flatnonzero(shown).tolist():
        paint = partial(_bone, painter, places[index], float(widths[index]), part.tube_colours[index])
        standing.append((float(middle[index]), paint))
    places, depth = camera.project(part.balls, size)
    axes = camera.axes
    for index in np.flatnonzero(np.isfinite(places).all(axis=1) & (depth > NEAR_MM)).tolist():
        # The outline of an ellipsoid of this size is that of its shadow along the line of sight.
        across = (axes[:2] @ part.shapes[index]) * (scale / depth[index])
        values, vectors = np.linalg.eigh(across @ across.T)
        outline = vectors * np.sqrt(np.maximum(values, 0.25))
        # In front of the bone that ends in it, which is as thick there.
        near = depth[index] - float(np.linalg.norm(part.shapes[index], axis=0).max())
        standing.append((near, partial(_ball, painter, places[index], outline, part.ball_colours[index])))
    return standing


def _bone(painter: QPainter, places: Floats, width: float, shade: Floats) -> None:
    colour = _colour(shade)
    (x1, y1), (x2, y2) = places.tolist()
    for pen_colour, pen_width in ((colour.darker(_RIM), max(1.5, width)), (colour, max(1.0, width * 0.66))):
        painter.setPen(QPen(pen_colour, pen_width, Qt.PenStyle.SolidLine, _ROUND_CAP))
        painter.drawLine(QLineF(x1, y1, x2, y2))


def _ball(painter: QPainter, place: Floats, outline: Floats, shade: Floats) -> None:
    colour = _colour(shade)
    (a, b), (c, d) = outline.tolist()
    painter.save()
    painter.setTransform(QTransform(a, c, b, d, float(place[0]), float(place[1])), True)
    painter.setPen(Qt.PenStyle.NoPen)
    for fill, radius in ((colour.darker(_RIM), 1.0), (colour, 0.8)):
        painter.setBrush(fill)
        painter.drawEllipse(QPointF(0, 0), radius, radius)
    painter.restore()


def _in_front(ends: Floats, camera: OrbitCamera) -> Floats:
    """Lines (N, 2, 3) cut where they pass the eye; those behind it stay behind."""
    _, depth = camera.project(ends, (2.0, 2.0))
    crossing = (depth.min(axis=1) < NEAR_MM) & (depth.max(axis=1) > NEAR_MM)
    if not crossing.any():
        return ends
    cut = ends.copy()
    for index in np.flatnonzero(crossing):
        behind = int(np.argmin(depth[index]))
        part = (NEAR_MM - depth[index, behind]) / (depth[index, 1 - behind] - depth[index, behind])
        cut[index, behind] += part * (ends[index, 1 - behind] - ends[index, behind])
    return cut


def _colour(shade: object) -> QColor:
    red, green, blue = np.clip(np.asarray(shade, dtype=float), 0.0, 1.0).tolist()
    return QColor.fromRgbF(red, green, blue)
