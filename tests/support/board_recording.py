"""Board views of the simulated studio, as a recording of them would give, without filming."""

from __future__ import annotations

from functools import cache

import numpy as np

from calibration.observations import BoardObservations
from models.simulation.board_studio import BoardStudio, BoardStudioConfig

NOISE_PX = 0.1


@cache
def board_studio(cameras: int = 4) -> BoardStudio:
    return BoardStudio(BoardStudioConfig(seed=0, cameras=cameras, speed=1.5))


@cache
def recorded_views(cameras: int = 4, seconds: float | None = None) -> BoardObservations:
    """One round of the board, three pictures a second, and its rest on the floor."""
    studio = board_studio(cameras)
    end_s = studio.motion.period_s if seconds is None else seconds
    return studio.observe(list(np.arange(0.0, end_s, 1 / 3)), NOISE_PX)
