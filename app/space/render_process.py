"""The process that draws: takes requests from a pipe, puts pictures in shared memory, says so.

It imports Open3D, opens an OpenGL context and may die with its driver; the window does neither.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from app.space.canvas import Canvas
from app.space.request import Drawn, Request, Started, Unable

if TYPE_CHECKING:
    from app.space.renderer import Renderer

NO_OPEN3D = "Open3D is not installed"
NO_OPENGL = "this machine offers no OpenGL"


def serve(connection: Connection) -> None:
    """Answer requests until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the window, which ends us
    display = prepare()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        _serve(connection, display)


def prepare() -> dict[str, str]:
    """Lead Open3D to EGL where there is one, and its words away from stdout; before it is imported.

    Returns:
        What was taken from the environment, for ``open_renderer``.
    """
    display = {}
    if sys.platform.startswith("linux"):
        # Without a display Open3D draws through EGL, 2.5 times as fast as into a hidden window.
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            if name in os.environ:
                display[name] = os.environ.pop(name)
        os.environ.setdefault("XDG_RUNTIME_DIR", "/tmp")  # EGL complains without it; nothing is put there
    # Open3D talks on stdout, which belongs to the command's own output.
    with contextlib.suppress(OSError, ValueError, AttributeError):  # programs without a console have none
        os.dup2(sys.stderr.fileno(), 1)
    return display


def open_renderer(display: dict[str, str]) -> Renderer:
    """The renderer; through a window that nobody sees where there is no EGL but a display.

    Args:
        display: What ``prepare`` returned.

    Raises:
        ImportError: Open3D cannot be loaded.
        NoOpenGLError: Neither way leads to OpenGL.
    """
    from app.space.renderer import NoOpenGLError, Renderer

    try:
        return Renderer()
    except NoOpenGLError:
        if not display:
            raise
    os.environ.update(display)
    return Renderer()


def _serve(connection: Connection, display: dict[str, str]) -> None:
    try:
        from app.space.renderer import NoOpenGLError

        renderer = open_renderer(display)
    except ImportError as error:
        missing = NO_OPEN3D if error.name == "open3d" else f"Open3D cannot be loaded ({error})"
        connection.send(Unable(missing))
        return
    except NoOpenGLError:
        connection.send(Unable(NO_OPENGL))
        return
    connection.send(Started(renderer.driver))
    canvas: Canvas | None = None
    while True:
        request: Request = connection.recv()
        if canvas is None or canvas.name != request.canvas:
            if canvas is not None:
                canvas.close()
            canvas = Canvas.attach(request.canvas)
        started, cpu = time.perf_counter(), time.process_time()
        samples, picture = renderer.draw(request, partial(_outdated, canvas, request))
        if picture is not None:
            canvas.write(request.sequence, picture)
        connection.send(
            Drawn(
                request.sequence,
                samples,
                1e3 * (time.perf_counter() - started),
                1e3 * (time.process_time() - cpu),
            )
        )


def _outdated(canvas: Canvas, request: Request) -> bool:
    return canvas.wanted > request.sequence
