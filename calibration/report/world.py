"""From the frame in which the places were solved to the world of the finished rig."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.rig import Rig

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Placement:
    """``world = scale * R @ solved + t``.

    Attributes:
        R: (3, 3).
        t: (3,) mm.
        scale: 1 unless known distances corrected the board's size.
        placed: Whether the world differs from the frame of the reference camera, so that its Z is up.
    """

    R: Floats
    t: Floats
    scale: float
    placed: bool

    def points(self, solved: Floats) -> Floats:
        """(..., 3) mm in the world."""
        return np.asarray(self.scale * solved @ self.R.T + self.t, np.float64)

    def intervals(self, covariance: Floats) -> Floats:
        """(3,) deviations along the world's axes from a (3, 3) covariance in the solved frame."""
        turned = self.scale**2 * self.R @ covariance @ self.R.T
        return np.asarray(np.sqrt(np.maximum(np.diag(turned), 0.0)), np.float64)


def placement(rig: Rig, extrinsics: ExtrinsicsResult) -> Placement:
    """How the rig was moved after the solve."""
    name = extrinsics.reference
    solved, final = extrinsics.rig.camera(name), rig.camera(name)
    R = final.R.T @ solved.R
    spread = [float(np.linalg.norm(_centred(one))) for one in (extrinsics.rig, rig)]
    scale = spread[1] / spread[0] if spread[0] > 0.0 else 1.0
    t = final.position - scale * R @ solved.position
    moved = not (np.allclose(R, np.eye(3), atol=1e-9) and np.allclose(t, 0.0, atol=1e-6))
    return Placement(R, t, scale, moved)


def board_outlines(board: Board, rig: Rig, extrinsics: ExtrinsicsResult) -> Floats:
    """(M, 4, 3) corners of the sheet at each moment, world mm."""
    width, height = board.size_mm
    sheet = np.array([[0, 0, 0], [width, 0, 0], [width, height, 0], [0, height, 0]], np.float64)
    track = extrinsics.board
    solved = sheet @ np.transpose(track.R, (0, 2, 1)) + track.t[:, None]
    return placement(rig, extrinsics).points(solved)


def _centred(rig: Rig) -> Floats:
    positions = np.array([camera.position for camera in rig.cameras])
    return np.asarray(positions - positions.mean(axis=0), np.float64)
