"""What must be compiled before simulated cameras start, done in a process of its own."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import multiprocessing
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from configs.errors import PosestageError
from pipeline.rigs.rig_config import RigConfig

log = logging.getLogger(__name__)

_STEP_S: Final = 0.05


def prepare(
    rig: RigConfig,
    cancelled: Callable[[], bool],
    tell: Callable[[str], object],
    marker: Callable[[], Path] | None = None,
) -> None:
    """Have the renderer of simulated cameras compiled, once per version of it; other rigs need nothing.

    Without it every camera would compile the same code at the same time. It is a process because compiling
    holds up everything else in the one that does it.

    Args:
        rig: The devices.
        cancelled: Asked often; True gives up.
        tell: Told what is being done, in words.
        marker: Gives the file whose presence says that it has been done; by default in the user's cache.

    Raises:
        PosestageError: It failed.
    """
    if all(camera.driver_type != "simulated" for camera in rig.cameras):
        return
    done = (marker or compiled_marker)()
    if done.exists():
        return
    tell("Preparing the simulated studio, once …")
    process = multiprocessing.get_context("spawn").Process(target=warm_up_studio, name="warm-up", daemon=True)
    process.start()
    try:
        while process.is_alive():
            if cancelled():
                process.kill()
            process.join(_STEP_S)
        code = process.exitcode
    finally:
        process.close()
    if code == 0:
        _note(done)
    elif not cancelled():
        raise PosestageError(f"the simulated studio could not be prepared (code {code}); see the log")


def warm_up_studio() -> None:
    """Body of the process."""
    from models.simulation.studio import warm_up

    warm_up()


def compiled_marker() -> Path:
    """A file named after everything that decides whether compiled code on disk is still good."""
    package = importlib.util.find_spec("models.simulation")
    assert package is not None and package.submodule_search_locations
    parts = [platform.python_version(), platform.machine(), version("numba"), version("numpy")]
    for folder in package.submodule_search_locations:
        for path in sorted(Path(folder).glob("*.py")):
            status = path.stat()
            parts.append(f"{path} {status.st_size} {status.st_mtime_ns}")
    name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return user_cache_path("posestage", appauthor=False) / f"studio-compiled-{name}"


def _note(done: Path) -> None:
    try:
        done.parent.mkdir(parents=True, exist_ok=True)
        for old in done.parent.glob("studio-compiled-*"):
            old.unlink(missing_ok=True)
        done.touch()
    except OSError as error:  # then it is done again next time
        log.info("%s cannot be written: %s", done, error)
