"""How fast the 3D view is on this machine: two people walking among four cameras."""

from __future__ import annotations

import time
from math import cos, pi, sin
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QEventLoop, QTimer
from PyQt6.QtWidgets import QApplication

from app.space.engine_choice import Engine
from app.space.render_link import Picture
from app.space.space_view import SpaceView, make_space_view
from calibration.camera import Camera
from calibration.rig import Rig
from models.skeleton import Skeleton
from models.skeletons import get_skeleton

SIZES: Final = ((1280, 720), (800, 600))
_LIVE_HZ: Final = 30.0
_START_S: Final = 60.0


def measure(seconds: float = 4.0, *, engine: Engine = "auto") -> dict[str, Any]:
    """Measure every size of ``SIZES``; needs a QApplication, shows the view for the time being.

    Args:
        seconds: For each of the two runs of a size: as fast as it goes, and at 30 Hz as in a live session.
        engine: As for ``make_space_view``.

    Returns:
        ``engine``, ``driver`` and by size ("1280x720") ``fps`` (as fast as it goes), ``live_fps`` and
        ``live_smoothing`` (asked at 30 Hz; pictures averaged into one), ``cpu_ms`` of the render process and
        ``window_cpu_ms`` of this one per picture at 30 Hz, ``latency_ms`` from a move of the hand to the
        painted picture as p50, p95 and p99, and ``first_picture_s``.
    """
    result: dict[str, Any] = {}
    for width, height in SIZES:
        view = make_space_view(engine=engine)
        try:
            figures = _measure(view, (width, height), seconds)
            result |= {"engine": view.engine, "driver": view.driver}
        finally:
            view.shutdown()
            view.close()
            view.deleteLater()
        result[f"{width}x{height}"] = figures
    return result


def _measure(view: SpaceView, size: tuple[int, int], seconds: float) -> dict[str, Any]:
    scene = _Scene()
    view.resize(*size)
    view.set_rig(scene.rig)
    started_s = time.perf_counter()
    scene.show(view, 0.0)
    view.show()
    if view.engine == "open3d":
        _wait_for_picture(view)
    first_s = time.perf_counter() - started_s
    if view.engine == "wireframe":
        return _wireframe(view, scene, seconds) | {"first_picture_s": round(first_s, 2)}
    free = _Run(view, scene, seconds, None)
    live = _Run(view, scene, seconds, 1.0 / _LIVE_HZ)
    p50, p95, p99 = np.percentile(live.latency_ms, (50, 95, 99)).tolist()
    return {
        "fps": round(free.pictures / free.wall_s, 1),
        "live_fps": round(live.pictures / live.wall_s, 1),
        "live_smoothing": round(float(np.mean(live.samples)), 1),
        "cpu_ms": round(float(np.mean(live.cpu_ms)), 2),
        "window_cpu_ms": round(1e3 * live.window_cpu_s / live.pictures, 2),
        "latency_ms": {"p50": round(p50, 1), "p95": round(p95, 1), "p99": round(p99, 1)},
        "first_picture_s": round(first_s, 2),
    }


def _wireframe(view: SpaceView, scene: _Scene, seconds: float) -> dict[str, Any]:
    """Painting happens here and now, so there is nothing to wait for."""
    times_ms: list[float] = []
    started_s, cpu_s = time.perf_counter(), time.process_time()
    while (now_s := time.perf_counter() - started_s) < seconds:
        begun_s = time.perf_counter()
        scene.show(view, now_s)
        view.look(view.camera.orbited(0.5, 0.0))
        view.repaint()
        times_ms.append(1e3 * (time.perf_counter() - begun_s))
        QApplication.processEvents()
    p50, p95, p99 = np.percentile(times_ms, (50, 95, 99)).tolist()
    return {
        "fps": round(len(times_ms) / seconds, 1),
        "window_cpu_ms": round(1e3 * (time.process_time() - cpu_s) / len(times_ms), 2),
        "latency_ms": {"p50": round(p50, 1), "p95": round(p95, 1), "p99": round(p99, 1)},
    }


class _Run:
    """Moves people and eye, counts pictures until the time is over."""

    def __init__(self, view: SpaceView, scene: _Scene, seconds: float, interval_s: float | None) -> None:
        self.pictures = 0
        self.latency_ms: list[float] = []
        self.cpu_ms: list[float] = []
        self.samples: list[int] = []
        self._view, self._scene, self._interval_s = view, scene, interval_s
        self._loop = QEventLoop()
        timer = QTimer()
        timer.timeout.connect(self._move)
        view.pictured.connect(self._count)
        if interval_s is not None:
            timer.start(round(1e3 * interval_s))
        QTimer.singleShot(round(1e3 * seconds), self._loop.quit)
        started_s, cpu_s = time.perf_counter(), time.process_time()
        self._started_s = started_s
        self._move()
        self._loop.exec()
        timer.stop()
        view.pictured.disconnect(self._count)
        self.wall_s = time.perf_counter() - started_s
        self.window_cpu_s = time.process_time() - cpu_s

    def _move(self) -> None:
        self._scene.show(self._view, time.perf_counter() - self._started_s)
        self._view.look(self._view.camera.orbited(0.5, 0.0))

    def _count(self, picture: Picture) -> None:
        self._view.repaint()
        self.pictures += 1
        self.latency_ms.append(1e3 * (time.perf_counter() - picture.wanted.asked_s))
        self.cpu_ms.append(picture.drawn.cpu_ms)
        self.samples.append(picture.drawn.samples)
        if self._interval_s is None:
            self._move()


class _Scene:
    """Four cameras around two walking figures, without the cost of a simulated studio."""

    def __init__(self) -> None:
        self.rig = Rig(tuple(_camera(index) for index in range(4)))
        self.skeleton: Skeleton = get_skeleton("halpe_26")
        self._body = _standing(self.skeleton)

    def show(self, view: SpaceView, seconds: float) -> None:
        people = []
        for index in range(2):
            angle = 0.8 * seconds + pi * index
            body = self._body + np.array([900 * cos(angle), 900 * sin(angle), 0.0])
            swing = 150.0 * np.sin(6.0 * seconds + self._body[:, 2] / 200.0)
            people.append(body + np.stack([swing, 0.3 * swing, np.zeros_like(swing)], axis=1))
        view.show_people(np.stack(people), self.skeleton)


def _standing(skeleton: Skeleton) -> NDArray[np.float64]:
    """(J, 3) mm, joints of about human places, by their names."""
    heights = {"head": 1750, "nose": 1650, "eye": 1680, "ear": 1670, "neck": 1500, "shoulder": 1450}
    heights |= {"elbow": 1150, "wrist": 900, "hip": 950, "pelvis": 950, "knee": 500, "ankle": 90}
    places = []
    for name in skeleton.joints:
        height = next((value for word, value in heights.items() if word in name), 30)
        side = {"left": 1.0, "right": -1.0}.get(name.partition("_")[0], 0.0)
        forward = 120.0 if any(word in name for word in ("toe", "nose", "eye")) else 0.0
        places.append([side * (220.0 if 800 < height < 1500 else 110.0), forward, float(height)])
    return np.array(places)


def _camera(index: int) -> Camera:
    angle = pi / 4 + pi / 2 * index
    position = np.array([3200 * cos(angle), 3200 * sin(angle), 2200.0])
    forward = np.array([0.0, 0.0, 900.0]) - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    K = np.array([[900.0, 0.0, 639.5], [0.0, 900.0, 359.5], [0.0, 0.0, 1.0]])
    return Camera(f"cam{index + 1}", (1280, 720), "pinhole", K, np.zeros(5), R, -R @ position)


def _wait_for_picture(view: SpaceView) -> None:
    loop = QEventLoop()
    view.pictured.connect(loop.quit)
    view.engine_changed.connect(loop.quit)
    QTimer.singleShot(round(1e3 * _START_S), loop.quit)
    loop.exec()
    view.pictured.disconnect(loop.quit)
    view.engine_changed.disconnect(loop.quit)
