"""Small line icons, drawn by ourselves in any colour and size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from app import theme

_GRID: Final = 24.0
"""Icons are drawn on a grid of 24 by 24, lines 1.8 wide."""

_SCALES: Final = (1, 2, 3)
"""Pixels per point that an icon is drawn for."""


def icon(name: str, colour: QColor | None = None, size: int = 20) -> QIcon:
    """An icon by name.

    Args:
        name: One of ``names()``.
        colour: Of its lines; the theme's text when None.
        size: Side in points.

    Raises:
        KeyError: No icon of that name.
    """
    draw = _DRAWINGS[name]
    result = QIcon()
    for scale in _SCALES:
        pixmap = QPixmap(size * scale, size * scale)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(size * scale / _GRID, size * scale / _GRID)
        own = colour or theme.palette().text
        pen = QPen(own, 1.8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        draw(painter, own)
        painter.end()
        pixmap.setDevicePixelRatio(scale)
        result.addPixmap(pixmap)
    return result


def names() -> tuple[str, ...]:
    """All icons."""
    return tuple(_DRAWINGS)


def _lines(painter: QPainter, *points: tuple[float, float], closed: bool = False) -> None:
    path = QPainterPath(QPointF(*points[0]))
    for point in points[1:]:
        path.lineTo(QPointF(*point))
    if closed:
        path.closeSubpath()
    painter.drawPath(path)


def _filled(painter: QPainter, colour: QColor, *points: tuple[float, float]) -> None:
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([QPointF(*point) for point in points]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _dot(painter: QPainter, colour: QColor, x: float, y: float, radius: float) -> None:
    painter.setBrush(colour)
    painter.drawEllipse(QPointF(x, y), radius, radius)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _home(painter: QPainter, _: QColor) -> None:
    _lines(painter, (3, 11), (12, 4), (21, 11))
    _lines(painter, (6, 9.5), (6, 20), (18, 20), (18, 9.5))
    _lines(painter, (10, 20), (10, 14), (14, 14), (14, 20))


def _live(painter: QPainter, colour: QColor) -> None:
    _dot(painter, colour, 12, 5, 2)
    _lines(painter, (12, 8), (12, 14), (8, 20.5))
    _lines(painter, (12, 14), (16, 20.5))
    _lines(painter, (6, 12), (12, 9), (18, 12))


def _camera(painter: QPainter, _: QColor) -> None:
    painter.drawRoundedRect(QRectF(3, 7, 12, 10), 2, 2)
    _lines(painter, (15, 11), (21, 8), (21, 16), (15, 13))


def _calibrate(painter: QPainter, colour: QColor) -> None:
    painter.drawRoundedRect(QRectF(4, 4, 16, 16), 2, 2)
    painter.setPen(Qt.PenStyle.NoPen)
    for x, y in ((4.9, 4.9), (14.2, 4.9), (9.6, 9.6), (4.9, 14.2), (14.2, 14.2)):
        painter.fillRect(QRectF(x, y, 4.9, 4.9), colour)


def _takes(painter: QPainter, colour: QColor) -> None:
    painter.drawRoundedRect(QRectF(3, 5, 18, 14), 2, 2)
    _filled(painter, colour, (10, 9), (15, 12), (10, 15))


def _settings(painter: QPainter, colour: QColor) -> None:
    for y, x in ((7, 15.0), (12, 8.0), (17, 13.0)):
        _lines(painter, (4, y), (20, y))
        _dot(painter, colour, x, y, 1.9)


def _help(painter: QPainter, colour: QColor) -> None:
    painter.drawEllipse(QRectF(3, 3, 18, 18))
    path = QPainterPath(QPointF(9.3, 9.4))
    path.cubicTo(9.6, 6.2, 14.8, 6.4, 14.6, 9.6)
    path.cubicTo(14.4, 11.8, 12, 11.8, 12, 14)
    painter.drawPath(path)
    _dot(painter, colour, 12, 17, 0.4)


def _record(painter: QPainter, colour: QColor) -> None:
    painter.drawEllipse(QRectF(3, 3, 18, 18))
    _dot(painter, colour, 12, 12, 5)


def _stop(painter: QPainter, colour: QColor) -> None:
    painter.setBrush(colour)
    painter.drawRoundedRect(QRectF(6, 6, 12, 12), 1.5, 1.5)


def _play(painter: QPainter, colour: QColor) -> None:
    _filled(painter, colour, (8, 5), (19, 12), (8, 19))


def _pause(painter: QPainter, colour: QColor) -> None:
    painter.setBrush(colour)
    painter.drawRect(QRectF(6.5, 5, 3, 14))
    painter.drawRect(QRectF(14.5, 5, 3, 14))


def _back(painter: QPainter, _: QColor) -> None:
    _lines(painter, (14, 5), (7, 12), (14, 19))


def _forward(painter: QPainter, _: QColor) -> None:
    _lines(painter, (10, 5), (17, 12), (10, 19))


def _first(painter: QPainter, _: QColor) -> None:
    _lines(painter, (7, 5), (7, 19))
    _lines(painter, (18, 5), (11, 12), (18, 19))


def _last(painter: QPainter, _: QColor) -> None:
    _lines(painter, (17, 5), (17, 19))
    _lines(painter, (6, 5), (13, 12), (6, 19))


def _report(painter: QPainter, _: QColor) -> None:
    _lines(painter, (5, 3), (15, 3), (19, 7), (19, 21), (5, 21), closed=True)
    _lines(painter, (9, 17), (9, 13))
    _lines(painter, (12, 17), (12, 9))
    _lines(painter, (15, 17), (15, 12))


def _wrench(painter: QPainter, _: QColor) -> None:
    painter.drawArc(QRectF(11, 3.5, 9.5, 9.5), 100 * 16, 250 * 16)
    _lines(painter, (12.5, 11.5), (4.5, 19.5))


def _up(painter: QPainter, _: QColor) -> None:
    _lines(painter, (5, 14), (12, 7), (19, 14))


def _down(painter: QPainter, _: QColor) -> None:
    _lines(painter, (5, 10), (12, 17), (19, 10))


def _plus(painter: QPainter, _: QColor) -> None:
    _lines(painter, (12, 5), (12, 19))
    _lines(painter, (5, 12), (19, 12))


def _close(painter: QPainter, _: QColor) -> None:
    _lines(painter, (6, 6), (18, 18))
    _lines(painter, (18, 6), (6, 18))


def _check(painter: QPainter, _: QColor) -> None:
    _lines(painter, (5, 12.5), (10, 17.5), (19, 7))


def _warning(painter: QPainter, colour: QColor) -> None:
    _lines(painter, (12, 4), (21.5, 20), (2.5, 20), closed=True)
    _lines(painter, (12, 10), (12, 14.5))
    _dot(painter, colour, 12, 17.2, 0.4)


def _info(painter: QPainter, colour: QColor) -> None:
    painter.drawEllipse(QRectF(3, 3, 18, 18))
    _lines(painter, (12, 11), (12, 17))
    _dot(painter, colour, 12, 7.6, 0.5)


def _trash(painter: QPainter, _: QColor) -> None:
    _lines(painter, (4, 7), (20, 7))
    _lines(painter, (6, 7), (7, 20), (17, 20), (18, 7))
    _lines(painter, (9, 7), (9.5, 4), (14.5, 4), (15, 7))


def _edit(painter: QPainter, _: QColor) -> None:
    _lines(painter, (4, 20), (5, 15.5), (15.5, 5), (19, 8.5), (8.5, 19), closed=True)


def _folder(painter: QPainter, _: QColor) -> None:
    _lines(painter, (3, 19), (3, 5.5), (9, 5.5), (11, 8), (21, 8), (21, 19), closed=True)


def _save(painter: QPainter, _: QColor) -> None:
    _lines(painter, (4, 4), (16, 4), (20, 8), (20, 20), (4, 20), closed=True)
    painter.drawRect(QRectF(8, 13, 8, 7))
    _lines(painter, (8, 4), (8, 8.5), (14, 8.5), (14, 4))


def _export(painter: QPainter, _: QColor) -> None:
    _lines(painter, (4, 15), (4, 20), (20, 20), (20, 15))
    _lines(painter, (12, 15), (12, 4))
    _lines(painter, (7.5, 8), (12, 3.5), (16.5, 8))


def _print(painter: QPainter, _: QColor) -> None:
    _lines(painter, (7, 9), (7, 3.5), (17, 3.5), (17, 9))
    _lines(painter, (7, 17), (3.5, 17), (3.5, 9), (20.5, 9), (20.5, 17), (17, 17))
    painter.drawRect(QRectF(7, 14, 10, 6.5))


def _search(painter: QPainter, _: QColor) -> None:
    painter.drawEllipse(QRectF(4, 4, 11.5, 11.5))
    _lines(painter, (14.2, 14.2), (20, 20))


def _repeat(painter: QPainter, _: QColor) -> None:
    painter.drawArc(QRectF(4.5, 4.5, 15, 15), 40 * 16, 280 * 16)
    _lines(painter, (18.6, 3.5), (18.4, 8), (14, 7.8))


def _undo(painter: QPainter, _: QColor) -> None:
    _lines(painter, (9, 4.5), (4, 9.5), (9, 14.5))
    path = QPainterPath(QPointF(4.5, 9.5))
    path.lineTo(QPointF(14, 9.5))
    path.cubicTo(21.5, 9.5, 21.5, 19.5, 14, 19.5)
    path.lineTo(QPointF(9, 19.5))
    painter.drawPath(path)


def _redo(painter: QPainter, colour: QColor) -> None:
    painter.translate(_GRID, 0)
    painter.scale(-1, 1)
    _undo(painter, colour)


def _copy(painter: QPainter, _: QColor) -> None:
    painter.drawRoundedRect(QRectF(4, 8, 12, 12), 2, 2)
    _lines(painter, (8, 4.5), (18, 4), (20, 6), (20, 16))


def _mark(painter: QPainter, _: QColor) -> None:
    _lines(painter, (6, 21), (6, 4), (18, 4), (15, 8.5), (18, 13), (6, 13))


def _cube(painter: QPainter, _: QColor) -> None:
    _lines(painter, (12, 3), (20, 7.5), (20, 16.5), (12, 21), (4, 16.5), (4, 7.5), closed=True)
    _lines(painter, (4, 7.5), (12, 12), (20, 7.5))
    _lines(painter, (12, 12), (12, 21))


_DRAWINGS: Final[dict[str, Callable[[QPainter, QColor], None]]] = {
    "home": _home,
    "live": _live,
    "camera": _camera,
    "calibrate": _calibrate,
    "takes": _takes,
    "settings": _settings,
    "help": _help,
    "record": _record,
    "stop": _stop,
    "play": _play,
    "pause": _pause,
    "back": _back,
    "forward": _forward,
    "first": _first,
    "last": _last,
    "report": _report,
    "repair": _wrench,
    "up": _up,
    "down": _down,
    "plus": _plus,
    "close": _close,
    "check": _check,
    "warning": _warning,
    "info": _info,
    "trash": _trash,
    "edit": _edit,
    "folder": _folder,
    "save": _save,
    "export": _export,
    "print": _print,
    "search": _search,
    "repeat": _repeat,
    "undo": _undo,
    "redo": _redo,
    "copy": _copy,
    "mark": _mark,
    "cube": _cube,
}
