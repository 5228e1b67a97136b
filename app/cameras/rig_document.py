"""The cameras of a rig as a document: every change can be undone, one camera is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from app.cameras import new_cameras
from app.cameras.desk import Desk
from app.cameras.driver_forms import DriverForm
from app.cameras.history import History
from app.cameras.rig_draft import UNSTATED, CameraDraft, RigDraft, Size


class RigDocument(QObject):
    """A rig's draft with its past; knows neither files nor what is in use.

    Args:
        desk: Who knows which settings all cameras of a driver share.
        parent: Its owner.

    Attributes:
        history: All drafts since this rig is edited.
        selected: Key of the camera whose settings are shown.
        last_removed: Name of the camera that was removed by the last change; else empty.
    """

    changed = pyqtSignal()
    """Something else is to be shown."""
    edited = pyqtSignal()
    """The draft is another one."""

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.history: History[RigDraft] = History(RigDraft())
        self.selected: int | None = None
        self.last_removed = ""

    @property
    def draft(self) -> RigDraft:
        """The rig as it is edited."""
        return self.history.state

    @property
    def camera(self) -> CameraDraft | None:
        """The camera whose settings are shown."""
        return self.draft.camera(self.selected)

    def form(self, driver: str) -> DriverForm | None:
        """Of a driver; None while it is not known yet."""
        return self._desk.forms.get(driver)

    def begin(self, draft: RigDraft) -> None:
        """Edit another rig; nothing can be undone yet."""
        self.history = History(draft)
        self.selected = draft.cameras[0].key if draft.cameras else None
        self.last_removed = ""

    # Which cameras, and in which order

    def rename_rig(self, name: str) -> None:
        """Call the rig something else."""
        self._do(replace(self.draft, name=name), "rename the rig", merge="rig")

    def add(self, cameras: Sequence[CameraDraft]) -> None:
        """Add cameras at the end, and show the first of them."""
        if not cameras:
            return
        what = f"add {cameras[0].name}" if len(cameras) == 1 else f"add {len(cameras)} cameras"
        self.selected = cameras[0].key
        self._do(self.draft.added(cameras), what)

    def add_simulated(self) -> None:
        """Add one more camera of the simulated studio.

        Raises:
            ValueError: The studio is full.
        """
        draft, camera = new_cameras.with_simulated_camera(self.draft)
        self.selected = camera.key
        self._do(draft, f"add {camera.name}")

    def duplicate(self, key: int) -> None:
        """Add a camera with the same settings below this one."""
        camera = self.draft.camera(key)
        if camera is None:
            return
        copy = new_cameras.copy_of(self.draft, camera)
        self.selected = copy.key
        self._do(self.draft.added([copy], after=key), f"duplicate {camera.name}")

    def remove(self, key: int) -> None:
        """Take a camera out; ``undo`` brings it back."""
        camera = self.draft.camera(key)
        if camera is None:
            return
        place = self.draft.place(key)
        draft = self.draft.removed(key)
        if self.selected == key:
            self.selected = draft.cameras[min(place, len(draft.cameras) - 1)].key if draft.cameras else None
        self._do(draft, f"remove {camera.name}", removed=camera.name)

    def move(self, key: int, place: int) -> None:
        """Put a camera at another place in the order."""
        draft = self.draft.moved(key, place)
        camera = self.draft.camera(key)
        if camera is not None and draft != self.draft:
            self._do(draft, f"move {camera.name}", merge=("move", key))

    # Settings of a camera

    def rename(self, key: int, name: str) -> None:
        """Call a camera something else."""
        self._change(key, lambda one: new_cameras.renamed(one, name), "rename", merge=("name", key))

    def set_size(self, key: int, size: Size | str | None) -> None:
        """Ask for pictures of this size; all simulated cameras stand in one studio, which has one size."""
        camera = self.draft.camera(key)
        if camera is None or camera.size == size:
            return
        if camera.driver == new_cameras.SIMULATED:
            draft = self.draft.changed_all(camera.driver, lambda one: replace(one, size=size))
            self._do(draft, "change the size of the simulated cameras", merge=("size", key))
        else:
            self._change(key, lambda one: replace(one, size=size), "change the size of", ("size", key))

    def set_fps(self, key: int, fps: float | str | None) -> None:
        """Ask for this many pictures per second."""
        self._change(key, lambda one: replace(one, fps=fps), "change the rate of", merge=("fps", key))

    def set_setting(self, key: int, path: Sequence[str], value: Any) -> None:
        """State one of the driver's settings; ``UNSTATED`` leaves it to the driver's default."""
        camera = self.draft.camera(key)
        if camera is None or _stated(camera, path) == value:
            return
        form = self.form(camera.driver)
        field = form.field(tuple(path[:1])) if form is not None else None
        merge = ("setting", key, tuple(path))
        if field is not None and field.same_in_rig:
            draft = self.draft.changed_all(camera.driver, lambda one: one.with_setting(path, value))
            self._do(draft, f"change {field.label.lower()} of all cameras", merge=merge)
        else:
            self._change(key, lambda one: one.with_setting(path, value), "change", merge=merge)

    def copy_mode_to_all(self, key: int) -> None:
        """Ask all cameras of the same driver for the same size and rate."""
        camera = self.draft.camera(key)
        if camera is None:
            return
        draft = self.draft.changed_all(
            camera.driver, lambda one: replace(one, size=camera.size, fps=camera.fps)
        )
        if draft != self.draft:
            self._do(draft, f"use the mode of {camera.name} for all")

    # To and fro

    def select(self, key: int | None) -> None:
        """Show the settings of a camera."""
        if key != self.selected and (key is None or self.draft.camera(key) is not None):
            self.selected = key
            self.history.rest()
            self.changed.emit()

    def rest(self) -> None:
        """A field was left: the next change can be undone by itself."""
        self.history.rest()

    def undo(self) -> None:
        """Take back the last change."""
        self._travel(self.history.undo)

    def redo(self) -> None:
        """Do again what was taken back."""
        self._travel(self.history.redo)

    # Inside

    def _do(self, draft: RigDraft, text: str, merge: object = None, removed: str = "") -> None:
        self.history.do(draft, text, merge)
        self.last_removed = removed
        self.edited.emit()

    def _change(
        self, key: int, change: Callable[[CameraDraft], CameraDraft], verb: str, merge: object = None
    ) -> None:
        camera = self.draft.camera(key)
        if camera is None or change(camera) == camera:
            return
        self._do(self.draft.changed(key, change), f"{verb} {camera.name}", merge)

    def _travel(self, step: Callable[[], bool]) -> None:
        before = {camera.key for camera in self.draft.cameras}
        if not step():
            return
        self.last_removed = ""
        back = [camera.key for camera in self.draft.cameras if camera.key not in before]
        if back:
            self.selected = back[0]
        if self.camera is None:
            self.selected = self.draft.cameras[0].key if self.draft.cameras else None
        self.edited.emit()


def _stated(camera: CameraDraft, path: Sequence[str]) -> Any:
    try:
        return camera.setting(path)
    except KeyError:
        return UNSTATED
