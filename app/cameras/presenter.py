"""What the cameras page shows and does, without a window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from PyQt6.QtCore import QObject, pyqtSignal

from app.background_job import BackgroundJob, Report
from app.cameras import new_cameras, words
from app.cameras.camera_trials import SECONDS, CameraTrials, Trial
from app.cameras.desk import Desk
from app.cameras.device_search import DeviceSearch, look_for_devices
from app.cameras.form_desk import FormDesk
from app.cameras.rig_draft import CameraDraft, Size
from app.cameras.rig_editor import RigEditor
from app.cameras.rig_reading import ReadRig, read_rig
from app.studio import Studio
from configs.errors import PosestageError
from pipeline.drivers.device_info import DeviceInfo
from pipeline.rigs.rig_config import CameraConfig

Action = Literal["", "undo", "stop_and_apply", "discard", "calibrate"]
Level = Literal["", "good", "warning", "bad", "busy"]

_USUAL_RATES: Final = (120.0, 60.0, 50.0, 30.0, 25.0, 15.0)
_TRIAL_LEVELS: Final[dict[str, Level]] = {"running": "busy", "good": "good", "slow": "warning", "bad": "bad"}


@dataclass(frozen=True)
class Notice:
    """A sentence above the page, with what can be done about it.

    Attributes:
        level: info, warning or bad.
        text: The sentence.
        actions: (what is done, words on the button); "" as action: a button that cannot be pressed yet.
    """

    level: Literal["info", "warning", "bad"]
    text: str
    actions: tuple[tuple[Action, str], ...] = ()


@dataclass(frozen=True)
class CameraMark:
    """How a camera of the list is doing: a level and what it means."""

    level: Level
    words: str


class CamerasPresenter(QObject):
    """Joins editor, device search and tests.

    Args:
        studio: What the pages share.
        look: What finds devices, in a process.
        desk: Who knows the drivers' settings.
        parent: Its owner.
    """

    changed = pyqtSignal()
    opening_changed = pyqtSignal()

    def __init__(
        self,
        studio: Studio,
        look: Callable[[Report], list[DeviceInfo]] = look_for_devices,
        desk: Desk | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.studio = studio
        self.desk: Desk = desk or FormDesk(self)
        self.editor = RigEditor(studio, self.desk, self)
        self.search = DeviceSearch(look, self)
        self.trials = CameraTrials(self)
        self._tested: dict[int, CameraConfig] = {}
        self._opening: BackgroundJob | None = None
        self.desk.described.connect(self.changed)
        self.desk.failed.connect(lambda text: studio.say("bad", text))
        self.editor.changed.connect(self._edited)
        self.search.changed.connect(self.changed)
        self.trials.changed.connect(lambda _: self.changed.emit())

    @property
    def home(self) -> Path:
        """Where file dialogs begin when the rig has no file."""
        return Path.home()

    # Words

    @property
    def file_words(self) -> str:
        """How the rig stands to its file."""
        path, state = self.editor.file.path, self.editor.file.state
        if state == "empty":
            return ""
        if path is None:
            return "Not saved yet"
        return f"Saved in {path}" if state == "saved" else f"Unsaved changes; file {path}"

    def mark(self, camera: CameraDraft) -> CameraMark:
        """How a camera is doing: what is wrong with its settings, else what its test says."""
        problems = self.editor.checks.problems_of(camera.key)
        if problems:
            return CameraMark("bad", problems[0])
        trial = self.trials.trials.get(camera.key)
        if trial is None:
            return CameraMark("", "")
        return CameraMark(_TRIAL_LEVELS.get(trial.verdict, ""), trial.words)

    @property
    def notices(self) -> list[Notice]:
        """What must be known now, most urgent first."""
        found = []
        editor, checks = self.editor, self.editor.checks
        if editor.use.running and editor.use.pending:
            found.append(self._waiting_notice())
        elif editor.use.pending and not checks.going_on and editor.draft.cameras and checks.why_not_usable:
            text = f"These cameras come into use once they are complete. {checks.why_not_usable}"
            found.append(Notice("info", text))
        if editor.last_removed:
            found.append(Notice("info", f"{editor.last_removed} was removed.", (("undo", "&Undo"),)))
        if words_ := editor.fit.words:
            found.append(Notice("warning", words_, (("calibrate", "&Calibrate …"),)))
        return found

    def _waiting_notice(self) -> Notice:
        if self.editor.use.running == "recording":
            return Notice(
                "warning",
                "A take is being recorded with the cameras as they were. These changes wait until live "
                "stops, and the recording goes on undisturbed.",
                (("discard", "&Discard changes"),),
            )
        if self.editor.checks.going_on:
            text = "The Live page still shows the cameras as they were; these changes are being checked."
            return Notice("warning", text, (("discard", "&Discard changes"),))
        if not self.editor.checks.usable:
            text = "The Live page still shows the cameras as they were; these changes are not complete yet."
            return Notice("warning", text, (("discard", "&Discard changes"),))
        return Notice(
            "warning",
            "The Live page still shows the cameras as they were. Stop it to use these changes.",
            (("stop_and_apply", "Stop &live and use them"), ("discard", "&Discard changes")),
        )

    def act(self, action: Action) -> None:
        """Do what a notice offers."""
        if action == "undo":
            self.editor.undo()
        elif action == "stop_and_apply":
            self.editor.use.stop_and_apply()
        elif action == "discard":
            self.editor.discard()
        elif action == "calibrate":
            self.go_calibrate()

    def go_calibrate(self) -> None:
        """On to the wizard, with these cameras."""
        self.editor.use.apply()
        self.studio.go_to.emit("calibrate")

    @property
    def calibration_words(self) -> str:
        """Whether the cameras are calibrated."""
        if not self.editor.draft.cameras:
            return ""
        return "Calibrated" if self.editor.calibrated else "Not calibrated"

    # Modes

    def sizes(self, camera: CameraDraft) -> Sequence[Size]:
        """What to offer as sizes."""
        device = self.search.device_of(camera)
        if device is not None and device.modes:
            return words.sizes_of(device, str(camera.settings.get("pixel_format", "auto")))
        form = self.editor.form(camera.driver)
        from_file = form is not None and form.field(("path",)) is not None
        return () if from_file or camera.driver in {"rtsp", "remote"} else new_cameras.common_sizes()

    def rates(self, camera: CameraDraft) -> Sequence[float]:
        """What to offer as rates."""
        device = self.search.device_of(camera)
        if device is not None and device.modes:
            found = words.rates_of(device, camera.size, str(camera.settings.get("pixel_format", "auto")))
            if found:
                return found
        return () if camera.driver in {"rtsp", "video_file", "remote"} else _USUAL_RATES

    def mode_help(self, camera: CameraDraft) -> str:
        """A word about the sizes that are offered."""
        if camera.driver == "simulated":
            return "All simulated cameras share one size."
        if camera.driver == "usb":
            device = self.search.device_of(camera)
            if device is None and self.search.found is not None:
                return "This camera is not connected now, so its sizes are not known."
            if device is not None and device.modes:
                return "As the camera lists them."
        return ""

    # Devices

    def offers(self, driver: str) -> dict[tuple[str, ...], Callable[[], list[tuple[str, str]]]]:
        """Settings that can be chosen among what was found, by their path of keys."""
        return {("device",): self._found_devices} if driver == "usb" else {}

    def _found_devices(self) -> list[tuple[str, str]]:
        return [
            (f"{device.name}  ({device.stable_id})", device.stable_id) for device in self.search.found or ()
        ]

    @property
    def used_by(self) -> list[str]:
        """For each device that was found, the camera of the rig that it is."""
        names = {}
        for camera in self.editor.draft.cameras:
            device = self.search.device_of(camera)
            if device is not None:
                names[device.path] = camera.name
        return [names.get(device.path, "") for device in self.search.found or ()]

    def add_device(self, device: DeviceInfo) -> None:
        """Put a found camera into the rig."""
        self.editor.add([new_cameras.usb_camera(self.editor.draft, device)])

    def add_stream(self, address: str) -> None:
        """Put a network camera into the rig."""
        self.editor.add([new_cameras.stream_camera(self.editor.draft, address)])

    def add_videos(self, paths: Sequence[Path]) -> None:
        """One camera for each video."""
        self.editor.add(new_cameras.file_cameras(self.editor.draft, "video_file", paths))

    def add_images(self, folder: Path) -> None:
        """One camera for a folder of images, or for each folder of images in it."""
        suffixes = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
        try:
            folders = new_cameras.folders_of_images(folder, suffixes)
        except OSError as error:
            self.studio.say("warning", f"{folder} cannot be read: {error.strerror}.")
            return
        self.editor.add(new_cameras.file_cameras(self.editor.draft, "image_folder", folders))

    def add_driver(self, driver: str) -> None:
        """A camera of any driver; what must be stated is then marked in the form."""
        if driver != new_cameras.SIMULATED:
            self.editor.add([new_cameras.plain_camera(self.editor.draft, driver)])
            return
        try:
            self.editor.add_simulated()
        except ValueError as error:
            self.studio.say("warning", str(error))

    # Tests

    @property
    def why_no_test(self) -> str:
        """Why cameras cannot be tested now; empty: they can."""
        if self.editor.use.running:
            return "The cameras are live; the Live page shows what each delivers. Stop live to test here."
        return ""

    def trial(self, key: int | None) -> Trial | None:
        """The test of a camera."""
        return self.trials.trials.get(key) if key is not None else None

    def test(self, key: int, seconds: float = SECONDS) -> None:
        """Test one camera."""
        camera = self.editor.draft.camera(key)
        if camera is not None and not self.why_no_test:
            self._test([camera], seconds)

    def test_all(self, seconds: float = SECONDS) -> None:
        """Test all cameras at the same time, as they will be used."""
        if not self.why_no_test:
            self._test(self.editor.draft.cameras, seconds)

    def _test(self, cameras: Sequence[CameraDraft], seconds: float) -> None:
        ready = [one for one in cameras if not self.editor.checks.problems_of(one.key)]
        if len(ready) < len(cameras):
            wrong = ", ".join(one.name for one in cameras if one not in ready)
            self.studio.say("warning", f"Not tested: {wrong}. Correct the settings first.")
        for camera in ready:
            self._tested[camera.key] = camera.config()
        self.trials.start([(one.key, self._tested[one.key]) for one in ready], seconds)

    def _edited(self) -> None:
        for key in list(self.trials.trials):
            camera = self.editor.draft.camera(key)
            if camera is None or not _same_device(camera, self._tested.get(key)):
                self.trials.forget(key)
        self.changed.emit()

    # Files

    @property
    def opening(self) -> bool:
        """Whether a file is being read."""
        return self._opening is not None

    def open(self, path: Path) -> None:
        """Read a rig file and edit it."""
        if self._opening is not None:
            return
        job = self._opening = BackgroundJob(read_rig, path.absolute(), parent=self)
        job.done.connect(self._opened)
        job.failed.connect(lambda text: self.studio.say("bad", f"The rig cannot be opened. {text}"))
        job.ended.connect(self._opening_ended)
        job.start()
        self.opening_changed.emit()

    def save(self, path: Path | None = None) -> bool:
        """Write the rig; whether that worked, which is said."""
        try:
            self.editor.save(path)
        except PosestageError as error:
            self.studio.say("bad", str(error))
            return False
        self.studio.say("good", f"Saved in {self.editor.file.path}.")
        return True

    def shutdown(self) -> None:
        """End all processes and threads."""
        self.editor.use.apply()
        if self._opening is not None:
            self._opening.cancel()
            self._opening.wait()
        self.trials.shutdown()
        self.search.shutdown()
        self.desk.shutdown()

    def _opened(self, read: ReadRig) -> None:
        self.editor.open(read.rig, read.path)
        if read.note:
            self.studio.say("warning", read.note)

    def _opening_ended(self) -> None:
        self._opening = None
        self.opening_changed.emit()


def _same_device(camera: CameraDraft, tested: CameraConfig | None) -> bool:
    """Whether a test of ``tested`` still says something about the camera; its name does not matter."""
    if tested is None or isinstance(camera.size, str) or isinstance(camera.fps, str):
        return False
    stated = {"type": camera.driver, **camera.settings}
    if camera.driver == new_cameras.SIMULATED:
        stated.setdefault("camera", camera.name)
        before = {**tested.driver}
        before.setdefault("camera", tested.name)
    else:
        before = tested.driver
    return (stated, camera.size, camera.fps) == (before, tested.size, tested.fps)
