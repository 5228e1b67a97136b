"""The window on a real session, drawn without a display."""

import numpy as np
from PyQt6.QtGui import QColor

from app import theme
from app.live_window import LiveWindow
from app.widgets.camera_tile import CameraTile
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
