"""One camera's picture with the keypoints found in it, its name and its health."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFont, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QWidget

from app import theme
from models.skeleton import Skeleton

_SHOWN_FROM: Final = 0.3
"""Keypoints below this score are not drawn: the model itself calls them invisible."""

_CAPTION_PX: Final = 3 * theme.SPACE
_BOX_MARGIN: Final = 0.08
"""Of a person's height in the picture: keypoints lie inside the body."""


class CameraTile(QWidget):
    """Draws the newest picture, scaled into the tile, with people, a caption and, in trouble, a sentence.

    Attributes:
        camera: Name.
        caption: Short figures at the right of the name.
        level: Colour of the dot: good, warning, bad, or quiet while nothing is known.
        trouble: A sentence over the picture; empty when all is well.
    """

    zoomed = pyqtSignal(str)
    """Double click."""

    def __init__(self, camera: str) -> None:
        super().__init__()
        self.camera = camera
        self.caption = ""
        self.level = "quiet"
        self.trouble = ""
        self.keypoints_shown = True
        self.boxes_shown = False
        self.pictures_drawn = 0
        self._image: NDArray[np.uint8] | None = None
        self._full: tuple[int, int] | None = None
        self._keypoints: NDArray[np.float64] | None = None
        self._skeleton: Skeleton | None = None
        self._fresh = False
        self.setMinimumSize(64, 64)  # sixteen of them fit beside the 3D view of a small window
        self.setObjectName(f"tile_{camera}")
        self.setAccessibleName(f"Camera {camera}")

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height in screen pixels that a picture can fill; larger ones are wasted."""
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round((self.height() - _CAPTION_PX) * ratio))

    def show_picture(self, image: NDArray[np.uint8], full_size: tuple[int, int] | None = None) -> None:
        """Take a (H, W, 3) BGR picture; it must stay unchanged while shown.

        Args:
            image: The picture.
            full_size: (width, height) px of the camera, where the picture was shrunk.
        """
        self._image, self._full = image, full_size
        self._fresh = True
        self.update()

    def show_keypoints(self, keypoints: NDArray[np.float64] | None, skeleton: Skeleton | None) -> None:
        """Take (P, J, 3) keypoints: u, v in px of the full picture, score; None shows none."""
        self._keypoints, self._skeleton = keypoints, skeleton
        self.update()

    def show_health(self, level: str, caption: str, trouble: str = "") -> None:
        """Say how the camera does."""
        if (level, caption, trouble) != (self.level, self.caption, self.trouble):
            self.level, self.caption, self.trouble = level, caption, trouble
            self.update()

    def clear(self) -> None:
        """Show no picture any more."""
        self._image = self._keypoints = None
        self.update()

    def sizeHint(self) -> QSize:
        """Of a picture of 4 to 3."""
        return QSize(320, 240 + _CAPTION_PX)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Show this one alone, or all again."""
        self.zoomed.emit(self.camera)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Picture, people, caption."""
        colours = theme.palette()
        painter = QPainter(self)
        painter.fillRect(self.rect(), colours.panel)
        area = QRectF(0, 0, self.width(), self.height() - _CAPTION_PX)
        if self._image is not None:
            self._draw_picture(painter, area, self._image)
        if self.trouble:
            self._draw_trouble(painter, area)
        self._draw_caption(painter)
        painter.end()

    def _draw_picture(self, painter: QPainter, area: QRectF, image: NDArray[np.uint8]) -> None:
        height, width = image.shape[:2]
        scale = min(area.width() / width, area.height() / height)
        ratio = self.devicePixelRatioF()
        if abs(scale * ratio - 1) * width < 2:
            scale = 1 / ratio  # made for this place: drawn px by px, which is several times faster
        left = round((area.width() - width * scale) / 2 * ratio) / ratio
        top = round((area.height() - height * scale) / 2 * ratio) / ratio
        if not image.flags.c_contiguous:
            image = np.ascontiguousarray(image)
        picture = QImage(image.data, width, height, 3 * width, QImage.Format.Format_BGR888)  # type: ignore[call-overload]  # a buffer will do
        if scale * ratio == 1:
            picture.setDevicePixelRatio(ratio)
            painter.drawImage(QPointF(left, top), picture)
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale * ratio < 1)
            painter.drawImage(QRectF(left, top, width * scale, height * scale), picture)
        if self._fresh:
            self._fresh = False
            self.pictures_drawn += 1
        if self._keypoints is not None and self._skeleton is not None and len(self._keypoints):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            full = self._full[0] if self._full is not None else width
            self._draw_people(painter, scale * width / full, left, top)

    def _draw_people(self, painter: QPainter, scale: float, left: float, top: float) -> None:
        assert self._keypoints is not None and self._skeleton is not None
        skeleton = self._skeleton
        with np.errstate(invalid="ignore"):
            shown = np.isfinite(self._keypoints[..., 0]) & (self._keypoints[..., 2] >= _SHOWN_FROM)
        # A pixel's centre has whole coordinates, a painter's half ones.
        places = (self._keypoints[..., :2] + 0.5) * scale + (left, top)
        for person, seen in zip(places, shown, strict=True):
            if not seen.any():
                continue
            if self.boxes_shown:
                self._draw_box(painter, person[seen])
            if self.keypoints_shown:
                points = person.tolist()
                lines: dict[str, tuple[QColor, list[QLineF]]] = {}
                for a, b in skeleton.bones:
                    if seen[a] and seen[b]:
                        colour = _side_colour(skeleton.joints[b])
                        group = lines.setdefault(colour.name(), (colour, []))
                        group[1].append(QLineF(*points[a], *points[b]))
                for colour, group_lines in lines.values():
                    painter.setPen(QPen(colour, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                    painter.drawLines(*group_lines)

    def _draw_box(self, painter: QPainter, points: NDArray[np.float64]) -> None:
        low, high = points.min(axis=0), points.max(axis=0)
        margin = _BOX_MARGIN * (high[1] - low[1])
        painter.setPen(QPen(theme.palette().accent, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        top_left = QPointF(low[0] - margin, low[1] - margin)
        painter.drawRoundedRect(QRectF(top_left, QPointF(high[0] + margin, high[1] + margin)), 4, 4)

    def _draw_trouble(self, painter: QPainter, area: QRectF) -> None:
        shade = QColor(theme.palette().background)
        shade.setAlpha(215)
        painter.fillRect(area, shade)
        painter.setPen(theme.palette().text)
        inner = area.adjusted(16, 8, -16, -8)
        wrap = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignCenter
        painter.drawText(inner, int(wrap), self.trouble)

    def _draw_caption(self, painter: QPainter) -> None:
        colours = theme.palette()
        box = QRectF(0, self.height() - _CAPTION_PX, self.width(), _CAPTION_PX)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        dot = colours.quiet_text if self.level == "quiet" else getattr(colours, self.level)
        painter.setBrush(dot)
        painter.drawEllipse(QPointF(12, box.center().y()), 4, 4)
        font = QFont(self.font())
        metrics = painter.fontMetrics()
        inner = box.adjusted(24, 0, -8, 0)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(colours.text)
        alignment = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(inner, int(alignment | Qt.AlignmentFlag.AlignLeft), self.camera)
        room = inner.width() - metrics.horizontalAdvance(self.camera) - 8
        painter.setFont(self.font())
        painter.setPen(colours.quiet_text)
        caption = fitting_caption(self.caption, metrics.horizontalAdvance, room)
        painter.drawText(inner, int(alignment | Qt.AlignmentFlag.AlignRight), caption)


def fitting_caption(caption: str, width_of: Callable[[str], int], room: float) -> str:
    """As much of a caption as fits, in whole words that mean something: a small tile has its rate alone."""
    rate = caption.split(" ", maxsplit=1)[0]
    return next((part for part in (caption, rate) if width_of(part) <= room), "")


def _side_colour(joint: str) -> QColor:
    """The dark theme's in both: pictures are as dark in the light theme."""
    if joint.startswith("left_"):
        return theme.DARK.left
    return theme.DARK.right if joint.startswith("right_") else theme.DARK.middle
