"""How quick the window is while the simulated studio is live: drawing rates, event loop, CPU, memory."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
from PyQt6.QtCore import QEvent, QEventLoop, QObject, QTimer
from PyQt6.QtWidgets import QWidget

from app import theme
from app.application import qt_application
from app.event_loop_probe import EventLoopProbe
from app.live.page import LivePage
from app.main_window import MainWindow
from app.preferences import Preferences
from app.space.space_view import SpaceView
from app.studio import Studio
from app.widgets.camera_tile import CameraTile
from configs.errors import PosestageError
from pipeline.rigs.simulated_rig import simulated_rig

_START_WITHIN_S: Final = 120.0
_SETTLE_S: Final = 3.0
_MEMORY_EVERY_S: Final = 10.0
_MEGABYTE: Final = 1 << 20


def distribution(values: list[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest; empty without values."""
    if not values:
        return {}
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    return {"p50": float(p50), "p95": float(p95), "p99": float(p99), "max": max(values), "count": len(values)}


class _Paints(QObject):
    """Counts how often widgets are painted."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def watch(self, widget: QWidget, name: str) -> None:
        widget.setProperty("benchmark_name", name)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if watched is not None and event is not None and event.type() == QEvent.Type.Paint:
            self.counts[str(watched.property("benchmark_name"))] += 1
        return False


def benchmark_desktop(
    cameras: int, seconds: float, *, pipeline: str = "noisy_truth", progress: Callable[[float], None]
) -> dict[str, Any]:
    """Run the whole window with the simulated studio live.

    Args:
        cameras: Virtual cameras, 640x480 at 30 fps.
        seconds: How long to measure, after everything runs.
        pipeline: From frames to poses.
        progress: Called with the seconds measured so far.

    Returns:
        Paints per second of each tile and of the 3D view, pictures per second that Open3D delivered, the
        delay of the event loop in ms, CPU of this process and of its children in percent of one core, and
        memory of this process in MB at the start, the end, and its growth per minute in between.

    Raises:
        PosestageError: The studio did not come up.
    """
    application = qt_application()
    with tempfile.TemporaryDirectory(prefix="posestage-bench-") as folder:
        studio = Studio(Preferences.load(Path(folder) / "desktop.yaml"))
        studio.preferences.takes_folder = Path(folder) / "takes"
        theme.apply(application, "dark")
        rig = simulated_rig(cameras, (640, 480), 30.0, 0)
        studio.use_rig(rig, None)
        studio.hold_calibration(_truth(rig))
        studio.pipeline = pipeline
        window = MainWindow(studio)
        window.go_to("live")
        window.show()
        page = window.pages["live"]
        assert isinstance(page, LivePage)
        try:
            studio.session.start(rig, studio.calibration, pipeline)
            _wait_until(lambda: studio.session.pipeline_state == "ready", studio)
            return _measure(window, seconds, progress)
        finally:
            window.close()
            application.processEvents()


def _measure(window: MainWindow, seconds: float, progress: Callable[[float], None]) -> dict[str, Any]:
    _run_for(_SETTLE_S)
    process = psutil.Process()
    paints, probe = _Paints(), EventLoopProbe()
    tiles = window.findChildren(CameraTile)
    for tile in tiles:
        paints.watch(tile, "tile")
    spaces = [view for view in window.findChildren(SpaceView) if view.isVisible()]
    rendered: list[float] = []
    for view in spaces:
        paints.watch(view, "space")
        view.pictured.connect(lambda _: rendered.append(time.perf_counter()))
    memory: list[tuple[float, float]] = []
    started, own, others = time.perf_counter(), _cpu_s(process), _children_cpu_s(process)
    probe.start()
    while (elapsed := time.perf_counter() - started) < seconds:
        memory.append((elapsed, process.memory_info().rss / _MEGABYTE))
        progress(elapsed)
        _run_for(min(_MEMORY_EVERY_S, seconds - elapsed, 1.0 if elapsed < 10 else _MEMORY_EVERY_S))
    probe.stop()
    wall = time.perf_counter() - started
    own, others = _cpu_s(process) - own, _children_cpu_s(process) - others
    memory.append((wall, process.memory_info().rss / _MEGABYTE))
    times, sizes = np.array(memory).T
    growth = float(np.polyfit(times, sizes, 1)[0] * 60) if len(memory) > 2 else float("nan")
    return {
        "seconds": wall,
        "tiles": len(tiles),
        "tile_paints_per_s": paints.counts["tile"] / wall / max(1, len(tiles)),
        "space_engine": spaces[0].engine if spaces else "none",
        "space_paints_per_s": paints.counts["space"] / wall,
        "space_pictures_per_s": len(rendered) / wall,
        "event_loop_ms": distribution(probe.delays_ms),
        "event_loop_cpu_ms": distribution(probe.cpu_ms),
        "desktop_cpu_percent": 100 * own / wall,
        "other_processes_cpu_percent": 100 * others / wall,
        "memory_mb": {"start": sizes[0], "end": sizes[-1], "growth_per_minute": growth},
    }


def _truth(rig: Any) -> Any:
    from models.simulation.studio import warm_up
    from pipeline.rigs.studio_rig import studio_calibration, studio_of

    warm_up()
    studio = studio_of(rig)
    assert studio is not None
    return studio_calibration(rig, studio)


def _wait_until(true: Callable[[], bool], studio: Studio) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while not true():
        _run_for(0.05)
        if studio.session.state == "failed" or time.monotonic() > deadline:
            raise PosestageError("the simulated studio did not come up; see the messages above")


def _run_for(seconds: float) -> None:
    """Let the event loop run."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _children_cpu_s(process: psutil.Process) -> float:
    total = 0.0
    for child in process.children(recursive=True):
        try:
            total += _cpu_s(child)
        except psutil.NoSuchProcess:
            continue
    return total
