"""Logging, set up once per process."""

from __future__ import annotations

import logging
import sys
import time


class _Stderr(logging.Handler):
    """Writes to what ``sys.stderr`` is at that moment: it may be exchanged, and the former one closed."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


class _LineFormatter(logging.Formatter):
    """``12:34:56.789 grabber cam1 warning pipeline.processes.grabber: text``."""

    def __init__(self, process: str) -> None:
        super().__init__(f"%(asctime)s {process} %(lowername)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.lowername = record.levelname.lower()
        return super().format(record)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        return f"{clock}.{int(record.msecs):03d}"


def configure_logging(level: str, process: str, handler: logging.Handler | None = None) -> None:
    """Send every record of this process to stderr, with time and the process's name.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        process: Name of this process for people, such as ``grabber cam1``.
        handler: Where to send records instead of plain lines on stderr (a terminal's handler); it keeps
            its own format.
    """
    if handler is None:
        handler = _Stderr()
        handler.setFormatter(_LineFormatter(process))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    # Libraries speak from "warning" up; our own packages from the level that was asked for.
    for package in ("app", "pipeline", "models", "calibration", "configs"):
        logging.getLogger(package).setLevel(level.upper())
    if level == "error":
        root.setLevel(logging.ERROR)
    logging.captureWarnings(True)
