"""Names painted over the picture, beside what they name."""

from __future__ import annotations

from functools import lru_cache
from math import ceil

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QImage, QPainter, QPainterPath, QPen

from app.space.colours import Colour, SceneColours
from app.space.drawing import Label
from app.space.orbit_camera import NEAR_MM, OrbitCamera, Size

_RIM_PX = 3


def paint_labels(
    painter: QPainter, labels: list[Label], camera: OrbitCamera, size: Size, colours: SceneColours
) -> None:
    """Paint every label that is in front of the eye, rimmed in the background's colour."""
    device = painter.device()
    ratio = device.devicePixelRatioF() if device is not None else 1.0
    family = painter.font().family()
    for label in labels:
        place, depth = camera.project(label.place, size)
        if depth < NEAR_MM or not QRectF(-50, -20, size[0] + 100, size[1] + 40).contains(*place.tolist()):
            continue
        image = _word(label.text, label.strong, label.colour, colours.background, family, ratio)
        x, y = float(place[0]) - image.width() / ratio / 2, float(place[1]) - image.height() / ratio / 2
        # On whole dots of the screen, or the letters blur.
        painter.drawImage(QPointF(round(x * ratio) / ratio, round(y * ratio) / ratio), image)


@lru_cache(maxsize=256)
def _word(text: str, strong: bool, colour: Colour, ground: Colour, family: str, ratio: float) -> QImage:
    """The word on nothing; kept, because tracing letters takes longer than all the rest of the painting."""
    font = QFont(family)
    font.setPixelSize(12)
    font.setWeight(QFont.Weight.DemiBold if strong else QFont.Weight.Medium)
    path = QPainterPath()
    path.addText(QPointF(0, 0), font, text)
    box = path.boundingRect().adjusted(-_RIM_PX, -_RIM_PX, _RIM_PX, _RIM_PX)
    path.translate(-box.left(), -box.top())
    image = QImage(
        max(1, ceil(box.width() * ratio)),
        max(1, ceil(box.height() * ratio)),
        QImage.Format.Format_ARGB32_Premultiplied,
    )
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    rim = QColor.fromRgbF(*ground)
    rim.setAlphaF(0.85)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(rim, _RIM_PX, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(path, pen)
    painter.fillPath(path, QColor.fromRgbF(*colour))
    painter.end()
    return image
