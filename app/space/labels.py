"""Names painted over the picture, beside what they name."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen

from app.space.colours import SceneColours
from app.space.drawing import Label
from app.space.orbit_camera import NEAR_MM, OrbitCamera, Size


def paint_labels(
    painter: QPainter, labels: list[Label], camera: OrbitCamera, size: Size, colours: SceneColours
) -> None:
    """Paint every label that is in front of the eye, rimmed in the background's colour."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    rim = QColor.fromRgbF(*colours.background)
    rim.setAlphaF(0.85)
    for label in labels:
        place, depth = camera.project(label.place, size)
        if depth < NEAR_MM or not QRectF(-50, -20, size[0] + 100, size[1] + 40).contains(*place.tolist()):
            continue
        font = QFont(painter.font())
        font.setPixelSize(12)
        font.setWeight(QFont.Weight.DemiBold if label.strong else QFont.Weight.Medium)
        path = QPainterPath()
        path.addText(QPointF(0, 0), font, label.text)
        box = path.boundingRect()
        path.translate(float(place[0]) - box.center().x(), float(place[1]) - box.center().y())
        painter.strokePath(
            path, QPen(rim, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        )
        painter.fillPath(path, QColor.fromRgbF(*label.colour))
