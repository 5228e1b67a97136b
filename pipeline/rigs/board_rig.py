"""Simulated cameras that film a board instead of people: how the simulated studio is calibrated."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from calibration.board import Board, board_from_dict, read_board
from pipeline.rigs.rig_config import CameraConfig, RigConfig

BOARDS_FOLDER: Final = Path(__file__).resolve().parents[2] / "configs" / "boards"
STUDIO_BOARD_FILE: Final = BOARDS_FOLDER / "studio_charuco.yaml"

_BOARD_FPS: Final = 15.0
"""Enough for a board, and half of what four simulated cameras and the search for corners would need."""
_SPEED: Final = 1.5
"""Of the board: a round, with a rest on the floor, in 70 seconds."""


def is_simulated(rig: RigConfig) -> bool:
    """Whether all cameras stand in the simulated studio."""
    return all(camera.driver_type == "simulated" for camera in rig.cameras)


def board_rig(rig: RigConfig) -> RigConfig:
    """The same simulated cameras, at the same places, filming the board that is carried around.

    Cameras that film a board already stay as they are. A calibration of the result is one of ``rig``: seed,
    number and size of the studio's cameras decide where they stand and how they see, not what they film.
    """
    assert is_simulated(rig)
    cameras = tuple(_filming_a_board(camera) for camera in rig.cameras)
    return rig.model_copy(update={"cameras": cameras, "calibration": None})


def studio_board(rig: RigConfig) -> Board:
    """The board that simulated cameras film."""
    for camera in board_rig(rig).cameras:
        board = camera.driver["board_studio"].get("board")
        if board is not None:
            stated = {key: value for key, value in board.items() if key != "version"}
            return board_from_dict(stated, source="studio board")
    return read_board(STUDIO_BOARD_FILE)


def _filming_a_board(camera: CameraConfig) -> CameraConfig:
    driver: dict[str, Any] = dict(camera.driver)
    if driver.get("board_studio") is not None:
        return camera
    studio = driver.pop("studio", None) or {}
    kept = {key: studio[key] for key in ("seed", "cameras", "size") if key in studio}
    driver["board_studio"] = {**kept, "speed": _SPEED, "board": read_board(STUDIO_BOARD_FILE).as_dict()}
    return camera.model_copy(update={"driver": driver, "fps": min(camera.fps or _BOARD_FPS, _BOARD_FPS)})
