"""Display, OpenGL, Qt and the OpenCV wheel that may disturb it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions

from app.doctor.check import Finding

QT_TRIAL = """
import sys
from PyQt6.QtWidgets import QApplication
application = QApplication([])
sys.stdout.write(application.platformName())
"""

GL_TRIAL = """
import sys
from PyQt6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
from PyQt6.QtOpenGL import QOpenGLFunctions_2_1, QOpenGLVersionFunctionsFactory, QOpenGLVersionProfile
application = QGuiApplication([])
context, surface = QOpenGLContext(), QOffscreenSurface()
surface.create()
if not context.create() or not context.makeCurrent(surface):
    sys.exit(3)
profile = QOpenGLVersionProfile()
profile.setVersion(2, 1)
functions = QOpenGLVersionFunctionsFactory.get(profile, context)
sys.stdout.write(functions.glGetString(0x1F01) + ", OpenGL " + functions.glGetString(0x1F02))
"""

SPACE_TRIAL = """
import sys
from app.space.render_process import open_renderer, prepare
display = prepare()
try:
    import open3d
except ImportError as error:
    sys.exit(f"{error.name}: {error}")
from app.space.renderer import NoOpenGLError
try:
    renderer = open_renderer(display)
except NoOpenGLError:
    sys.exit(3)
sys.stderr.write(f"\\n{open3d.__version__}, {renderer.driver}")
"""


def screen() -> Iterator[Finding]:
    """Everything between us and a picture on the screen."""
    environment = dict(os.environ)
    yield display(environment)
    yield opencv([(item.metadata["Name"] or "", item.version) for item in distributions()])
    if not has_display(environment):
        environment |= {"QT_QPA_PLATFORM": "offscreen"}
    yield qt(environment)
    yield opengl(environment)
    yield space(environment)


def has_display(environment: Mapping[str, str]) -> bool:
    """Whether windows can be shown to someone."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def display(environment: Mapping[str, str]) -> Finding:
    """X11, Wayland or none."""
    if not sys.platform.startswith("linux"):
        return Finding("display", "ok", "the system's own")
    names = [name for name in ("WAYLAND_DISPLAY", "DISPLAY") if environment.get(name)]
    if names:
        return Finding("display", "ok", ", ".join(f"{name}={environment[name]}" for name in names))
    step = "none is needed for demo --headless, capture and process; for the desktop log in at a screen"
    return Finding("display", "warn", "none (no DISPLAY, no WAYLAND_DISPLAY)", step)


def opencv(installed: list[tuple[str, str]]) -> Finding:
    """Whether exactly our OpenCV wheel is installed: two of them overwrite each other's files.

    Args:
        installed: Name and version of every installed distribution.
    """
    wheels = {
        re.sub(r"[-_.]+", "-", name).lower(): version
        for name, version in installed
        if re.match(r"opencv[-_.]", name, re.IGNORECASE)
    }
    found = ", ".join(f"{name} {version}" for name, version in sorted(wheels.items())) or "not installed"
    if "opencv-python-headless" not in wheels:
        return Finding("opencv", "fail", found, "pip install opencv-python-headless")
    others = sorted(set(wheels) - {"opencv-python-headless"})
    if not others:
        return Finding("opencv", "ok", found)
    return Finding(
        "opencv",
        "fail",
        f"{found}; they overwrite each other, and the one with windows brings a Qt 5 that disturbs ours",
        f"pip uninstall {' '.join(others)} opencv-python-headless && pip install opencv-python-headless",
    )


def qt(environment: Mapping[str, str]) -> Finding:
    """Whether Qt can open its platform plugin, tried in another process because a failure ends it."""
    code, out, error = _try(QT_TRIAL, environment)
    if code == 0:
        return Finding("qt", "ok", f"starts on platform {out}")
    if "No module named" in error:
        return Finding("qt", "warn", "PyQt6 is not installed", 'for the desktop: pip install -e ".[desktop]"')
    return Finding("qt", "warn", _last_line(error) or f"ended with code {code}", _library_step(error))


def opengl(environment: Mapping[str, str]) -> Finding:
    """Whether Qt gets an OpenGL context, and from which driver."""
    code, out, error = _try(GL_TRIAL, environment)
    if code == 0:
        return Finding("opengl", "ok", out)
    found = "no context" + (f": {_last_line(error)}" if error and code != 3 else "")
    if environment.get("QT_QPA_PLATFORM") == "offscreen" and code == 3:
        return Finding(
            "opengl", "ok", "not needed without a display (Qt's offscreen platform makes no context)"
        )
    return Finding("opengl", "warn", found, _library_step(error))


def space(environment: Mapping[str, str]) -> Finding:
    """Whether Open3D can draw the 3D view off screen, and on what, tried as the view itself does."""
    code, _, error = _try(SPACE_TRIAL, environment)
    if code == 0:
        return Finding("3d view", "ok", f"Open3D {_last_line(error)}")
    instead = "the 3D view is painted as lines instead"
    if code == 3:
        step = "install a graphics driver; on Debian: apt-get install libegl1 libgl1 libgl1-mesa-dri"
        return Finding("3d view", "warn", f"Open3D gets no OpenGL; {instead}", step)
    if "open3d" in error and "No module named" in error:
        step = 'for the desktop: pip install -e ".[desktop]"'
        return Finding("3d view", "warn", f"Open3D is not installed; {instead}", step)
    found = f"{_last_line(error) or f'ended with code {code}'}; {instead}"
    return Finding("3d view", "warn", found, _library_step(error))


def _library_step(error: str) -> str:
    missing = re.search(r"(lib[\w.+-]+\.so[.\d]*)", error)
    if missing:
        return f"install the system package with {missing[1]}: remove .venv/.libraries and run make setup"
    return "install a graphics driver; on Debian: apt-get install libgl1 libegl1 libxcb-cursor0"


def _try(program: str, environment: Mapping[str, str]) -> tuple[int, str, str]:
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, "", "no answer within 30 s"
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
