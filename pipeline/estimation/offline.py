"""Poses from recorded footage: every frame, as fast as the machine allows, into a complete take."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2

from calibration.rig import Rig
from configs.errors import bad_input
from pipeline.drivers.base import CameraError
from pipeline.estimation.estimator import Estimator, build_estimator
from pipeline.estimation.pipeline_config import PipelineConfig
from pipeline.frames.frame import Frame, VideoFormat
from pipeline.frames.synchronizer import SyncedSet, Synchronizer
from pipeline.rigs.footage import Footage, FootageReader
from pipeline.take.header import TakeHeader, wall_time_now
from pipeline.take.writer import TakeSummary, TakeWriter
from pipeline.wire.telemetry import StageClock

_AHEAD: Final = 4
"""Decoded pictures that may wait per camera: enough to keep decoding and inference both busy."""


@dataclass(frozen=True)
class OfflineResult:
    """What processing produced and cost.

    Attributes:
        summary: Totals of the take.
        sets: Instants processed.
        cpu_ms_per_set: CPU time of decoding, inference and writing, all threads, per instant.
        wall_s: Duration.
        stage_ms: Percentiles by stage, wall time.
    """

    summary: TakeSummary
    sets: int
    cpu_ms_per_set: float
    wall_s: float
    stage_ms: dict[str, dict[str, float]]
    skew_ms: dict[str, dict[str, float]]
    failures: tuple[str, ...]


class _Prefetch:
    """Decodes one camera in a thread of its own, a few pictures ahead."""

    def __init__(self, reader: FootageReader) -> None:
        self.reader = reader
        self._queue: queue.Queue[tuple[Frame, str] | BaseException | None] = queue.Queue(_AHEAD)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"decode-{reader.camera}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for item in self.reader.frames():
                self._put(item)
                if self._stopping.is_set():
                    return
            self._put(None)
        except BaseException as error:
            self._put(error)

    def _put(self, item: tuple[Frame, str] | BaseException | None) -> None:
        while not self._stopping.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def next(self) -> tuple[Frame, str] | None:
        """The next frame; None at the end.

        Raises:
            CameraError: The video is damaged from here on.
        """
        item = self._queue.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def close(self) -> None:
        """Stop decoding."""
        self._stopping.set()
        self._thread.join()
        self.reader.close()


def process(
    footage: Footage,
    rig: Rig,
    pipeline: PipelineConfig,
    folder: Path,
    *,
    estimator: Estimator | None = None,
    label: str = "",
    progress: Callable[[int, int | None], None] | None = None,
) -> OfflineResult:
    """Run ``pipeline`` over footage and write a take.

    The videos are not encoded again: their packets are copied. A damaged video ends where the damage starts;
    everything before it and all other cameras are processed.

    Args:
        footage: Videos.
        rig: Calibration, same cameras in the same order, fitted to the pictures.
        pipeline: Models and settings.
        folder: A new or empty folder.
        estimator: Ready-made estimator; built from ``pipeline`` when not given.
        label: What a viewer must be told before believing the poses.
        progress: Called with (instants done, None).

    Raises:
        BadInputError: Weights missing, folder not empty, no frame could be read.
    """
    estimator = estimator or build_estimator(pipeline, rig)
    origin_ns = footage.take.header.origin_ns if footage.take is not None else 0
    estimator.origin_ns = origin_ns
    readers = [FootageReader(footage, camera, origin_ns) for camera in footage.rig.cameras]
    cv2.setNumThreads(1)  # cameras are decoded and looked at in threads already
    started, cpu_started = time.perf_counter(), time.process_time()
    header = _header(footage, rig, pipeline, folder, estimator, origin_ns, label)
    stages = StageClock()
    sets = 0
    with TakeWriter.create(folder, header) as writer:
        for reader in readers:
            video = reader.info.stream
            writer.open_video(reader.camera, video or VideoFormat("mjpeg", reader.info.size, reader.info.fps))
        streams = [_Prefetch(reader) for reader in readers]
        try:
            lags_ms = [camera.lag_ms for camera in rig.cameras]
            instants = _Instants(streams, lags_ms, pipeline, writer)
            for instant in instants:
                images = [item.image if item is not None else None for item in instant.items]
                times = [item.t_capture_ns if item is not None else -1 for item in instant.items]
                poses = estimator.estimate(images, times, instant.time_ns)
                stages.add_all(poses.stage_ms)
                writer.write_poses(poses)
                sets += 1
                if progress is not None:
                    progress(sets, None)
        finally:
            for stream in streams:
                stream.close()
            estimator.close()
        if sets == 0:
            raise bad_input("no picture could be read from these videos", file=footage.name)
        for failure in instants.failures:
            writer.write_event("damaged_video", failure, origin_ns)
        cpu_s = time.process_time() - cpu_started
        summary = writer.close()
    return OfflineResult(
        summary=summary,
        sets=sets,
        cpu_ms_per_set=cpu_s * 1e3 / sets,
        wall_s=time.perf_counter() - started,
        stage_ms=stages.summary(),
        skew_ms={name: skew.summary() for name, skew in instants.synchronizer.skew_ms.items()},
        failures=tuple(instants.failures),
    )


class _Instants:
    """Reads all cameras in step, writes their packets and ledgers, yields synchronized instants."""

    def __init__(
        self, streams: list[_Prefetch], lags_ms: list[float], pipeline: PipelineConfig, writer: TakeWriter
    ) -> None:
        self._streams = {stream.reader.camera: stream for stream in streams}
        self._writer = writer
        self.failures: list[str] = []
        rates = [stream.reader.info.fps for stream in streams]
        self.synchronizer: Synchronizer[Frame] = Synchronizer(
            list(self._streams), rates, pipeline.synchronizer, lags_ms=lags_ms, live=False
        )

    def __iter__(self) -> Iterator[SyncedSet[Frame]]:
        latest = dict.fromkeys(self._streams, -1)
        open_streams = dict(self._streams)
        while open_streams:
            name = min(open_streams, key=lambda camera: latest[camera])
            found = self._advance(name, open_streams[name])
            if found is None:
                del open_streams[name]
                self.synchronizer.end_of_stream(name)
            else:
                latest[name] = found.t_capture_ns
            yield from self.synchronizer.pop(0)

    def _advance(self, name: str, stream: _Prefetch) -> Frame | None:
        try:
            item = stream.next()
        except CameraError as error:
            self.failures.append(str(error))
            return None
        if item is None:
            return None
        frame, cause = item
        fate: Any = "dropped" if cause else "recorded"
        self._writer.write_frame(name, frame.index, frame.t_capture_ns, fate, cause, frame.packets)
        if frame.image is not None:
            self.synchronizer.push(name, frame, 0)
        return frame


def _header(
    footage: Footage,
    rig: Rig,
    pipeline: PipelineConfig,
    folder: Path,
    estimator: Estimator,
    origin_ns: int,
    label: str,
) -> TakeHeader:
    models = estimator.description()
    return TakeHeader(
        name=folder.name,
        rig=footage.rig.model_dump(mode="json"),
        calibration=rig,
        config=pipeline.model_dump(mode="json"),
        models={model["name"]: model["sha256"] for model in models.values()},
        origin_ns=origin_ns,
        wall_time=footage.take.header.wall_time if footage.take is not None else wall_time_now(),
        skeleton=estimator.skeleton.name,
        cameras=footage.rig.names,
        pipeline=pipeline.name,
        label=label or pipeline.label,
    )
