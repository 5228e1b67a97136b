"""The takes page before there is a take."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFileDialog, QPushButton

from app.takes.page import TakesPage
from app.takes.presenter import TakesPresenter


def test_takesEmptyOpen_shows_the_takes_of_another_folder(qtbot, studio, walk, tmp_path, monkeypatch):
    studio.preferences.takes_folder = tmp_path / "nothing here"
    page = TakesPage(studio, TakesPresenter(studio, tmp_path / "cache"))
    qtbot.addWidget(page)
    page.show()
    page.entered()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *words: str(walk.parent))
    qtbot.mouseClick(page.findChild(QPushButton, "takesEmptyOpen"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: [entry.folder for entry in page.presenter.entries] == [walk], timeout=20_000)
    page.shutdown()
