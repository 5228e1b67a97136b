"""Starts the desktop: Qt's surroundings, the theme, the window."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from app import theme
from app.main_window import MainWindow
from app.preferences import Preferences, default_file
from app.space.engine_choice import engine_choice
from app.studio import Studio
from configs.errors import PosestageError

log = logging.getLogger(__name__)

_USED_SOON: Final = (
    "app.live.page",
    "pipeline.rigs.footage",
    "app.takes.page",
    "app.calibrate.page",
    "app.calibrate.plots",
    "app.cameras.page",
)
"""Loaded while the first page is being looked at, so that no click has to wait for it: 0.4 s of work for the
live page, with pyqtgraph, 0.2 s for the wizard, less for the others. Nothing that compiles: the simulated
studio's truth, 0.3 s and 100 MB, is asked for in processes of its own."""


def qt_application() -> QApplication:
    """The application, made when there is none yet."""
    # OpenCV wheels with windows bundle another Qt and point at its plug-ins.
    for variable in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
        os.environ.pop(variable, None)
    application = QApplication.instance()
    if isinstance(application, QApplication):
        return application
    application = QApplication(sys.argv[:1])
    application.setApplicationName("Posestage")
    application.setDesktopFileName("posestage")
    return application


def run_desktop(
    rig: Path | None,
    *,
    rig_overrides: tuple[str, ...] = (),
    pipeline: str = "",
    overrides: tuple[str, ...] = (),
    calibration: Path | None = None,
    preferences: Path | None = None,
    seconds: float | None = None,
) -> int:
    """Open the window and run until it is closed.

    Args:
        rig: Rig file to open; None: the one of last time, or the first-start page.
        rig_overrides: Settings over the rig's file.
        pipeline: Used instead of the remembered one.
        overrides: Settings over that pipeline's file.
        calibration: Used instead of the rig's own.
        preferences: Their file; None: the user's own.
        seconds: After so long the window closes by itself; None: never.

    Returns:
        Exit code.

    Raises:
        BadInputError: The rig or calibration cannot be used.
    """
    remembered = Preferences.load(preferences or default_file())
    application = prepare_desktop(remembered)
    studio = Studio(remembered)
    if rig is not None:
        studio.open_rig(rig, rig_overrides)
    if calibration is not None:
        studio.use_calibration(calibration)
    if pipeline:
        studio.pipeline = pipeline
        studio.pipeline_settings[pipeline] = overrides
    window = MainWindow(studio)
    window.go_to("welcome" if rig is None else "live")
    window.show()
    if rig is None:
        QTimer.singleShot(0, studio.reopen_last)
    if seconds is not None:
        QTimer.singleShot(round(1000 * seconds), window.close)
    run_window(application, window)
    return 0


def prepare_desktop(preferences: Preferences) -> QApplication:
    """The application as these preferences want it."""
    application = qt_application()
    theme.apply(application, preferences.theme)
    engine_choice().choose(preferences.space_view)
    return application


def run_window(application: QApplication, window: MainWindow) -> bool:
    """Run until a window that is shown is closed; whether Ctrl-C or the end of the login did it."""
    QTimer.singleShot(300, _load_what_is_used_soon)
    with _signals_close(window) as heard, _bugs_told(window.studio):
        application.exec()
    return bool(heard)


def _load_what_is_used_soon() -> None:
    def load() -> None:
        for module in _USED_SOON:
            with contextlib.suppress(ImportError, PosestageError):
                importlib.import_module(module)

    threading.Thread(target=load, name="load modules", daemon=True).start()


@contextlib.contextmanager
def _bugs_told(studio: Studio) -> Iterator[None]:
    """An exception that nobody expected is logged and told; the window goes on (Qt would end it)."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.error("unexpected", exc_info=(kind, error, trace))
        studio.say("bad", f"Unexpected problem: {kind.__name__}: {error}. The log says more.")

    before, sys.excepthook = sys.excepthook, tell
    try:
        yield
    finally:
        sys.excepthook = before


@contextlib.contextmanager
def _signals_close(window: MainWindow) -> Iterator[list[int]]:
    """Ctrl-C in the terminal closes the window; so does the end of the login, without a question.

    Python only looks for signals when Qt lets it, so it is woken. Gives the signals that came.
    """
    heard: list[int] = []

    def close(number: int, _frame: FrameType | None) -> None:
        heard.append(number)
        if number == signal.SIGTERM:
            window.close_without_asking()
        else:
            window.close()

    before = {number: signal.signal(number, close) for number in (signal.SIGINT, signal.SIGTERM)}
    clock = QTimer(window)
    clock.timeout.connect(lambda: None)
    clock.start(250)
    try:
        yield heard
    finally:
        clock.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
