"""What must be compiled before simulated cameras start, done in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Final

from configs.errors import PosestageError
from pipeline.rig_config import RigConfig

_done: set[str] = set()
_STEP_S: Final = 0.05


def prepare(rig: RigConfig, cancelled: Callable[[], bool], tell: Callable[[str], object]) -> None:
    """Have the renderer of simulated cameras compiled, once per program; other rigs need nothing.

    Without it every camera would compile the same code at the same time. It is a process because compiling
    holds up everything else in the one that does it.

    Args:
        rig: The devices.
        cancelled: Asked often; True gives up.
        tell: Told what is being done, in words.

    Raises:
        PosestageError: It failed.
    """
    if "studio" in _done or all(camera.driver_type != "simulated" for camera in rig.cameras):
        return
    tell("Preparing the simulated studio …")
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
        _done.add("studio")
    elif not cancelled():
        raise PosestageError(f"the simulated studio could not be prepared (code {code}); see the log")


def warm_up_studio() -> None:
    """Body of the process."""
    from models.simulation.studio import warm_up

    warm_up()
