"""Writes a take while it is filmed; what is on disk is valid at any moment."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from configs.errors import bad_input
from models.pose_frame import PoseFrame
from pipeline.frames.frame import EncodedPacket, VideoFormat
from pipeline.take.errors import DiskFullError, TakeError, is_disk_full
from pipeline.take.events import Event, EventsWriter
from pipeline.take.header import TAKE_FILE, State, TakeHeader, read_header, write_header
from pipeline.take.ledger import Fate, LedgerRow, LedgerTotals, LedgerWriter
from pipeline.take.lock import TakeLock
from pipeline.take.lost_pictures import settle_ledger
from pipeline.take.matroska import seal
from pipeline.take.one_camera import OneCameraWatch, one_camera_summary
from pipeline.take.poses_file import write_poses
from pipeline.take.poses_log import PosesLog, PosesLogWriter
from pipeline.take.streams_log import StreamsLog, StreamStart, read_streams
from pipeline.take.video_writer import VideoWriter

_log = logging.getLogger(__name__)

VIDEOS, LEDGER, EVENTS = "videos", "ledger", "events.jsonl"
POSES_LOG, POSES_FILE = "poses.log", "poses.npz"
STREAMS_LOG = "streams.jsonl"


@dataclass(frozen=True)
class TakeSummary:
    """What a closed take holds.

    Attributes:
        folder: The take.
        totals: Ledger totals by camera.
        poses: Number of instants with poses (people or not).
        events: Number of events.
    """

    folder: Path
    totals: dict[str, LedgerTotals]
    poses: int
    events: int


@dataclass(frozen=True)
class ResumedCamera:
    """What a take held of a camera when its recording went on.

    Attributes:
        totals: Of its ledger.
        last_ns: Capture time of the last frame in the ledger, 0 when there was none.
        starts: How often it began to deliver, and how its frames are numbered since.
    """

    totals: LedgerTotals
    last_ns: int
    starts: tuple[StreamStart, ...]


class _File(Protocol):
    def fsync(self) -> None: ...
    def close(self) -> None: ...


class TakeWriter:
    """One take being recorded. Used by one thread; a context manager that closes.

    When its body fails before a single frame was written, the take is removed.

    When the disk fills up, the first failing call closes every file where it is still valid and raises
    DiskFullError; each further call raises it again, and ``close`` may still be called.
    """

    def __init__(self, folder: Path, header: TakeHeader, *, resumed: bool = False) -> None:
        self.folder = folder
        self.header = header
        self._lock = TakeLock(folder)
        self._videos: dict[str, VideoWriter] = {}
        self._ledgers: dict[str, LedgerWriter] = {}
        self.resumed: dict[str, ResumedCamera] = {}
        """What was there of each camera, when this went on with a take."""
        self._starts: dict[str, StreamStart] = {}
        starts = read_streams(folder / STREAMS_LOG)
        for camera in header.cameras:
            path = folder / LEDGER / f"{camera}.csv"
            if resumed:
                self._ledgers[camera], ledger = LedgerWriter.resume(path)
                last_ns = ledger.rows[-1].t_capture_ns if ledger.rows else 0
                own = tuple(start for start in starts if start.camera == camera)
                self.resumed[camera] = ResumedCamera(ledger.totals, last_ns, own)
            else:
                self._ledgers[camera] = LedgerWriter(path)
        poses, events = folder / POSES_LOG, folder / EVENTS
        self._poses = PosesLogWriter.resume(poses) if resumed else PosesLogWriter(poses)
        self._events = EventsWriter.resume(events) if resumed else EventsWriter(events)
        self._streams = StreamsLog(folder / STREAMS_LOG)
        self._alone = OneCameraWatch()
        self._failure: TakeError | None = None
        self._summary: TakeSummary | None = None
        # Waiting for a disk must not hold up the frames: one thread does it.
        self._syncer = ThreadPoolExecutor(1, thread_name_prefix="take-sync")
        self._syncing: Future[None] | None = None

    @classmethod
    def create(cls, folder: Path, header: TakeHeader) -> Self:
        """Start a take in a new or empty folder.

        Raises:
            BadInputError: The folder holds something already, or cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not _is_new(folder):
                raise bad_input(
                    "is not empty; a take never overwrites anything", file=folder, hint="choose a new folder"
                )
            (folder / VIDEOS).mkdir(exist_ok=True)
            (folder / LEDGER).mkdir(exist_ok=True)
            write_header(folder, header)
            return cls(folder, header)
        except PermissionError as error:
            raise bad_input("cannot be written: permission denied", file=folder) from error
        except (FileExistsError, NotADirectoryError) as error:
            raise bad_input("is a file, expected a folder for the take", file=folder) from error
        except OSError as error:
            if is_disk_full(error):
                raise bad_input("the disk is full", file=folder, hint="free some space") from error
            raise bad_input(f"cannot be written: {error.strerror}", file=folder) from error

    @classmethod
    def resume(cls, folder: Path) -> Self:
        """Go on with a take whose writer was killed; every file is continued behind its last whole piece.

        Frames that the ledger has may be written again as packets only: what is in the video is left out.

        Raises:
            BadInputError: The folder is no take, or another process still writes it.
            TakeError: The take was closed already.
        """
        header = read_header(folder)
        if header.state != "recording":
            raise TakeError(f"{folder}: the take is closed already")
        return cls(folder, header, resumed=True)

    def note_stream(self, start: StreamStart) -> None:
        """Keep for a successor what a camera delivers from now on, and how its frames are numbered."""
        self._guard(lambda: self._streams.append(start))
        self._starts[start.camera] = start

    def open_video(self, camera: str, fmt: VideoFormat) -> None:
        """Start a camera's video, or go on with the one that is there.

        Raises:
            ValueError: The camera is not one of the take, has a video already, or its codec cannot be
                written to Matroska.
            DiskFullError: No room left.
        """
        self._ledger(camera)
        if camera in self._videos:
            raise ValueError(f'the video of camera "{camera}" is open already')
        path = self.folder / VIDEOS / f"{camera}.mkv"
        origin_ns = self.header.origin_ns

        def open_or_resume() -> VideoWriter:
            if not (self.resumed and path.exists()):
                return VideoWriter(path, fmt, origin_ns)
            starts = self.resumed[camera].starts
            in_band = next((start.format.extradata for start in reversed(starts)), b"")
            return VideoWriter.resume(path, fmt, origin_ns, in_band)

        self._videos[camera] = self._guard(open_or_resume)

    def write_lead_in(self, camera: str, packets: Sequence[EncodedPacket]) -> None:
        """Packets from the last key frame before the first frame on; they are no frames of the take."""
        self._guard(lambda: self._write_packets(camera, packets))

    def write_late_packets(self, camera: str, packets: Sequence[EncodedPacket]) -> None:
        """Packets of a frame that the ledger has, in case a kill kept them from the video."""
        self._guard(lambda: self._write_packets(camera, packets))

    def _write_packets(self, camera: str, packets: Sequence[EncodedPacket]) -> None:
        video = self._videos[camera]
        begun = video.in_band
        for packet in packets:
            video.write(packet)
        if video.in_band != begun and camera in self._starts:
            start = self._starts[camera]
            self.note_stream(replace(start, format=replace(start.format, extradata=video.in_band)))

    def write_frame(
        self,
        camera: str,
        index: int,
        t_capture_ns: int,
        fate: Fate,
        cause: str = "",
        packets: Sequence[EncodedPacket] = (),
    ) -> None:
        """Write one captured frame's packets, if any, and its line in the ledger.

        Args:
            camera: Which camera.
            index: Index given by the driver.
            t_capture_ns: Capture time, monotonic ns.
            fate: Whether its picture is in the video.
            cause: Why it was dropped; empty for a recorded frame.
            packets: In decoding order. With reordered codecs a recorded frame may bring none or several.

        Raises:
            ValueError: The frame contradicts itself (dropped but with packets, or without a cause).
            DiskFullError: No room left; the ledger does not claim this frame. Frames before it whose packets
                were waiting in the video's open cluster (at most half a second, one frame for JPEG) may be
                missing too.
        """
        if packets and fate == "dropped":
            raise ValueError(f'a frame of camera "{camera}" is dropped ({cause}) but brings packets')
        if packets and camera not in self._videos:
            raise ValueError(f'camera "{camera}" delivers packets before its video was opened')
        row = LedgerRow(index, t_capture_ns, fate, cause)
        ledger = self._ledger(camera)

        def write() -> None:
            # Packets first: a line says what is on disk.
            if packets:
                self._write_packets(camera, packets)
            ledger.append(row)

        self._guard(write)

    def write_poses(self, frame: PoseFrame) -> None:
        """Write the poses of one instant.

        Raises:
            ValueError: Skeleton or cameras differ from those of the first instant.
            DiskFullError: No room left.
        """
        self._guard(lambda: self._poses.append(frame))
        self._note(self._alone(frame))

    def _note(self, event: Event | None) -> None:
        if event is not None:
            self._guard(lambda: self._events.append(event))

    def write_event(self, kind: str, message: str, t_ns: int, **details: Any) -> None:
        """Write an event; details are plain JSON values."""
        self._guard(lambda: self._events.append(Event(t_ns, kind, message, details)))

    def sync(self) -> None:
        """Have everything written so far brought to the disk, in the background.

        Called once a second, so that even a power cut takes little more than the last second. When the disk
        is slower than that, the calls in between do nothing.

        Raises:
            DiskFullError: The disk said so meanwhile.
        """
        if self._syncing is not None and not self._syncing.done():
            return

        def finished(previous: Future[None] | None = self._syncing) -> None:
            if previous is not None:
                previous.result()

        self._guard(finished)
        files = self._files()

        def fsync() -> None:
            for file in files:
                file.fsync()

        self._syncing = self._syncer.submit(fsync)

    def close(self) -> TakeSummary:
        """Finish every file, turn the poses log into ``poses.npz``, mark the take complete.

        After a full disk the files are closed where they are, and the take stays marked as ``recording``,
        to be repaired once there is room. Safe to call twice.

        Raises:
            DiskFullError: No room to finish.
        """
        if self._summary is not None:
            return self._summary
        if self._failure is None:
            self._guard(self._finish)
        totals = {camera: ledger.totals for camera, ledger in self._ledgers.items()}
        totals.update(self.header.totals)
        self._summary = TakeSummary(self.folder, totals, self._poses.frames, self._events.count)
        return self._summary

    def _finish(self) -> None:
        self._note(self._alone.ended())
        self._syncer.shutdown(wait=True)
        for file in self._files():
            file.fsync()
            file.close()
        finish_poses(self.folder, self._poses.frames, self._poses.most_people)
        (self.folder / STREAMS_LOG).unlink(missing_ok=True)
        totals = {camera: ledger.totals for camera, ledger in self._ledgers.items()}
        if self.resumed:
            totals = {camera: self._settled(camera) for camera in totals}
        self._set_state("complete", totals)
        self._lock.release()

    def _settled(self, camera: str) -> LedgerTotals:
        """A ledger whose first writer was killed may claim pictures that nobody brought again."""
        missing: list[str] = []
        path, video = self.folder / LEDGER / f"{camera}.csv", self.folder / VIDEOS / f"{camera}.mkv"
        if camera not in self._videos and video.is_file():
            with contextlib.suppress(TakeError):  # without any picture
                seal(video)
        totals = settle_ledger(self.folder, path, video, self.header.origin_ns, missing)
        for sentence in missing:
            _log.warning("%s: %s", self.folder, sentence)
        return totals

    def _set_state(self, state: State, totals: dict[str, LedgerTotals]) -> None:
        alone = one_camera_summary(self.folder / POSES_FILE, self.header.origin_ns)
        self.header = self.header.with_state(state, totals, alone)
        write_header(self.folder, self.header)

    def _discard(self) -> None:
        """Remove a take into which nothing was ever recorded; its folder was empty before it began."""
        self._failure = TakeError(f"{self.folder}: nothing was recorded, so there is no take")
        self._close_where_it_is()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self) -> list[_File]:
        return [*self._videos.values(), *self._ledgers.values(), self._poses, self._events, self._streams]

    def _ledger(self, camera: str) -> LedgerWriter:
        if camera not in self._ledgers:
            raise ValueError(f'camera "{camera}" is not one of the take: {", ".join(self._ledgers)}')
        return self._ledgers[camera]

    def _guard(self, action: Callable[[], Any]) -> Any:
        """Run ``action``; when the disk is full, close everything and say so."""
        if self._failure is not None:
            raise self._failure
        if self._summary is not None:
            raise TakeError(f"{self.folder}: the take is closed")
        try:
            return action()
        except OSError as error:
            if not is_disk_full(error):
                raise
            self._failure = DiskFullError(
                f"{self.folder}: the disk is full; recording stopped, everything before is safe; free some "
                f"space, then run: launch.py repair {self.folder}"
            )
            self._close_where_it_is()
            raise self._failure from error

    def _close_where_it_is(self) -> None:
        self._syncer.shutdown(wait=True)
        for file in self._files():
            try:
                file.close()
            except OSError as error:
                # The index of a video may not fit any more; its pictures are readable without.
                _log.warning("closing %s after the disk filled up: %s", self.folder, error)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._failure is None and self._summary is None:
            if not self._poses.frames and not any(led.totals.captured for led in self._ledgers.values()):
                self._discard()
                return
            reason = f"writing ended early: {type(error).__name__} {error}".rstrip()
            self.write_event("interrupted", reason, self.header.origin_ns)
        self.close()


def begun_state(folder: Path, origin_ns: int) -> State | Literal[""]:
    """State of the take in ``folder`` when it is the very recording that has this origin, else empty."""
    if not (folder / TAKE_FILE).is_file():
        return ""
    header = read_header(folder)
    return header.state if header.origin_ns == origin_ns else ""


def _is_new(folder: Path) -> bool:
    """Whether nothing is in the folder, or only what a kill left that came before the first file."""
    return all(item.name in {VIDEOS, LEDGER} and not any(item.iterdir()) for item in folder.iterdir())


def finish_poses(folder: Path, count: int, people: int) -> None:
    """Turn ``poses.log`` into ``poses.npz`` and remove the log; without any instant just remove it."""
    log = folder / POSES_LOG
    if count:
        write_poses(folder / POSES_FILE, PosesLog(log), count=count, people=people)
    log.unlink()
