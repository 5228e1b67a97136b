"""Everything about the chosen camera: its picture, its mode, its driver's settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from app import theme
from app.cameras.driver_forms import DriverForm
from app.cameras.general_form import GeneralForm
from app.cameras.presenter import CamerasPresenter
from app.cameras.rig_draft import CameraDraft
from app.cameras.settings_form import DriverSettings
from app.cameras.trial_view import TrialView
from app.cameras.words import driver_title
from app.help.popover import help_button
from app.widgets.buttons import button
from app.widgets.card import Card

_TOPICS: Final = {
    "usb": "usb",
    "rtsp": "stream",
    "video_file": "files",
    "image_folder": "files",
    "simulated": "simulated",
}


class CameraPanel(QScrollArea):
    """Shows one camera and passes on what is done with it."""

    def __init__(self, presenter: CamerasPresenter) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._presenter = presenter
        self._editor = presenter.editor
        self._camera: CameraDraft | None = None
        self._settings: DriverSettings | None = None
        self.trial = TrialView()
        self.general = GeneralForm()
        self._test_card = Card("Test")
        self._test_card.header.addWidget(help_button("test"))
        self._test_card.body.addWidget(self.trial)
        self._general_card = Card("Name and mode")
        self.to_all = button("Use this mode for &all", "mode_to_all", self._mode_to_all, kind="quiet")
        self.to_all.setToolTip("Size and rate of this camera for all cameras of the same kind")
        self._general_card.header.addWidget(self.to_all)
        self._general_card.header.addWidget(help_button("mode"))
        self._general_card.body.addWidget(self.general)
        self._settings_card = Card("Settings")
        self._helps = {topic: help_button(topic) for topic in sorted(set(_TOPICS.values()) | {"exposure"})}
        for widget in self._helps.values():
            self._settings_card.header.addWidget(widget)
        self._waiting = QLabel("Asking the driver …")
        self._waiting.setProperty("role", "quiet")
        self._settings_card.body.addWidget(self._waiting)
        scrolled = QWidget()
        scrolled.setObjectName("scrolled")
        column = QVBoxLayout(scrolled)
        column.setContentsMargins(0, 0, theme.SPACE, 0)
        column.setSpacing(2 * theme.SPACE)
        for card in (self._test_card, self._general_card, self._settings_card):
            column.addWidget(card)
        column.addStretch(1)
        self.setWidget(scrolled)
        self._connect()

    def show_camera(self, camera: CameraDraft) -> None:
        """Show a camera as it is set now."""
        self._camera = camera
        presenter, editor = self._presenter, self._editor
        self.trial.show_trial(presenter.trial(camera.key), presenter.why_no_test)
        self.trial.picture.show_picture(presenter.trials.pictures.get(camera.key))
        name, size, fps = (editor.checks.problem(camera.key, field) for field in ("name", "size", "fps"))
        self.general.show_camera(
            camera,
            (name, size, fps),
            presenter.sizes(camera),
            presenter.rates(camera),
            presenter.mode_help(camera),
        )
        same = [one for one in editor.draft.cameras if one.driver == camera.driver]
        self.to_all.setVisible(len(same) > 1)
        self._settings_card.title.setText(driver_title(camera.driver))
        form = editor.form(camera.driver)
        self._show_helps(camera.driver, form)
        self._waiting.setVisible(form is None)
        if form is not None:
            self._show_settings(camera, form)

    def _show_settings(self, camera: CameraDraft, form: DriverForm) -> None:
        if self._settings is None or self._settings.form != form:
            if self._settings is not None:
                self._settings.hide()
                self._settings.deleteLater()
            path = self._editor.file.path
            folder = path.parent if path is not None else self._presenter.home
            self._settings = DriverSettings(form, folder, self._presenter.offers(camera.driver))
            self._settings.edited.connect(self._set)
            self._settings.left.connect(self._editor.rest)
            self._settings_card.body.addWidget(self._settings)
        self._settings.show_camera(camera, self._editor.checks.setting_problems(camera.key))

    def _show_helps(self, driver: str, form: DriverForm | None) -> None:
        exposed = form is not None and any(field.key.startswith("exposure") for field in form.fields)
        wanted = {_TOPICS.get(driver), "exposure" if exposed else None}
        for topic, widget in self._helps.items():
            widget.setVisible(topic in wanted)

    def _connect(self) -> None:
        self.trial.test.clicked.connect(lambda _: self._with_key(self._presenter.test))
        self.trial.stop.clicked.connect(lambda _: self._presenter.trials.stop())
        self._presenter.trials.pictured.connect(self._show_picture)
        self.general.renamed.connect(lambda text: self._with_key(lambda key: self._editor.rename(key, text)))
        self.general.size_chosen.connect(
            lambda size: self._with_key(lambda key: self._editor.set_size(key, size))
        )
        self.general.fps_chosen.connect(
            lambda fps: self._with_key(lambda key: self._editor.set_fps(key, fps))
        )
        self.general.left.connect(self._editor.rest)

    def _with_key(self, do: Callable[[int], object]) -> None:
        if self._camera is not None:
            do(self._camera.key)

    def _set(self, path: tuple[str, ...], value: object) -> None:
        self._with_key(lambda key: self._editor.set_setting(key, path, value))

    def _mode_to_all(self) -> None:
        self._with_key(self._editor.copy_mode_to_all)

    def _show_picture(self, key: int) -> None:
        if self._camera is not None and key == self._camera.key:
            self.trial.picture.show_picture(self._presenter.trials.pictures.get(key))
