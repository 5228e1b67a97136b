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
from types import TracebackType
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
    "calibration.rig_file",
    "pipeline.sources",
    "pipeline.session",
    "pipeline.drivers.simulated",
    "pipeline.studio_rig",
    "pyqtgraph",
    "app.takes.page",
    "app.cameras.page",
    "app.calibrate.page",
    "app.calibrate.plots",
)
"""Loaded while the first page is being looked at, so that no click has to wait for it."""


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
    application = qt_application()
    studio = Studio(Preferences.load(preferences or default_file()))
    theme.apply(application, studio.preferences.theme)
    engine_choice().choose(studio.preferences.space_view)
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
    QTimer.singleShot(300, _load_what_is_used_soon)
    if seconds is not None:
        QTimer.singleShot(round(1000 * seconds), window.close)
    _let_signals_close(window)
    with _bugs_told(studio):
        return application.exec()


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


def _let_signals_close(window: MainWindow) -> None:
    """Ctrl-C in the terminal closes the window; so does the end of the login, without a question.

    Python only looks for signals when Qt lets it, so it is woken.
    """
    signal.signal(signal.SIGINT, lambda *_: window.close())
    signal.signal(signal.SIGTERM, lambda *_: window.close_without_asking())
    clock = QTimer(window)
    clock.timeout.connect(lambda: None)
    clock.start(250)
