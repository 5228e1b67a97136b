"""A rig while it is edited: undo, what is wrong, what is saved, and when a change comes into use."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from PyQt6.QtCore import QObject, QTimer, pyqtBoundSignal, pyqtSignal

from app.cameras import new_cameras
from app.cameras.calibration_fit import Fit
from app.cameras.driver_forms import DriverForm
from app.cameras.history import History
from app.cameras.kept_calibration import KeptCalibration
from app.cameras.rig_checks import RigChecks
from app.cameras.rig_draft import UNSTATED, CameraDraft, RigDraft, Size
from app.studio import Studio
from configs.errors import PosestageError
from configs.loading import read_yaml
from pipeline.rigs.rig_config import RigConfig
from pipeline.rigs.rig_file import comments_lost, write_rig

log = logging.getLogger(__name__)

SaveState = Literal["empty", "new", "changed", "saved"]
Running = Literal["", "live", "recording"]

_QUIET_MS: Final = 300
"""After the last key stroke, before a change comes into use."""


class Desk(Protocol):
    """What the editor needs of ``FormDesk``."""

    forms: dict[str, DriverForm]
    described: pyqtBoundSignal
    checked: pyqtBoundSignal
    failed: pyqtBoundSignal

    def start(self) -> None:
        """Describe all drivers."""

    def shutdown(self) -> None:
        """End."""

    def check(self, key: int, driver: str, settings: Mapping[str, Any]) -> None:
        """Look at settings; ``checked`` answers."""


class RigEditor(QObject):
    """The rig of the studio as a document.

    A change that leaves a correct rig comes into use by itself; while cameras are live it waits until they
    stop, because live pictures and recordings are never interrupted by an edit.

    Attributes:
        selected: Key of the camera whose settings are shown.
        path: Of the rig's file, None while there is none.
        last_removed: Name of the camera that was removed by the last change; else empty.
    """

    changed = pyqtSignal()
    opened = pyqtSignal()
    """Another rig is being edited; ``changed`` follows."""

    def __init__(self, studio: Studio, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._desk = desk
        self.history: History[RigDraft] = History(RigDraft())
        self.selected: int | None = None
        self.path: Path | None = None
        self.last_removed = ""
        self._saved: tuple[RigDraft, str | None] = (RigDraft(), None)
        self._calibration = KeptCalibration()
        self.checks = RigChecks(desk, lambda: self.draft, self)
        self._applying = False
        self._session: QObject | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_QUIET_MS)
        self._timer.timeout.connect(self.apply)
        self.checks.answered.connect(self._hear_check)
        studio.rig_changed.connect(self._rig_changed_elsewhere)
        studio.calibration_changed.connect(self._calibration_changed_elsewhere)
        self._adopt()

    # What there is

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

    @property
    def fit(self) -> Fit:
        """How the calibration fits these cameras."""
        return self._calibration.fit(self.draft)

    @property
    def calibrated(self) -> bool:
        """Whether there is a calibration that fits."""
        return self._calibration.fits(self.draft)

    @property
    def usable(self) -> bool:
        """Whether the draft is a correct rig."""
        return not self.checks.going_on and not self.checks.why_not_usable

    # What is saved

    @property
    def save_state(self) -> SaveState:
        """How the draft stands to its file."""
        if self.path is None:
            return "new" if self.draft.cameras else "empty"
        draft, calibration = self._saved
        same = draft.same_as(self.draft) and calibration == self._calibration.to_save(self.draft)
        return "saved" if same else "changed"

    @property
    def worth_asking(self) -> bool:
        """Whether something would be lost with this draft; a simulated studio is made again in one click."""
        if self.save_state == "new":
            return any(camera.driver != "simulated" for camera in self.draft.cameras)
        return self.save_state == "changed"

    @property
    def comments_lost(self) -> int:
        """Comments of the file that saving would lose; a new calibration alone loses none."""
        if self.path is None or self._saved[0].same_as(self.draft):
            return 0
        return comments_lost(self.path)

    def save(self, path: Path | None = None) -> None:
        """Write the rig to its file or another one.

        Raises:
            PosestageError: It is not correct yet, or the file cannot be written.
        """
        if self.checks.going_on:
            raise PosestageError("The settings are still being checked; try again in a moment.")
        if self.checks.why_not_usable:
            raise PosestageError(f"The rig cannot be saved yet. {self.checks.why_not_usable}")
        target = path or self.path
        assert target is not None, "the page asks for a file first"
        calibration = self._calibration.to_save(self.draft)
        write_rig(target, self.draft.config(calibration), origin=self.path)
        self.path = target
        self._saved = (self.draft, calibration)
        self._studio.preferences.remember_rig(target)
        if not self.running:
            self.apply()
        self.changed.emit()

    # Other rigs

    def use_simulated(self, cameras: int = 4, size: Size = (640, 480), fps: float = 30.0) -> None:
        """Edit a new rig of simulated cameras."""
        from pipeline.rigs.simulated_rig import simulated_rig

        self._begin(simulated_rig(cameras, size, fps, 0), None)

    def open(self, rig: RigConfig, path: Path) -> None:
        """Edit a rig that was read from a file."""
        self._begin(rig, path)

    def new_rig(self) -> None:
        """Edit an empty rig."""
        self._load(RigDraft(), None, None)
        self.opened.emit()
        self._after_change()

    def discard(self) -> None:
        """Back to the rig that is in use."""
        self._adopt()

    def _begin(self, rig: RigConfig, path: Path | None) -> None:
        if self.running:
            # It waits like any other change; its calibration is read when it comes into use.
            self._load(RigDraft.of(rig), path, rig.calibration)
            self._calibration.forget(unread=rig.calibration)
            self.opened.emit()
            self._after_change()
            return
        try:
            self._studio.use_rig(rig, path)  # our own slot then adopts it
        except PosestageError as error:
            self._studio.say("warning", f"The rig is open, but without its calibration. {error}")

    # Changes

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
        """Add one more camera of the simulated studio."""
        try:
            draft, camera = new_cameras.with_simulated_camera(self.draft)
        except ValueError as error:
            self._studio.say("warning", str(error))
            return
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

    # Coming into use

    @property
    def running(self) -> Running:
        """What a change would interrupt."""
        return running(self._studio)

    @property
    def pending(self) -> bool:
        """Whether the draft differs from the rig in use."""
        rig = self._studio.rig
        if rig is None:
            return bool(self.draft.cameras)
        return not RigDraft.of(rig).same_as(self.draft) or self._studio.rig_path != self.path

    def stop_and_apply(self) -> None:
        """Stop the live pictures, then use these cameras; never while something is recorded."""
        if self.running == "recording":
            self._studio.say("warning", "A take is being recorded. Stop the recording first.")
        elif self.running:
            self._watch_session()
            self._studio.session.stop()
        else:
            self.apply()

    def apply(self) -> None:
        """Use these cameras if they are a correct rig and nothing is running."""
        self._timer.stop()
        self._watch_session()
        if self._applying or self.running or not self.pending:
            return
        if not self.draft.cameras:
            self._put_into_use(None)
        elif self.usable:
            self._put_into_use(self.draft.config(self._calibration.to_save(self.draft)))

    def _put_into_use(self, rig: RigConfig | None) -> None:
        with self._ourselves():
            kept = self._calibration
            if rig is not None and kept.unread is not None and kept.rig is None:
                try:
                    self._studio.use_rig(rig.model_copy(update={"calibration": kept.unread}), self.path)
                except PosestageError as error:
                    self._studio.say("warning", f"The rig is in use, but without its calibration. {error}")
                kept.take(self._studio, self.draft)
            elif rig is not None and kept.rig is not None and kept.fits(self.draft):
                self._studio.change_rig(rig, self.path, kept.rig.subset(rig.names), kept.path)
            else:
                self._studio.change_rig(rig, self.path, None, None)
        self.changed.emit()

    # Inside

    def _do(self, draft: RigDraft, text: str, merge: object = None, removed: str = "") -> None:
        self.history.do(draft, text, merge)
        self.last_removed = removed
        self._after_change()

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
        self._after_change()

    def _after_change(self) -> None:
        self.checks.look()
        self._timer.start()
        self.changed.emit()

    def _hear_check(self) -> None:
        if not self.checks.going_on and self.pending:
            self._timer.start()
        self.changed.emit()

    def _adopt(self) -> None:
        """Edit the rig that the studio uses."""
        rig = self._studio.rig
        draft = RigDraft.of(rig) if rig is not None else RigDraft()
        self._load(draft, self._studio.rig_path, rig.calibration if rig is not None else None)
        self._calibration.take(self._studio, draft)
        if rig is not None and self._calibration.rig is None:
            self._calibration.unread = rig.calibration
        self.opened.emit()
        self._after_change()

    def _load(self, draft: RigDraft, path: Path | None, calibration: str | None) -> None:
        self.history = History(draft)
        self.selected = draft.cameras[0].key if draft.cameras else None
        self.path = path
        self.last_removed = ""
        self._saved = (draft, calibration)
        self._calibration.forget()
        self.checks.start_afresh()

    def _rig_changed_elsewhere(self) -> None:
        if not self._applying:
            self._adopt()

    def _calibration_changed_elsewhere(self) -> None:
        if not self._applying:
            self._calibration.take(self._studio, self.draft)
            self._notice_what_was_written()
            self.changed.emit()

    def _notice_what_was_written(self) -> None:
        """The wizard writes a new calibration into the rig's file by itself; then nothing is left to save."""
        rig, calibration = self._studio.rig, self._calibration.to_save(self.draft)
        if self.path is None or rig is None or calibration is None:
            return
        try:
            noted = read_yaml(self.path).get("calibration")
        except PosestageError:
            return
        if isinstance(noted, str) and (self.path.parent / noted).resolve() == Path(calibration).resolve():
            self._saved = (RigDraft.of(rig), calibration)

    def _watch_session(self) -> None:
        """Hear when the live pictures stop."""
        if self._session is None and self._studio.has_session:
            session = self._studio.session
            session.state_changed.connect(self._session_changed)
            session.recording_changed.connect(self._session_changed)
            self._session = session

    def _session_changed(self, _: object) -> None:
        if not self.running and self.pending:
            self._timer.start()
        self.changed.emit()

    @contextmanager
    def _ourselves(self) -> Iterator[None]:
        self._applying = True
        try:
            yield
        finally:
            self._applying = False


def running(studio: Studio) -> Running:
    """What a change of cameras would interrupt."""
    if not studio.has_session:
        return ""
    if studio.session.recording:
        return "recording"
    return "" if studio.session.state in {"off", "failed"} else "live"


def _stated(camera: CameraDraft, path: Sequence[str]) -> Any:
    try:
        return camera.setting(path)
    except KeyError:
        return UNSTATED
