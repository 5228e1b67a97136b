"""What becomes of takes after recording: a summary, pictures and report in the background, or a repair."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from PyQt6.QtCore import QObject, pyqtSignal

from app.background_job import BackgroundJob
from app.live.jobs import finish_recording, repair
from app.studio import Studio
from pipeline.session.current_take import RecordingSummary

Kind = Literal["nothing", "closed", "lost", "repairing", "repaired"]


class TakePresenter(QObject):
    """What the card of the last take shows is read from here after every ``changed``.

    Attributes:
        kind: What there is to tell.
        folder: The take.
        words: Summary, or what happened.
        level: Of the words.
        progress: Share of pictures and report that is done, below 0 while unknown, and what is being done;
            None when nothing is being done.
        note: How that ended.
        marks: Asked for the number of marks when a take closes.
    """

    changed = pyqtSignal()

    def __init__(
        self,
        studio: Studio,
        make_job: Callable[..., BackgroundJob] = BackgroundJob,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._make_job = make_job
        self._waiting: deque[tuple[Path, int]] = deque()
        self._job: BackgroundJob | None = None
        self._origins: dict[Path, int] = {}
        self.kind: Kind = "nothing"
        self.folder = Path()
        self.words = ""
        self.level = "quiet"
        self.progress: tuple[float, str] | None = None
        self.note = ""
        self.elapsed_s: Callable[[], float] = lambda: 0.0
        session = studio.session
        session.take_closed.connect(self._hear_closed)
        session.recording_lost.connect(self._hear_lost)

    @property
    def busy(self) -> bool:
        """Whether something is being made in the background."""
        return self._job is not None

    def open_take(self) -> None:
        """Show it on the page of takes."""
        self._studio.take_to_show = self.folder
        self._studio.go_to.emit("takes")

    def repair(self) -> None:
        """Make a take complete again that has lost its recorder."""
        if self.kind != "lost":
            return
        self.kind = "repairing"
        folder = self.folder
        job = self._run(repair, folder)
        job.done.connect(lambda missing: self._repaired(folder, missing))
        job.failed.connect(lambda why: self._not_repaired(folder, why))
        job.cancelled.connect(lambda: self._not_repaired(folder, "The repair was called off."))
        job.start()
        self.changed.emit()

    def shutdown(self) -> None:
        """Call background work off; takes themselves are complete already."""
        self._waiting.clear()
        job = self._job
        if job is not None:
            job.cancel()
            job.wait()

    def _hear_closed(self, summary: RecordingSummary) -> None:
        self._tell(summary.folder, "closed", *summary_words(summary))
        self._waiting.append((summary.folder, self._studio.session.origin_ns))
        self._studio.takes_changed.emit()
        self._finish_next()

    def _hear_lost(self, folder: Path, reason: str) -> None:
        what = reason.partition(": ")[2].partition(";")[0] or reason
        words = (
            f"The recorder {what}. What was recorded until then is on the disk; the take has to be repaired "
            "before it can be opened. You can record the next one at once."
        )
        self._origins[folder] = self._studio.session.origin_ns
        self._tell(folder, "lost", words, "bad")
        self._studio.takes_changed.emit()
        self._studio.say("bad", f"Recording {folder.name} stopped: the recorder {what}.")

    def _tell(self, folder: Path, kind: Kind, words: str, level: str) -> None:
        self.folder, self.kind, self.words, self.level, self.note = folder, kind, words, level, ""
        self.changed.emit()

    def _run(self, work: Callable[..., object], *args: object) -> BackgroundJob:
        job = self._job = self._make_job(work, *args)
        self.progress = (-1.0, "")
        job.progress.connect(self._hear_progress)
        return job

    def _hear_progress(self, share: float, what: str) -> None:
        self.progress = (share, what)
        self.changed.emit()

    def _finish_next(self) -> None:
        if self._job is not None or not self._waiting:
            return
        folder, origin_ns = self._waiting.popleft()
        job = self._run(finish_recording, folder, origin_ns)
        job.done.connect(lambda result: self._finished(folder, result))
        job.failed.connect(lambda why: self._ended(folder, f"No preview and report: {why}"))
        job.cancelled.connect(lambda: self._ended(folder, "Preview and report were called off."))
        job.start()
        self.changed.emit()

    def _finished(self, folder: Path, result: dict[str, Any]) -> None:
        error = result.get("mpjpe_mm")
        note = "Preview and report are ready."
        if error is not None:
            note += f" Mean joint error {error:.0f} mm against the studio's truth."
        self._ended(folder, note)

    def _ended(self, folder: Path, note: str) -> None:
        self._job = self.progress = None
        if folder == self.folder:
            self.note = note
        self._studio.takes_changed.emit()
        self.changed.emit()
        self._finish_next()

    def _repaired(self, folder: Path, missing: tuple[str, ...]) -> None:
        self._job = self.progress = None
        self.kind, self.level = "repaired", "good"
        if missing:
            self.words = "Repaired. Not saved: " + "; ".join(missing) + "."
        else:
            self.words = "Repaired. Nothing is missing."
        self._waiting.append((folder, self._origins.pop(folder, 0)))
        self._studio.takes_changed.emit()
        self.changed.emit()
        self._finish_next()

    def _not_repaired(self, folder: Path, why: str) -> None:
        self._job = self.progress = None
        if folder == self.folder:
            self.kind, self.words, self.level = "lost", why, "bad"
        self.changed.emit()
        self._finish_next()


def summary_words(summary: RecordingSummary) -> tuple[str, str]:
    """What a closed take holds, and the level: frames that were lost are a warning."""
    totals = summary.totals.values()
    recorded = sum(total["recorded"] for total in totals)
    dropped: dict[str, int] = {}
    for total in totals:
        for cause, count in total["dropped"].items():
            dropped[cause] = dropped.get(cause, 0) + count
    cameras = len(summary.totals)
    words = f"{recorded} frames from {cameras} camera{'s' if cameras != 1 else ''}, {summary.poses} poses."
    if not dropped:
        return f"{words} Nothing lost.", "good"
    from app.live.health import CAUSES

    lost = ", ".join(f"{count} {CAUSES.get(cause, cause)}" for cause, count in sorted(dropped.items()))
    return f"{words} Missing: {lost}.", "warning"
