"""The pinhole camera of a network input, kept in step with crop and resize.

The arithmetic of Learnable Triangulation (Iskakov et al. 2019): arrays are float32, as in the label file, so
every update rounds; a resize scales the principal point without a half-pixel term. Published weights and
numbers belong to these cameras. Frames of a live rig take ``models.crops`` instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float32s = NDArray[np.float32]
Box = tuple[int, int, int, int]
"""left, top, right, bottom in px; right and bottom are the first outside."""


@dataclass(frozen=True, eq=False)
class NetworkCamera:
    """Pinhole camera, ``x_cam = R x_world + t``.

    Attributes:
        R: (3, 3) float32.
        t: (3, 1) float32, mm.
        K: (3, 3) float32, px of the current picture.
        dist: (5,) float32 lens of the full picture, k1 k2 p1 p2 k3; carried, not applied here.
        name: Camera identity.
    """

    R: Float32s
    t: Float32s
    K: Float32s
    dist: Float32s
    name: str = ""

    @classmethod
    def of(
        cls, R: ArrayLike, t: ArrayLike, K: ArrayLike, dist: ArrayLike = (0, 0, 0, 0, 0), name: str = ""
    ) -> NetworkCamera:
        """Round anything array-like to the float32 arrays of the label file."""
        return cls(
            R=np.array(R, np.float32).reshape(3, 3),
            t=np.array(t, np.float32).reshape(3, 1),
            K=np.array(K, np.float32).reshape(3, 3),
            dist=np.array(dist, np.float32).ravel(),
            name=name,
        )

    def cropped(self, box: Box) -> NetworkCamera:
        """The camera of the part ``box`` (left, top, right, bottom) of the picture."""
        K = self.K.copy()
        K[0, 2] -= np.float32(box[0])
        K[1, 2] -= np.float32(box[1])
        return replace(self, K=K)

    def resized(self, before: tuple[int, int], after: tuple[int, int]) -> NetworkCamera:
        """The camera after scaling the picture.

        Args:
            before: (rows, columns) of the picture.
            after: (rows, columns) of the scaled one.
        """
        K = self.K.copy()
        for axis in (0, 1):
            # Rounded before it is multiplied, as the recorded cameras were.
            scale = np.float32(after[1 - axis] / before[1 - axis])
            K[axis, axis] *= scale
            K[axis, 2] *= scale
        return replace(self, K=K)

    @property
    def projection(self) -> Float32s:
        """(3, 4) float32 ``K [R | t]``: world mm to homogeneous px."""
        return self.K @ np.hstack([self.R, self.t])

    def project(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """(N, 2) px of world points (N, 3) mm."""
        homogeneous = np.column_stack([points, np.ones(len(points))]) @ self.projection.T.astype(np.float64)
        pixels: NDArray[np.float64] = homogeneous[:, :2] / homogeneous[:, 2:]
        return pixels


def scaled_box(box: Box, scale: float) -> Box:
    """The box with both sides scaled about its (rounded-down) centre."""
    left, top, right, bottom = box
    width, height = int(scale * (right - left)), int(scale * (bottom - top))
    new_left = (left + right) // 2 - width // 2
    new_top = (top + bottom) // 2 - height // 2
    return new_left, new_top, new_left + width, new_top + height


def square_box(box: Box) -> Box:
    """The box with its shorter side grown to the longer one."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    if width > height:
        top = (top + bottom) // 2 - width // 2
        return left, top, right, top + width
    left = (left + right) // 2 - height // 2
    return left, top, left + height, bottom
