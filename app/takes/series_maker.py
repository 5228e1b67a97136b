"""Graphs of the take that is played, computed in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from app.takes.series import Quantity, Series, joint_series
from app.takes.take_data import TakeData
from app.takes.thread_job import ThreadJob, ThreadJobs


class SeriesMaker(QObject):
    """Computes what was wished for last; wishes that are overtaken are left out.

    Args:
        threads: Where work goes on.
        parent: Owner.
    """

    ready = pyqtSignal(object)
    """Dict of quantity to list of ``Series``, for the last ``want``."""
    failed = pyqtSignal(str)

    def __init__(self, threads: ThreadJobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._threads = threads
        self._data: TakeData | None = None
        self._wanted: tuple[Any, ...] | None = None
        self._job: ThreadJob | None = None

    def begin(self, data: TakeData | None) -> None:
        """Those of another take, or of none; nothing is wished for yet."""
        self._data, self._wanted = data, None

    def want(
        self, person: int, joints: Sequence[str], quantities: Sequence[Quantity], *, smoothed: bool
    ) -> None:
        """Have graphs computed; ``ready`` follows with the newest wish."""
        self._wanted = (person, tuple(joints), tuple(quantities), smoothed)
        self._compute()

    def _compute(self) -> None:
        data, wanted = self._data, self._wanted
        if self._job is not None or data is None or wanted is None:
            return
        person, joints, quantities, smoothed = wanted

        def compute() -> dict[Quantity, list[Series]]:
            return {
                quantity: [joint_series(data, person, joint, quantity, smoothed=smoothed) for joint in joints]
                for quantity in quantities
            }

        def computed(result: object) -> None:
            self._job = None
            if self._data is data and wanted == self._wanted:
                self.ready.emit(result)
            else:
                self._compute()

        def failed(sentence: str) -> None:
            self._job = None
            self.failed.emit(sentence)

        self._job = self._threads.run(compute, computed, failed)
