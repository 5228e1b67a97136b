"""What a calibration does that takes long: filming, searching, solving, saving. One thing at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from app.background_job import BackgroundJob
from app.calibrate import jobs
from app.calibrate.filming import Filming
from pipeline.calibrating.host import FilmTask, Wish
from pipeline.calibrating.outcome import CalibrationFailure


class Work(QObject):
    """Runs it elsewhere and tells. What was called off is not heard any more."""

    state = pyqtSignal(object)
    """Collecting is here: a CalibrationState, live or searched."""
    said = pyqtSignal(str)
    """Something happened to a camera."""
    collected = pyqtSignal(str)
    """Filming has ended, why, and the solve begins."""
    outcome = pyqtSignal(object)
    failed = pyqtSignal(object)
    """A CalibrationFailure, of filming, searching or solving."""
    saved = pyqtSignal(object)
    drawn = pyqtSignal(object)
    trouble = pyqtSignal(str)
    """Saving or drawing did not work, and why."""
    progress = pyqtSignal(float, str)
    changed = pyqtSignal()
    """Something began or ended."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._filming: Filming | None = None
        self._ending: Filming | None = None
        self._job: BackgroundJob | None = None
        self._jobs: list[BackgroundJob] = []

    @property
    def filming(self) -> bool:
        """Whether cameras are held."""
        return any(one is not None and one.running for one in (self._filming, self._ending))

    @property
    def busy(self) -> bool:
        """Whether something runs."""
        return self.filming or self._job is not None

    def when_free(self, go_on: Callable[[], None]) -> None:
        """Go on as soon as the cameras of what was called off are free: now, or then."""
        if self._ending is not None and self._ending.running:
            self._ending.ended.connect(go_on)
        else:
            go_on()

    def film(self, task: FilmTask) -> None:
        """Collect live, then solve."""
        assert self._filming is None
        self._filming = filming = Filming(task, self)

        def if_present(hear: Callable[..., None]) -> Callable[..., None]:
            def pass_on(*words: Any) -> None:
                if filming is self._filming:
                    hear(*words)

            return pass_on

        filming.state.connect(if_present(self.state.emit))
        filming.said.connect(if_present(self.said.emit))
        filming.solving.connect(if_present(self.collected.emit))
        filming.done.connect(if_present(self._finish_filming(self.outcome.emit)))
        filming.failed.connect(if_present(self._finish_filming(self.failed.emit)))
        filming.ended.connect(self.changed)
        filming.start()
        self.changed.emit()

    def wish(self, word: Wish) -> None:
        """Tell the session that films."""
        if self._filming is not None:
            self._filming.wish(word)

    def search(self, *words: Any) -> None:
        """Find the board in recordings, see ``calibrating.from_footage.search_footage``."""
        self._start(BackgroundJob(jobs.search, *words), self.state.emit, self._job_failed)

    def solve(self, *words: Any) -> None:
        """Solve kept views, see ``calibrating.from_footage.solve_views``."""
        self._start(BackgroundJob(jobs.solve, *words), self.outcome.emit, self._job_failed)

    def forget(self, go_on: Callable[[], None], *words: Any) -> None:
        """Take views out of those that are kept, see ``calibrating.files.forget_views``; then go on."""
        self._start(BackgroundJob(jobs.forget, *words), lambda _: go_on(), self.trouble.emit)

    def save(self, *words: Any) -> None:
        """Save, see ``calibrating.saving.save_outcome``."""
        self._start(BackgroundJob(jobs.save, *words), self.saved.emit, self.trouble.emit)

    def draw(self, *words: Any) -> None:
        """Draw the report, see ``calibrating.saving.draw_report``."""
        self._start(BackgroundJob(jobs.report, *words), self.drawn.emit, self.trouble.emit)

    def stop(self) -> None:
        """Call off what runs; cameras are free a moment later, see ``when_free``."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        if self._filming is not None:
            if self._filming.running:
                self._filming.cancel()
                self._ending = self._filming
            self._filming = None
        self.changed.emit()

    def shutdown(self) -> None:
        """Call off what runs and wait for it, when the window closes."""
        for filming in (self._filming, self._ending):
            if filming is not None:
                filming.shutdown()
        for job in list(self._jobs):
            job.cancel()
        for job in list(self._jobs):
            job.wait()

    def _finish_filming(self, tell: Callable[[object], None]) -> Callable[[object], None]:
        def finish(content: object) -> None:
            # Its process ends a moment later; whoever films next waits for that.
            self._ending, self._filming = self._filming, None
            tell(content)

        return finish

    def _start(self, job: BackgroundJob, done: Callable[[Any], None], failed: Callable[[str], None]) -> None:
        if self._job is not None:
            self._job.cancel()
        self._job = job
        self._jobs.append(job)

        def progressed(share: float, what: str) -> None:
            if job is self._job:
                self.progress.emit(share, what)

        def finished(content: Any) -> None:
            if job is self._job:
                self._job = None
                if isinstance(content, CalibrationFailure):
                    self.failed.emit(content)
                else:
                    done(content)

        def did_not(sentence: str) -> None:
            if job is self._job:
                self._job = None
                failed(sentence)

        def ended() -> None:
            self._jobs.remove(job)
            self.changed.emit()

        job.progress.connect(progressed)
        job.done.connect(finished)
        job.failed.connect(did_not)
        job.ended.connect(ended)
        job.start()
        self.changed.emit()

    def _job_failed(self, sentence: str) -> None:
        self.failed.emit(CalibrationFailure(sentence, False))
