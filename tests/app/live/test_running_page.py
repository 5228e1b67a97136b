"""The page on real cameras' processes: from the first click to a finished take."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QPushButton

from app.live.page import LivePage
from app.session.live_session import LiveSession
from pipeline.take.take import Take

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

PATIENCE_MS = 150_000


def test_start_watch_record_and_finish(qtbot, studio):
    studio._session = LiveSession(studio)
    own = studio.takes_folder.parent / "quiet.yaml"  # another program may listen at the usual address
    own.write_text(
        "version: 1\nname: quiet\nkeypoints: {type: noisy_truth, noise_px: 0.3}\nstream: {address: ''}\n"
    )
    studio.pipeline = str(own)
    page = LivePage(studio)
    qtbot.addWidget(page)
    page.resize(1200, 800)
    page.show()
    page.entered()

    def click(name):
        qtbot.mouseClick(page.findChild(QPushButton, name), Qt.MouseButton.LeftButton)

    def until(condition):
        qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    try:
        click("startLive")
        tiles = list(page.wall.tiles.values())
        until(lambda: studio.session.pipeline_state == "ready" and all(t.pictures_drawn > 5 for t in tiles))
        until(lambda: all(tile._keypoints is not None for tile in tiles))
        until(lambda: page.timeline.newest("poses"))
        assert page.banner.isVisible(), "the stand-in says what it is"
        until(lambda: page.figures.error_mm is not None)
        assert page.figures.error_mm < 200, "see below"
        until(lambda: {tile.level for tile in tiles} <= {"good", "warning"})
        assert len(page.space.scene.labels) >= 2, "the cameras stand in space"

        page.left()
        qtbot.wait(100)  # what was asked for already
        drawn = [tile.pictures_drawn for tile in tiles]
        qtbot.wait(300)
        assert [tile.pictures_drawn for tile in tiles] == drawn, "nothing is drawn where nobody looks"
        page.entered()

        click("record")
        until(lambda: studio.session.recording)
        until(lambda: min((c["recorded"] for c in page.recorder.cameras.values()), default=0) > 15)
        click("mark")
        click("record")
        until(lambda: page.takes.kind == "closed" and not page.takes.busy)
        assert page.takes.note.startswith("Preview and report are ready. Mean joint error")
        take = Take.open(studio.takes_folder / "take-001")
        assert take.header.state == "complete"
        assert "mark" in {event.kind for event in take.events()}
        # Seen by two cameras 160 px wide the noise of the stand-in, thrice that where a body hides it,
        # is some centimetres; a wrong clock or world would be half a metre and more.
        error_mm = float(page.takes.note.rpartition("error ")[2].partition(" mm")[0])
        assert error_mm < 200
        assert {path.name for path in take.folder.iterdir()} >= {"truth.npz", "preview.mp4", "report.html"}
        assert page.recorder.name == "take-002"

        page.wall.zoom("cam2")
        click("toggleLive")
        until(lambda: studio.session.state == "off")
        assert not page._running.isVisible()
    finally:
        page.shutdown()
        studio.session.shutdown()
