"""The menu of ways to add a camera."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QFileDialog, QMenu, QWidget

from app.cameras.dialogs import AddressDialog
from app.cameras.presenter import CamerasPresenter
from app.cameras.rig_files import RigFiles
from app.cameras.words import driver_title

_VIDEOS: Final = "Videos (*.mp4 *.mkv *.avi *.mov *.m4v *.webm *.mpg *.mpeg *.ts);;All files (*)"


class AddMenu(QMenu):
    """One entry for each driver that there is."""

    found_wanted = pyqtSignal()
    """The list of found devices shall get the keyboard."""

    def __init__(self, window: QWidget, presenter: CamerasPresenter, files: RigFiles) -> None:
        super().__init__(window)
        self.setObjectName("add_menu")
        self._window = window
        self._presenter = presenter
        self._files = files
        self._studio = presenter.studio
        self.aboutToShow.connect(self._fill)

    def add_stream(self) -> None:
        """Ask for an address."""
        dialog = AddressDialog(self._window)
        if dialog.exec():
            self._presenter.add_stream(dialog.chosen)

    def add_videos(self) -> None:
        """Ask for video files."""
        chosen, _ = QFileDialog.getOpenFileNames(self._window, "Add videos", str(self._footage()), _VIDEOS)
        if chosen:
            self._studio.preferences.remember_folder(Path(chosen[0]).parent)
            self._presenter.add_videos([Path(one) for one in chosen])

    def add_images(self) -> None:
        """Ask for a folder of images."""
        chosen = QFileDialog.getExistingDirectory(
            self._window, "Add a folder of images", str(self._footage())
        )
        if chosen:
            self._studio.preferences.remember_folder(Path(chosen))
            self._presenter.add_images(Path(chosen))

    def _footage(self) -> Path:
        recent = self._studio.preferences.recent_folders
        return recent[0] if recent else self._files.folder()

    def _fill(self) -> None:
        """One entry for each driver there is; those with a way of their own to be asked first."""
        self.clear()
        ways: dict[str, tuple[str, Callable[[], object]]] = {
            "usb": ("USB camera …", self._add_usb),
            "rtsp": ("Network camera …", self.add_stream),
            "video_file": ("Video files …", self.add_videos),
            "image_folder": ("Folder of images …", self.add_images),
            "simulated": ("Simulated camera", lambda: self._presenter.add_driver("simulated")),
        }
        for driver in [*ways, *(one for one in self._presenter.desk.forms if one not in ways)]:
            label, way = ways.get(driver) or (
                driver_title(driver),
                partial(self._presenter.add_driver, driver),
            )
            action = QAction(label, self)
            action.setObjectName(f"add_{driver}")
            action.triggered.connect(lambda _checked, way=way: way())
            self.addAction(action)

    def _add_usb(self) -> None:
        """Found ones are added from the list; where none is found, one that is not plugged in yet."""
        found = self._presenter.search.found or []
        free = [
            one
            for one, used in zip(found, self._presenter.used_by, strict=True)
            if not used and not one.reason
        ]
        if len(free) == 1:
            self._presenter.add_device(free[0])
        elif free:
            self.found_wanted.emit()
            self._studio.say("info", "Choose a camera in the list “Found on this computer”.")
        else:
            self._presenter.add_driver("usb")
            self._studio.say(
                "info",
                "No free USB camera was found. One was added by number; choose its device in the settings.",
            )
