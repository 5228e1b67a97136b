"""A recording calibrated through the wizard's screens, with its real processes."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFileDialog

from app.calibrate.page import CalibratePage
from app.calibrate.steps import Step
from app.space.space_view import SpaceView
from calibration.rig_file import read_calibration, write_calibration
from tests.support.board_recording import board_studio, recorded_views

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_from_a_folder_to_a_saved_calibration(qtbot, studio, monkeypatch, tmp_path):
    for module in ("floor_step", "result_step"):
        monkeypatch.setattr(
            f"app.calibrate.{module}.make_space_view", lambda parent: SpaceView(parent, "wireframe")
        )
    recording = tmp_path / "recording"
    recording.mkdir()
    recorded_views().save(recording / "observations.npz")
    write_calibration(tmp_path / "lenses.yaml", board_studio().rig)
    page = CalibratePage(studio)
    qtbot.addWidget(page)
    page.show()
    page.entered()
    wizard = page.wizard
    try:
        wizard.next()
        qtbot.mouseClick(
            page.views[Step.SOURCE].recorded, Qt.MouseButton.LeftButton, pos=page.rect().topLeft()
        )
        wizard.use_source("recorded")
        wizard.order.board.use_board(board_studio().board)
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *words: str(recording))
        qtbot.mouseClick(page.views[Step.SOURCE].choose, Qt.MouseButton.LeftButton)
        wizard.order.use_lenses(tmp_path / "lenses.yaml")
        qtbot.mouseClick(page.next, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(page.next.isEnabled, timeout=60_000)
        assert wizard.step is Step.SHOW
        assert wizard.state.kept_views == len(recorded_views().views)
        qtbot.mouseClick(page.next, Qt.MouseButton.LeftButton)
        assert wizard.step is Step.SOLVE
        qtbot.waitUntil(lambda: wizard.step is Step.FLOOR, timeout=90_000)
        for _ in range(2):
            qtbot.mouseClick(page.next, Qt.MouseButton.LeftButton)
        assert wizard.step is Step.SAVE
        qtbot.mouseClick(page.next, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: bool(wizard.saved), timeout=60_000)
        saved = read_calibration(tmp_path / "recording_calibration.yaml")
        truth = board_studio().rig
        for one, other in zip(saved.cameras, truth.cameras, strict=True):
            # The floor is known to centimetres (see the world's tests), heights with it.
            np.testing.assert_allclose(one.position[2], other.position[2], atol=25)
        assert studio.calibration is not None, "it is of the rig's cameras, by their names"
        assert page.next.text() == "Done"
        # Called off, a job is not heard any more.
        wizard.start_over()
        wizard.next()
        wizard.next()
        wizard.cancel()
        assert wizard.step is Step.BOARD
        qtbot.waitUntil(lambda: not wizard._work._jobs, timeout=30_000)
        assert wizard.state is None
    finally:
        page.left()
        page.shutdown()
