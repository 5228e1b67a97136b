"""The 3D view: floor, cameras and people, to walk around in (``hands``).

Open3D draws in a process of its own (``render_link``). Until its first picture is there, and where it cannot
draw, the same scene is painted by Qt as lines. Nothing is drawn while nothing changes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PyQt6.QtCore import QRectF, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QWidget

from app import theme
from app.space.colours import scene_colours
from app.space.engine_choice import Engine, engine_choice
from app.space.first_view import VIEWS, first_view
from app.space.glide import Glide
from app.space.hands import Hands
from app.space.labels import paint_labels
from app.space.orbit_camera import OrbitCamera, focal
from app.space.render_link import Picture, RenderLink, Wanted
from app.space.scene import Scene
from app.space.wireframe_painter import paint_scene
from calibration.rig import Rig
from models.skeleton import Skeleton

_RESIZED_MS: Final = 150
"""A size that stays for so long is rendered; until then the last picture is scaled."""
_MOST_DOTS: Final = 2_100_000
"""Larger pictures (beyond 1920x1080) are rendered coarser and scaled up."""
_IDLE_MS: Final = 60_000
"""A view that has been hidden for so long gives its process and memory back."""
_FOLLOW: Final = 0.15
"""Part of the way to the people that the view moves with every instant: at 30 Hz it is there in a second."""
_HINT: Final = "Drag to turn, right drag to move, wheel to zoom, double click for the first view"
"""Shown until a hand has touched the view."""
_ROOM_FOR_HINT: Final = 560.0


class SpaceView(QWidget):
    """Orbit view on a rig and the people in it; world mm, Z up. See ``make_space_view``."""

    engine_changed = pyqtSignal()
    """``engine`` or ``notice`` has changed."""
    option_changed = pyqtSignal(str, bool)
    """An option was switched, by whomever."""
    pictured = pyqtSignal(object)
    """A ``Picture`` by Open3D is being shown."""

    def __init__(self, parent: QWidget | None = None, engine: Engine = "auto") -> None:
        super().__init__(parent)
        self.setObjectName("space_view")
        self.setMinimumSize(240, 180)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        chosen = engine_choice().engine if engine == "auto" else engine
        self.engine: Literal["open3d", "wireframe"] = "wireframe" if chosen == "wireframe" else "open3d"
        self.notice = ""
        self.scene = Scene(scene_colours(theme.palette()))
        self.camera = OrbitCamera()
        self.picture: Picture | None = None
        self._image: QImage | None = None
        self._link: RenderLink | None = None
        self._shut = False
        self._moved = False  # whether the user has chosen the view
        self._framed = False
        self._size = QSize()
        self._number = 0
        self._asked: tuple[object, ...] = ()
        self._soon = self._timer(0, self._ask)
        self._resized = self._timer(_RESIZED_MS, self._take_size)
        self._idle = self._timer(_IDLE_MS, self._let_go)
        self._glide = Glide(self)
        self._glide.moved.connect(self._show_from)
        self._hands = Hands(self)
        theme.watcher().changed.connect(self._take_theme)
        engine_choice().changed.connect(self.use_engine)

    # What is shown

    def set_rig(self, rig: Rig | None) -> None:
        """Show these cameras; the first ones are all brought into view unless the user has moved."""
        self.scene.set_rig(rig)
        if rig is not None and not self._framed:
            self._framed = True
            if not self._moved:
                self.camera = self.home()
        self.refresh()

    def show_people(
        self,
        joints: ArrayLike,
        skeleton: Skeleton,
        person: ArrayLike | None = None,
        covariance: ArrayLike | None = None,
    ) -> None:
        """Show the newest instant.

        Args:
            joints: (P, J, 3) mm in world, NaN where missing; P may be 0.
            skeleton: What the joints are.
            person: (P,) identity numbers, the same from instant to instant; 0, 1, ... when not given.
            covariance: (P, J, 3, 3) mm^2, NaN where unknown; shown with the option ``uncertainty`` as
                ellipsoids of two standard deviations, at most 120 of them.
        """
        bodies = np.array(joints, dtype=np.float64).reshape(-1, len(skeleton), 3)
        who = np.arange(len(bodies)) if person is None else np.array(person, dtype=np.int64)
        spread = None if covariance is None else np.array(covariance, dtype=np.float64)
        nobody = self.scene.middle is None
        self.scene.show_people(bodies, skeleton, who, spread)
        if nobody and not self._moved and self.scene.middle is not None:
            self._glide_towards(self.home())
        if self.scene.options["follow"]:
            self._follow(_FOLLOW)
        self.refresh()

    def clear_trails(self) -> None:
        """Forget where people have been, after a jump to another time."""
        self.scene.clear_trails()
        self.refresh()

    def show_pictures(self, pictures: Mapping[str, NDArray[np.uint8]]) -> None:
        """Show (H, W, 3) BGR pictures by camera name at the ends of the frusta, with the option ``pictures``.

        A few times a second is enough. They are shrunk to some 190 px at once and may change afterwards.
        """
        self.scene.show_pictures(dict(pictures))
        self.refresh()

    def highlight_camera(self, name: str | None) -> None:
        """Let one camera stand out; None lets none."""
        self.scene.highlight(name)
        self.refresh()

    @property
    def options(self) -> dict[str, bool]:
        """trails, frusta, pictures, uncertainty, follow."""
        return dict(self.scene.options)

    def set_option(self, name: str, on: bool) -> None:
        """Switch one of ``options``; KeyError for another name."""
        if self.scene.options[name] == on:
            return
        self.scene.set_option(name, on)
        if name == "follow" and on:
            middle = self.scene.middle
            if middle is not None:
                self._glide_towards(self.camera.aimed(middle))
        self.option_changed.emit(name, on)
        self.refresh()

    # Where from

    def reset(self) -> None:
        """Back to the first view, on everything there is."""
        self._moved = False
        self._glide_towards(self.home())

    def look_from(self, view: str) -> None:
        """Turn to ``front``, ``left``, ``top`` or ``three-quarter``; target and distance stay."""
        azimuth, elevation = VIEWS[view]
        self._moved = True
        self._glide_towards(replace(self.camera, azimuth_deg=azimuth, elevation_deg=elevation))

    def look(self, camera: OrbitCamera) -> None:
        """Look from there, at once."""
        self._moved = True
        self.camera = camera
        self.refresh()

    def home(self) -> OrbitCamera:
        """The first view: from between front and side, on all cameras and whoever stands between them."""
        size = (float(max(self.width(), 1)), float(max(self.height(), 1)))
        return first_view(self.scene.positions, size, self.scene.middle is not None)

    def stay(self) -> None:
        """End a glide where it is."""
        self._glide.stop()

    def project(self, points: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """World points (..., 3) mm to px of the widget (..., 2) and depth (...) mm, as seen now."""
        return self.camera.project(points, (self.width(), self.height()))

    def use_engine(self, engine: Engine) -> None:
        """Change what draws, or try Open3D again after it could not."""
        self._end_link()
        self.engine = "wireframe" if engine == "wireframe" else "open3d"
        self.notice = ""
        self._image = self.picture = None
        self.engine_changed.emit()
        self.refresh()

    def shutdown(self) -> None:
        """End the render process and free its memory; the view stays as it was, and draws no more."""
        self._shut = True
        for timer in (self._soon, self._resized, self._idle):
            timer.stop()
        self._glide.stop()
        self._end_link()

    # Drawing

    def refresh(self) -> None:
        """Show what has changed, once control is back in the event loop."""
        if self.isVisible() and not self._soon.isActive() and not self._shut:
            self._soon.start()

    @property
    def render_process_id(self) -> int | None:
        """Of the process that draws; None while there is none."""
        return self._link.process_id if self._link is not None else None

    @property
    def driver(self) -> str:
        """What Open3D draws on, such as the name of a graphics card; "" while nothing is known."""
        return self._link.driver if self._link is not None else ""

    def _ask(self) -> None:
        """Ask for a picture of the present state, if it is not the one that was asked for last."""
        if self._image is None or self.engine == "wireframe":
            self.update()
        if self.engine == "wireframe" or not self.isVisible() or self._shut:
            return
        if self._size.isEmpty():
            self._size = self.size()
        self._tell_scale()
        dots = self.devicePixelRatioF()
        area = self._size.width() * self._size.height() * dots * dots
        dots *= min(1.0, (_MOST_DOTS / max(1.0, area)) ** 0.5)
        state = (self.scene.version, self.camera, self._size.width(), self._size.height(), dots)
        if state == self._asked and self._link is not None:
            return
        self._asked = state
        if self._link is None:
            self._link = RenderLink()
            self._link.pictured.connect(self._take_picture)
            self._link.gave_up.connect(self._fall_back)
            self.destroyed.connect(self._link.stop)
        self._number += 1
        self._link.want(
            Wanted(
                number=self._number,
                camera=self.camera,
                size=(self._size.width(), self._size.height()),
                dots=dots,
                background=self.scene.colours.background,
                parts=self.scene.parts_seen(self.camera, (self._size.width(), self._size.height())),
                asked_s=time.perf_counter(),
            )
        )

    def _tell_scale(self) -> None:
        self.scene.set_scale(self.camera.distance_mm / focal((self.width(), self.height())))

    def _take_picture(self, picture: Picture) -> None:
        if self._shut or self.engine == "wireframe":
            return
        height, width = picture.pixels.shape[:2]
        self.picture = picture
        pixels = cast(bytes, picture.pixels.data)  # kept by ``self.picture``
        self._image = QImage(pixels, width, height, 4 * width, QImage.Format.Format_RGB32)
        self.update()
        self.pictured.emit(picture)

    def _fall_back(self, reason: str) -> None:
        self._end_link()
        self.engine, self.notice = "wireframe", f"Simple 3D view: {reason}"
        self._image = self.picture = None
        self.engine_changed.emit()
        self.update()

    def _let_go(self) -> None:
        if not self.isVisible():
            self._end_link()
            self._image = self.picture = None  # by the time somebody looks again it would be an old one

    def _end_link(self) -> None:
        if self._link is not None:
            self._link.stop()
            self._link.deleteLater()
            self._link = None
        self._asked = ()

    def _take_theme(self) -> None:
        self.scene.set_colours(scene_colours(theme.palette()))
        self.refresh()

    def _take_size(self) -> None:
        self._size = self.size()
        self._ask()

    def _timer(self, interval_ms: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(slot)
        return timer

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """The newest picture, or lines; names on top."""
        colours = self.scene.colours
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor.fromRgbF(*colours.background))
        size = (float(self.width()), float(self.height()))
        camera = self.camera
        if self._image is not None and self.picture is not None:
            wanted = self.picture.wanted
            camera = wanted.camera  # names stay where the picture has what they name
            scale = focal(size) / focal(wanted.size)
            width, height = wanted.size[0] * scale, wanted.size[1] * scale
            target = QRectF((size[0] - width) / 2, (size[1] - height) / 2, width, height)
            ratio = self.devicePixelRatioF() * width / max(1, self._image.width())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, abs(ratio - 1.0) > 1e-3)
            painter.drawImage(target, self._image)
        else:
            self._tell_scale()
            parts = [part for _, part in self.scene.parts_seen(camera, size).values()]
            paint_scene(painter, parts, camera, size)
        paint_labels(painter, self.scene.labels, camera, size, colours)
        words = self.notice or ("" if self._hands.seen or size[0] < _ROOM_FOR_HINT else _HINT)
        if words:
            painter.setPen(QColor.fromRgbF(*colours.quiet_text))
            place = QRectF(16, size[1] - 32, size[0] - 32, 24)
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
        painter.end()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Scale the last picture, render the new size when it stays."""
        if not self._moved:
            self.camera = self.home()
        if self._size.isEmpty() or self._image is None:
            self._size = self.size()
            self.refresh()
        elif not self._shut:
            self._resized.start()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Catch up with what has changed while nobody looked."""
        self._idle.stop()
        self._size = self.size()
        self.refresh()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Draw no more; after a while give the process back."""
        if not self._shut:
            self._idle.start()

    # Hands

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Start a drag."""
        if event is not None:
            self._hands.press(event)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End a drag."""
        self._hands.release()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag."""
        if event is not None:
            self._hands.move(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Back to the first view."""
        self.reset()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom."""
        if event is not None:
            self._hands.wheel(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move, or leave the key to others."""
        if event is not None and not self._hands.key(event):
            super().keyPressEvent(event)

    def _follow(self, part: float) -> None:
        middle = self.scene.middle
        if middle is None or self._glide.running:
            return
        way = middle - np.array(self.camera.target)
        if np.linalg.norm(way) > 1.0:
            self._moved = True
            self.camera = self.camera.aimed(np.array(self.camera.target) + part * way)

    def _glide_towards(self, camera: OrbitCamera) -> None:
        self._glide.stop()
        if self.isVisible() and not self._shut:
            self._glide.start(self.camera, camera)
        else:
            self._show_from(camera)

    def _show_from(self, camera: OrbitCamera) -> None:
        self.camera = camera
        self.refresh()


def make_space_view(parent: QWidget | None = None, engine: Engine = "auto") -> SpaceView:
    """A 3D view.

    Args:
        parent: Of the widget.
        engine: ``open3d`` draws by Open3D and falls back to lines where that cannot be done, with the reason
            in ``notice``; ``wireframe`` paints lines from the start; ``auto`` does as the settings say
            (``engine_choice``), which is ``open3d`` unless somebody chose otherwise.

    Returns:
        The view. ``engine`` says what draws; call ``shutdown`` before the window closes.
    """
    return SpaceView(parent, engine)
