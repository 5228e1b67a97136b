"""A scene with known truth, and views on it."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from PyQt6.QtGui import QColor, QImage

from app import theme
from app.doctor.screen import space
from app.space.engine_choice import engine_choice
from app.space.space_view import SpaceView, make_space_view
from calibration.camera import Camera
from calibration.rig import Rig
from models.skeletons import get_skeleton

SIZE = (400, 300)


def camera_at(name: str, position: tuple[float, float, float]) -> Camera:
    """Looks at the middle of the scene, 640x480."""
    place = np.array(position)
    forward = np.array([0.0, 0.0, 900.0]) - place
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    K = np.array([[520.0, 0.0, 319.5], [0.0, 520.0, 239.5], [0.0, 0.0, 1.0]])
    return Camera(name, (640, 480), "pinhole", K, np.zeros(5), R, -R @ place)


@pytest.fixture
def rig() -> Rig:
    return Rig((camera_at("front", (0.0, -3000.0, 1500.0)), camera_at("side", (2800.0, 900.0, 2000.0))))


@pytest.fixture
def standing():
    """(1, 17, 3) joints and their skeleton: left at +x, right at -x."""
    skeleton = get_skeleton("coco_17")
    heights = np.linspace(1700, 100, len(skeleton))
    sides = [-250 if "right" in joint else 250 for joint in skeleton.joints]
    return np.stack([sides, np.zeros(len(skeleton)), heights], axis=1)[None].astype(float), skeleton


@pytest.fixture(scope="session")
def open3d_draws():
    """Skip where Open3D cannot draw; on Linux it must, everything it needs is installed by make."""
    found = space(os.environ)
    if sys.platform.startswith("linux"):
        assert found.state == "ok", found
    elif found.state != "ok":
        pytest.skip(found.found)


@pytest.fixture
def make_view(qtbot):
    """Views that are shown, and ended whatever the test does."""
    views = []

    def make(engine: str = "wireframe", size: tuple[int, int] = SIZE) -> SpaceView:
        view = make_space_view(engine=engine)
        views.append(view)
        view.resize(*size)
        view.show()
        return view

    yield make
    for view in views:
        view.shutdown()
        view.deleteLater()


@pytest.fixture(autouse=True)
def first_start(monkeypatch):
    """Theme and engine as nobody has chosen them, whatever other tests did."""
    monkeypatch.setattr(theme._Current, "palette", theme.DARK)
    monkeypatch.setattr(engine_choice(), "engine", "auto")


def drawn(view: SpaceView) -> np.ndarray:
    """(H, W, 3) red, green, blue of what the widget shows."""
    return pixels_of(view.grab().toImage())


def pixels_of(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def of_colour(pixels: np.ndarray, colour: QColor, within: float = 0.08) -> np.ndarray:
    """Which pixels have this colour or a shade of it: the same direction from black, not much darker.

    0.08 rad tell people's right side from the red X axis, the nearest other colour (0.13 rad).
    """
    wanted = np.array(colour.getRgb()[:3], dtype=float)
    length = np.linalg.norm(pixels, axis=2)
    cosine = (pixels @ wanted) / np.maximum(length, 1.0) / np.linalg.norm(wanted)
    return (cosine > np.cos(within)) & (length > 0.5 * np.linalg.norm(wanted))
