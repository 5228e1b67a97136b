"""What is wrong with a rig while it is edited: at once by its own rules, a moment later by its drivers'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from app.cameras.desk import Desk
from app.cameras.rig_draft import RigDraft, own_problems, rig_problem


class RigChecks(QObject):
    """Has the settings of cameras looked at and remembers the answers.

    Args:
        desk: Where drivers look at settings.
        draft: Gives the rig as it is edited.
    """

    answered = pyqtSignal()

    def __init__(self, desk: Desk, draft: Callable[[], RigDraft], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._draft = draft
        self._own: dict[tuple[int, str], str] = {}
        self._settings: dict[int, dict[str, str]] = {}
        self._looked_at: dict[int, tuple[str, Mapping[str, Any]]] = {}
        desk.checked.connect(self._hear)

    def problem(self, key: int, field: str) -> str:
        """What is wrong with a field: "name", "size", "fps", or a dotted key of the driver's settings."""
        if field in {"name", "size", "fps"} and (key, field) in self._own:
            return self._own[key, field]
        return self._settings.get(key, {}).get(field, "")

    def problems_of(self, key: int) -> list[str]:
        """Everything that is wrong with a camera."""
        own = [text for (camera, _), text in self._own.items() if camera == key]
        return own + list(self.setting_problems(key).values())

    def setting_problems(self, key: int) -> dict[str, str]:
        """What is wrong with the driver's settings of a camera, by dotted key."""
        return self._settings.get(key, {})

    @property
    def going_on(self) -> bool:
        """Whether the drivers have not yet said whether the settings are good."""
        return any(
            self._looked_at.get(camera.key) != (camera.driver, camera.settings)
            for camera in self._draft().cameras
        )

    @property
    def why_not_usable(self) -> str:
        """Why it is no correct rig, as a sentence; empty: it is, as far as is known."""
        wrong = [camera.name for camera in self._draft().cameras if self.problems_of(camera.key)]
        if wrong:
            return f"Something is wrong with {', '.join(wrong)}; the settings say what."
        return rig_problem(self._draft())

    @property
    def usable(self) -> bool:
        """Whether the draft is a correct rig, as its drivers say too."""
        return not self.going_on and not self.why_not_usable

    def start_afresh(self) -> None:
        """Another rig: what was said about the one before is forgotten."""
        self._settings, self._looked_at = {}, {}

    def look(self) -> None:
        """Look at what has changed; ``answered`` comes with what drivers say."""
        draft = self._draft()
        self._own = own_problems(draft)
        for camera in draft.cameras:
            if self._looked_at.get(camera.key) != (camera.driver, camera.settings):
                self._desk.check(camera.key, camera.driver, camera.settings)

    def _hear(self, key: int, asked: tuple[str, Mapping[str, Any]], problems: dict[str, str]) -> None:
        camera = self._draft().camera(key)
        if camera is None or (camera.driver, camera.settings) != asked:
            return  # changed meanwhile; another answer is on its way
        self._looked_at[key] = asked
        self._settings[key] = problems
        self.answered.emit()
