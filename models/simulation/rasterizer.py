"""From surfaces at rest to pixels: bending, projecting, finding the nearest triangle."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from models.simulation.compiled import compiled

Single = NDArray[np.float32]

NEAR_MM = 200.0
NOBODY_MM = 1e9
"""Depth of a pixel that shows nobody; not infinity, which fast arithmetic does not know."""

WIDEST = 1.6
"""Squared tangent of the view angle beyond which lens polynomials are not trusted (about 52 degrees)."""


@compiled
def bend(
    vertices: Single,
    normals: Single,
    bones: NDArray[np.uint8],
    weights: Single,
    skinning: Single,
    points: Single,
    turned: Single,
) -> None:
    """Move surface points with their bones (linear blend skinning).

    Args:
        vertices: (V, 3) at rest.
        normals: (V, 3) at rest.
        bones: (V, K) rows of ``skinning``.
        weights: (V, K).
        skinning: (B, 3, 4) from rest to world.
        points: (V, 3) is filled, mm in world.
        turned: (V, 3) is filled with unit normals in world.
    """
    m = np.empty(12, np.float32)
    for n in range(vertices.shape[0]):
        first = skinning[bones[n, 0]]
        w = weights[n, 0]
        for i in range(3):
            for j in range(4):
                m[4 * i + j] = w * first[i, j]
        for k in range(1, bones.shape[1]):
            w = weights[n, k]
            if w == np.float32(0.0):
                continue
            matrix = skinning[bones[n, k]]
            for i in range(3):
                for j in range(4):
                    m[4 * i + j] += w * matrix[i, j]
        x, y, z = vertices[n, 0], vertices[n, 1], vertices[n, 2]
        points[n, 0] = m[0] * x + m[1] * y + m[2] * z + m[3]
        points[n, 1] = m[4] * x + m[5] * y + m[6] * z + m[7]
        points[n, 2] = m[8] * x + m[9] * y + m[10] * z + m[11]
        x, y, z = normals[n, 0], normals[n, 1], normals[n, 2]
        a = m[0] * x + m[1] * y + m[2] * z
        b = m[4] * x + m[5] * y + m[6] * z
        c = m[8] * x + m[9] * y + m[10] * z
        length = np.float32(1.0) / np.float32(sqrt(a * a + b * b + c * c + np.float32(1e-12)))
        turned[n, 0], turned[n, 1], turned[n, 2] = a * length, b * length, c * length


@compiled
def project(
    points: Single, lens: Single, screen: Single
) -> tuple[np.floating, np.floating, np.floating, np.floating]:
    """Image of world points through a pinhole lens with distortion.

    Args:
        points: (V, 3) mm.
        lens: (21,): R row by row, t, fx, fy, cx, cy, k1, k2, p1, p2, k3.
        screen: (V, 3) is filled with u, v in px and depth in mm; depth -1 where the lens does not reach.

    Returns:
        Smallest u, v and largest u, v of the points it does reach.
    """
    r0, r1, r2 = lens[0], lens[1], lens[2]
    r3, r4, r5 = lens[3], lens[4], lens[5]
    r6, r7, r8 = lens[6], lens[7], lens[8]
    tx, ty, tz = lens[9], lens[10], lens[11]
    fx, fy, cx, cy = lens[12], lens[13], lens[14], lens[15]
    k1, k2, p1, p2, k3 = lens[16], lens[17], lens[18], lens[19], lens[20]
    left, top, right, bottom = np.float32(1e9), np.float32(1e9), np.float32(-1e9), np.float32(-1e9)
    one, two = np.float32(1.0), np.float32(2.0)
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        depth = r6 * x + r7 * y + r8 * z + tz
        if depth < np.float32(NEAR_MM):
            screen[n, 2] = np.float32(-1.0)
            continue
        inverse = one / depth
        a = (r0 * x + r1 * y + r2 * z + tx) * inverse
        b = (r3 * x + r4 * y + r5 * z + ty) * inverse
        q = a * a + b * b
        if q > np.float32(WIDEST):
            screen[n, 2] = np.float32(-1.0)
            continue
        radial = one + q * (k1 + q * (k2 + q * k3))
        u = fx * (a * radial + two * p1 * a * b + p2 * (q + two * a * a)) + cx
        v = fy * (b * radial + p1 * (q + two * b * b) + two * p2 * a * b) + cy
        screen[n, 0], screen[n, 1], screen[n, 2] = u, v, depth
        left, right = min(left, u), max(right, u)
        top, bottom = min(top, v), max(bottom, v)
    return left, top, right, bottom


@compiled
def find_nearest(screen: Single, faces: NDArray[np.int32], depth: Single, winner: NDArray[np.int32]) -> None:
    """For each pixel the nearest triangle whose outside faces the camera.

    Args:
        screen: (V, 3) from ``project``.
        faces: (F, 3), anticlockwise from outside.
        depth: (H, W) mm, lowered where a triangle is nearer.
        winner: (H, W) number of that triangle.
    """
    height, width = depth.shape
    zero = np.float32(0.0)
    for f in range(faces.shape[0]):
        # unsigned, because signed indices may count from the end, which takes time to check
        ia, ib, ic = np.uintp(faces[f, 0]), np.uintp(faces[f, 1]), np.uintp(faces[f, 2])
        ax, ay, az = screen[ia, 0], screen[ia, 1], screen[ia, 2]
        bx, by, bz = screen[ib, 0], screen[ib, 1], screen[ib, 2]
        cx, cy, cz = screen[ic, 0], screen[ic, 1], screen[ic, 2]
        # y points down in pictures, so that outside faces have a negative signed area
        area = (cx - ax) * (by - ay) - (bx - ax) * (cy - ay)
        if area <= np.float32(1e-6) or az < zero or bz < zero or cz < zero:
            continue
        first_row = max(0, int(np.ceil(min(ay, by, cy))))
        last_row = min(height - 1, int(np.floor(max(ay, by, cy))))
        first_column = max(0, int(np.ceil(min(ax, bx, cx))))
        last_column = min(width - 1, int(np.floor(max(ax, bx, cx))))
        if first_row > last_row or first_column > last_column:
            continue
        inverse = np.float32(1.0) / area
        # weight of b and c as linear functions of the pixel
        b_u, b_v = -(cy - ay) * inverse, (cx - ax) * inverse
        c_u, c_v = (by - ay) * inverse, -(bx - ax) * inverse
        dz_b, dz_c = bz - az, cz - az
        x = np.float32(first_column) - ax
        for row in range(first_row, last_row + 1):
            y = np.float32(row) - ay
            wb = b_u * x + b_v * y
            wc = c_u * x + c_v * y
            i = np.uintp(row)
            for column in range(first_column, last_column + 1):
                if min(wb, wc, np.float32(1.0) - wb - wc) >= zero:
                    z = az + wb * dz_b + wc * dz_c
                    j = np.uintp(column)
                    if z < depth[i, j]:
                        depth[i, j] = z
                        winner[i, j] = f
                wb += b_u
                wc += c_u
