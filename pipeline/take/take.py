"""A recording on disk, to be read."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from configs.arrays_file import read_arrays
from configs.errors import bad_input, did_you_mean
from pipeline.frames.frame import Image
from pipeline.take.errors import InterruptedTakeError
from pipeline.take.events import Event, read_events
from pipeline.take.header import TakeHeader, read_header
from pipeline.take.ledger import Ledger, read_ledger
from pipeline.take.poses_file import Poses, read_poses
from pipeline.take.video_file import RecordedVideo
from pipeline.take.writer import EVENTS, LEDGER, POSES_FILE, POSES_LOG, VIDEOS

TRUTH_FILE = "truth.npz"


@dataclass(frozen=True)
class Truth:
    """Where the joints really were, for takes of the simulated studio.

    Attributes:
        skeleton: Name of the skeleton.
        times_ns: (T,) monotonic ns.
        joints: (T, P, J, 3) mm in world.
    """

    skeleton: str
    times_ns: NDArray[np.int64]
    joints: NDArray[np.float64]


class Take:
    """Read access to one take, complete or not."""

    def __init__(self, folder: Path, header: TakeHeader) -> None:
        self.folder = folder
        self.header = header

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a take's folder.

        Raises:
            BadInputError: The folder is no take, or its ``take.yaml`` is damaged.
        """
        return cls(folder, read_header(folder))

    @property
    def cameras(self) -> tuple[str, ...]:
        """Camera names in rig order."""
        return self.header.cameras

    @property
    def calibration(self) -> Rig | None:
        """Geometry when the take was recorded, None when uncalibrated."""
        return self.header.calibration

    def ledger(self, camera: str) -> Ledger:
        """Every captured frame of a camera; ``problem`` says where the file is damaged.

        Raises:
            BadInputError: The take has no such camera, or its ledger is missing.
        """
        path = self.folder / LEDGER / f"{self._known(camera)}.csv"
        try:
            return read_ledger(path, self.header.totals.get(camera))
        except FileNotFoundError as error:
            raise bad_input("no such file; the take is damaged", file=path) from error

    def video_path(self, camera: str) -> Path | None:
        """The camera's video, or None when it never delivered a picture."""
        path = self.folder / VIDEOS / f"{self._known(camera)}.mkv"
        return path if path.is_file() and path.stat().st_size > 0 else None

    def frames(self, camera: str, rows: Container[int] | None = None) -> Iterator[tuple[int, int, Image]]:
        """Recorded pictures in order of capture.

        Args:
            camera: Which camera.
            rows: Which recorded frames to decode, counted from 0 over ``ledger(camera).recorded``; None for
                all.

        Yields:
            Frame index, capture time (ns), (H, W, 3) BGR picture.

        Raises:
            BadInputError: The take has no such camera.
            TakeError: The video cannot be read.
        """
        recorded = self.ledger(camera).recorded
        for row, image in self.pictures(camera, rows):
            yield recorded[row].index, recorded[row].t_capture_ns, image

    def pictures(self, camera: str, rows: Container[int] | None = None) -> Iterator[tuple[int, Image]]:
        """Like ``frames``, but with each picture's place in ``ledger(camera).recorded``."""
        path = self.video_path(camera)
        if path is None:
            return
        video = RecordedVideo(path)
        capture_ns = [row.t_capture_ns for row in self.ledger(camera).recorded]
        row_of = video.rows(capture_ns, self.header.origin_ns)
        wanted = None
        if rows is not None:
            wanted = {place for place, row in enumerate(row_of) if row >= 0 and int(row) in rows}
        for place, image in video.pictures(wanted):
            if row_of[place] >= 0:
                yield int(row_of[place]), image

    def poses(self) -> Poses | None:
        """All poses, or None when none were made.

        Raises:
            InterruptedTakeError: The take was interrupted and not repaired yet.
        """
        path = self.folder / POSES_FILE
        if path.is_file():
            return read_poses(path)
        if (self.folder / POSES_LOG).is_file():
            raise InterruptedTakeError(f"{self.folder}: was interrupted; run: launch.py repair {self.folder}")
        return None

    def events(self) -> list[Event]:
        """Everything that happened, in order; lines after a damaged one are left out."""
        path = self.folder / EVENTS
        return read_events(path)[0] if path.is_file() else []

    def truth(self) -> Truth | None:
        """The simulated studio's truth, or None when the take has none.

        Raises:
            BadInputError: ``truth.npz`` is damaged.
        """
        path = self.folder / TRUTH_FILE
        if not path.is_file():
            return None
        data = read_arrays(path, ("skeleton", "times_ns", "joints"))
        truth = Truth(str(data["skeleton"]), data["times_ns"], data["joints"])
        shape = (*truth.times_ns.shape[:1], *truth.joints.shape[1:3], 3)
        if truth.times_ns.ndim != 1 or truth.joints.shape != shape or truth.joints.dtype.kind != "f":
            raise bad_input("joints must be (T, P, J, 3) with one time each", file=path)
        return truth

    def _known(self, camera: str) -> str:
        if camera not in self.cameras:
            raise bad_input(
                "the take has no such camera",
                file=self.folder,
                value=camera,
                allowed=", ".join(self.cameras),
                hint=did_you_mean(camera, self.cameras),
            )
        return camera
