"""The window on a real session, drawn without a display."""

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QColor, QWheelEvent

from app import theme
from app.live_window import LiveWindow
from app.widgets.camera_tile import CameraTile
from app.widgets.wireframe_view import WireframeView
from models.skeletons import get_skeleton
from pipeline.live import run_session
from pipeline.pipeline_config import load_pipeline
from pipeline.session import Session
from pipeline.simulated_rig import simulated_rig
from pipeline.studio_rig import studio_calibration, studio_of

SIZE = (160, 120)


def colours(widget) -> set[tuple[int, int, int]]:
    image = widget.grab().toImage()
    return {
        image.pixelColor(x, y).getRgb()[:3] for x in range(image.width()) for y in range(0, image.height(), 2)
    }


def near(colour: QColor, found: set[tuple[int, int, int]]) -> bool:
    return any(np.abs(np.subtract(colour.getRgb()[:3], other)).max() <= 6 for other in found)


@pytest.fixture
def rig():
    devices = simulated_rig(2, SIZE, 30.0, 0)
    return studio_calibration(devices, studio_of(devices))


def standing() -> tuple[np.ndarray, object]:
    skeleton = get_skeleton("coco_17")
    heights = np.linspace(1700, 100, len(skeleton))
    sides = [-200 if "right" in joint else 200 for joint in skeleton.joints]
    return np.stack([sides, np.zeros(len(skeleton)), heights], axis=1)[None].astype(float), skeleton


def test_tile_draws_picture_keypoints_and_name(qtbot):
    tile = CameraTile("front")
    qtbot.addWidget(tile)
    tile.resize(320, 264)
    tile.show_picture(np.full((120, 160, 3), (10, 200, 30), np.uint8))
    assert near(QColor(30, 200, 10), colours(tile)), "BGR is shown as BGR"
    assert not near(theme.LEFT, colours(tile))
    skeleton = get_skeleton("coco_17")
    keypoints = np.random.default_rng(0).uniform(20, 100, (1, len(skeleton), 3))
    keypoints[..., 2] = 1.0
    tile.show_keypoints(keypoints, skeleton)
    found = colours(tile)
    assert near(theme.LEFT, found)
    assert near(theme.RIGHT, found)
    keypoints[..., 2] = 0.1
    assert not near(theme.LEFT, colours(tile)), "what the model calls invisible is not drawn"


def test_view_orbits_pans_zooms_and_resets(qtbot, rig):
    view = WireframeView(rig)
    qtbot.addWidget(view)
    view.resize(400, 400)
    view.show_people(*standing())
    assert near(theme.LEFT, colours(view))
    before = view.azimuth_deg, view.elevation_deg, view.distance_mm, view.target.copy()
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    qtbot.mouseMove(view, QPoint(150, 120))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(150, 120))
    wheel = QWheelEvent(
        QPointF(200, 200),
        QPointF(200, 200),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    view.wheelEvent(wheel)
    assert view.distance_mm < before[2]
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton)
    assert (view.azimuth_deg, view.elevation_deg, view.distance_mm) == before[:3]


def test_view_looks_at_its_target(qtbot, rig):
    view = WireframeView(rig)
    qtbot.addWidget(view)
    view.resize(500, 400)
    pixels, depth = view.project(view.target[None])
    np.testing.assert_allclose(pixels[0], [250, 200], atol=1e-9)
    np.testing.assert_allclose(depth[0], view.distance_mm)
    above, _ = view.project(view.target[None] + [[0, 0, 100]])
    assert above[0, 1] < 200, "up is up"


def test_window_shows_a_running_session(qtbot, tmp_path):
    devices = simulated_rig(2, SIZE, 30.0, 0)
    studio = studio_of(devices)
    pipeline = load_pipeline("noisy_truth", ("stream.address=''",))
    settings = {"size": list(SIZE), **devices.cameras[0].driver["studio"]}
    pipeline = pipeline.model_copy(update={"keypoints": {**pipeline.keypoints, "studio": settings}})
    with Session(devices, studio_calibration(devices, studio), pipeline, label="no network") as session:
        window = LiveWindow(session, "no network")
        qtbot.addWidget(window)
        window.show()
        shots = []

        def tick(seconds, poses):
            window.refresh(seconds, poses)
            if seconds > 2.5 and not shots:
                shots.append((colours(window), window.grab()))
                window.close()
            return not window.closed

        live = run_session(session, None, seconds=20.0, on_tick=tick)
    assert live.seconds < 15, "closing the window ends the session"
    found, picture = shots[0]
    picture.save(str(tmp_path / "window.png"))
    for colour in (theme.LEFT, theme.RIGHT, theme.WARNING, theme.GRID):
        assert near(colour, found)
