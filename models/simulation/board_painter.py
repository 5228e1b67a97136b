"""Paints a flat board and the hand that holds it into a picture: exact edges, lens, motion blur."""

from __future__ import annotations

from math import floor, sqrt

import numpy as np
from numpy.typing import NDArray

from models.simulation.compiled import compiled

MAGIC = np.array([7, 0, 5, 2, 4, 6, 3, 8, 1])
"""Order in time of the three by three rays of a pixel, row by row. A magic square: no direction in the pixel
goes with time, so motion blurs a picture without moving it."""


@compiled
def paint_board(
    picture: NDArray[np.uint8],
    rays: NDArray[np.float32],
    plane: NDArray[np.float64],
    motion_px: float,
    most_mm: float,
    squares: NDArray[np.int32],
    markers: NDArray[np.uint8],
    table: NDArray[np.uint8],
    sizes: NDArray[np.float64],
    colours: NDArray[np.float32],
    plain: bool,
    hand: NDArray[np.float64],
    depth: NDArray[np.float32],
    box: tuple[int, int, int, int],
) -> None:
    """Paint over a picture of what is behind the board.

    Args:
        picture: (H, W, 3) BGR, screen levels (gamma 2).
        rays: (H + 2, W + 2, 2) x/z and y/z of the ideal ray of every pixel and of one row and column around.
        plane: (9 * passes, 3, 3) from ray (x/z, y/z, 1) to (x, y, 1) / depth on the board, in the order of
            rays in a pixel, pass after pass; each for its own moment of the exposure.
        motion_px: How far the board moves in the picture during the exposure.
        most_mm: Nothing of a pixel lies farther than this from its middle, on the board.
        squares: Of the pattern.
        markers: Of the pattern.
        table: Of the pattern.
        sizes: square_mm, marker_mm, margin_mm.
        colours: (4, 3) linear red, green, blue of ink, paper, skin and sleeve, lit.
        plain: Whether this side shows paper only.
        hand: (K, 6) capsules over the board: x, y of both ends, radius (mm on the board), and row of
            ``colours``.
        depth: (H, W) mm to people, along the optical axis; what is behind them is not painted. Or (1, 1) for
            none.
        box: First row, first column, end row, end column to look at.
    """
    count = plane.shape[0]
    rows, columns = squares.shape
    square, marker, margin = sizes[0], sizes[1], sizes[2]
    width, height = columns * square, rows * square
    low_x, low_y, high_x, high_y = -margin, -margin, width + margin, height + margin
    hand_low_x, hand_low_y, hand_high_x, hand_high_y = 1e9, 1e9, -1e9, -1e9
    for k in range(hand.shape[0]):
        hand_low_x = min(hand_low_x, min(hand[k, 0], hand[k, 2]) - hand[k, 4])
        hand_low_y = min(hand_low_y, min(hand[k, 1], hand[k, 3]) - hand[k, 4])
        hand_high_x = max(hand_high_x, max(hand[k, 0], hand[k, 2]) + hand[k, 4])
        hand_high_y = max(hand_high_y, max(hand[k, 1], hand[k, 3]) + hand[k, 4])
    levels = np.empty((2, 3), np.uint8)
    for kind in range(2):
        for channel in range(3):
            level = 255.0 * sqrt(float(colours[kind, 2 - channel])) + 0.5
            levels[kind, channel] = np.uint8(min(level, 255.0))
    people = depth.shape[0] > 1
    flat = table.ravel()
    across, deep = np.int32(columns + 2), np.int32(table.shape[3])
    per_square = np.float32(1.0 / square)
    cells_per_square = np.float32(square / marker * markers.shape[1])
    first_cell = np.float32(0.5 * (square - marker) / marker * markers.shape[1] - 1.0)
    last_cell = np.float32(markers.shape[1] + 1)
    mid = plane[4]
    m = np.ascontiguousarray(plane.reshape(count, 9).T).astype(np.float32)
    # one after the other for all moments, which lets the compiler do several at once
    shift_u, shift_v = np.empty(count, np.float32), np.empty(count, np.float32)
    for s in range(count):
        shift_u[s] = np.float32((s % 9 % 3 - 1) / 3.0)
        shift_v[s] = np.float32((s % 9 // 3 - 1) / 3.0)
    xs, ys = np.empty(count, np.float32), np.empty(count, np.float32)
    for row in range(box[0], box[2]):
        for column in range(box[1], box[3]):
            x, y = float(rays[row + 1, column + 1, 0]), float(rays[row + 1, column + 1, 1])
            w = mid[2, 0] * x + mid[2, 1] * y + mid[2, 2]
            if w <= 1e-6:
                continue
            inverse = 1.0 / w
            bx = (mid[0, 0] * x + mid[0, 1] * y + mid[0, 2]) * inverse
            by = (mid[1, 0] * x + mid[1, 1] * y + mid[1, 2]) * inverse
            if (
                bx < min(low_x, hand_low_x) - most_mm
                or bx > max(high_x, hand_high_x) + most_mm
                or by < min(low_y, hand_low_y) - most_mm
                or by > max(high_y, hand_high_y) + most_mm
            ):
                continue
            if people and float(depth[row, column]) * w < 1.0:
                continue
            xu = 0.5 * (float(rays[row + 1, column + 2, 0]) - float(rays[row + 1, column, 0]))
            yu = 0.5 * (float(rays[row + 1, column + 2, 1]) - float(rays[row + 1, column, 1]))
            xv = 0.5 * (float(rays[row + 2, column + 1, 0]) - float(rays[row, column + 1, 0]))
            yv = 0.5 * (float(rays[row + 2, column + 1, 1]) - float(rays[row, column + 1, 1]))
            # how far on the board one px reaches, at most
            a = ((mid[0, 0] - bx * mid[2, 0]) * xu + (mid[0, 1] - bx * mid[2, 1]) * yu) * inverse
            b = ((mid[1, 0] - by * mid[2, 0]) * xu + (mid[1, 1] - by * mid[2, 1]) * yu) * inverse
            c = ((mid[0, 0] - bx * mid[2, 0]) * xv + (mid[0, 1] - bx * mid[2, 1]) * yv) * inverse
            d = ((mid[1, 0] - by * mid[2, 0]) * xv + (mid[1, 1] - by * mid[2, 1]) * yv) * inverse
            # rays lie up to 0.48 px from the centre, and half of the motion is before the middle moment
            reach = (0.5 + 0.55 * motion_px) * sqrt(a * a + b * b + c * c + d * d)
            by_hand = (
                bx > hand_low_x - reach
                and bx < hand_high_x + reach
                and by > hand_low_y - reach
                and by < hand_high_y + reach
            )
            if not by_hand:
                if bx < low_x - reach or bx > high_x + reach or by < low_y - reach or by > high_y + reach:
                    continue
                if _uniform(bx, by, reach, squares, markers, square, marker, margin, plain):
                    kind = _kind(bx, by, squares, markers, square, marker, margin, plain)
                    if kind >= 0:
                        picture[row, column, 0] = levels[kind, 0]
                        picture[row, column, 1] = levels[kind, 1]
                        picture[row, column, 2] = levels[kind, 2]
                    continue
            x32, y32 = np.float32(x), np.float32(y)
            xu32, yu32, xv32, yv32 = np.float32(xu), np.float32(yu), np.float32(xv), np.float32(yv)
            for s in range(count):
                sx = x32 + shift_u[s] * xu32 + shift_v[s] * xv32
                sy = y32 + shift_u[s] * yu32 + shift_v[s] * yv32
                nearness = np.float32(1.0) / (m[6, s] * sx + m[7, s] * sy + m[8, s])
                xs[s] = (m[0, s] * sx + m[1, s] * sy + m[2, s]) * nearness
                ys[s] = (m[3, s] * sx + m[4, s] * sy + m[5, s]) * nearness
            ink, paper = np.int32(0), np.int32(0)
            inside = min(bx - low_x, high_x - bx, by - low_y, high_y - by)
            if not by_hand and not plain and inside > reach:
                # most of the time is spent here: no branch, so that nothing has to be guessed
                for s in range(count):
                    gx = xs[s] * per_square + np.float32(1.0)
                    gy = ys[s] * per_square + np.float32(1.0)
                    cx, cy = np.int32(gx), np.int32(gy)
                    jx = (gx - np.float32(cx)) * cells_per_square - first_cell
                    jy = (gy - np.float32(cy)) * cells_per_square - first_cell
                    ix = np.int32(min(max(jx, np.float32(0.0)), last_cell))
                    iy = np.int32(min(max(jy, np.float32(0.0)), last_cell))
                    ink += np.int32(flat[np.uintp(((cy * across + cx) * deep + iy) * deep + ix)])
                share = np.float32(ink) / np.float32(count)
                for channel in range(3):
                    level32 = colours[1, 2 - channel]
                    level32 += share * (colours[0, 2 - channel] - colours[1, 2 - channel])
                    level32 = np.float32(255.0) * np.float32(sqrt(level32)) + np.float32(0.5)
                    picture[row, column, channel] = np.uint8(min(level32, np.float32(255.0)))
                continue
            red, green, blue, others = 0.0, 0.0, 0.0, 0
            for s in range(count):
                if by_hand:
                    kind, shade = _hand(float(xs[s]), float(ys[s]), hand)
                    if kind >= 0:
                        others += 1
                        red += shade * colours[kind, 0]
                        green += shade * colours[kind, 1]
                        blue += shade * colours[kind, 2]
                        continue
                kind = _kind(float(xs[s]), float(ys[s]), squares, markers, square, marker, margin, plain)
                ink += 1 if kind == 0 else 0
                paper += 1 if kind == 1 else 0
            behind = (count - ink - paper - others) / (255.0 * 255.0)
            if ink + paper + others == 0:
                continue
            red += ink * colours[0, 0] + paper * colours[1, 0]
            green += ink * colours[0, 1] + paper * colours[1, 1]
            blue += ink * colours[0, 2] + paper * colours[1, 2]
            if behind > 0:
                blue += behind * float(picture[row, column, 0]) ** 2
                green += behind * float(picture[row, column, 1]) ** 2
                red += behind * float(picture[row, column, 2]) ** 2
            picture[row, column, 0] = np.uint8(min(255.0 * sqrt(blue / count) + 0.5, 255.0))
            picture[row, column, 1] = np.uint8(min(255.0 * sqrt(green / count) + 0.5, 255.0))
            picture[row, column, 2] = np.uint8(min(255.0 * sqrt(red / count) + 0.5, 255.0))


@compiled
def _kind(
    bx: float,
    by: float,
    squares: NDArray[np.int32],
    markers: NDArray[np.uint8],
    square: float,
    marker: float,
    margin: float,
    plain: bool,
) -> int:
    """0 for ink, 1 for paper, -1 beside the board."""
    rows, columns = squares.shape
    if bx < -margin or by < -margin or bx > columns * square + margin or by > rows * square + margin:
        return -1
    if plain or bx < 0.0 or by < 0.0 or bx >= columns * square or by >= rows * square:
        return 1
    column, row = np.int32(bx / square), np.int32(by / square)
    what = squares[row, column]
    if what < 0:
        return 0 if what == -1 else 1
    side = markers.shape[1]
    border = 0.5 * (square - marker)
    x, y = bx - column * square - border, by - row * square - border
    if x < 0.0 or y < 0.0 or x >= marker or y >= marker:
        return 1
    scale = side / marker
    return 0 if markers[what, np.int32(y * scale), np.int32(x * scale)] == 1 else 1


@compiled
def _uniform(
    bx: float,
    by: float,
    reach: float,
    squares: NDArray[np.int32],
    markers: NDArray[np.uint8],
    square: float,
    marker: float,
    margin: float,
    plain: bool,
) -> bool:
    """Whether the board has one colour within ``reach`` mm of a spot; False when in doubt."""
    rows, columns = squares.shape
    inside = min(bx, columns * square - bx, by, rows * square - by)
    if inside + margin < reach:
        return False
    if plain or inside < -reach:
        return True
    if inside < reach:
        return False
    column, row = floor(bx / square), floor(by / square)
    x, y = bx - column * square, by - row * square
    edge = min(x, square - x, y, square - y)
    if edge < reach:
        return False
    what = squares[row, column]
    if what < 0:
        return True
    border = 0.5 * (square - marker)
    if edge < border - reach:
        return True
    if edge < border + reach:
        return False
    cell = marker / markers.shape[1]
    x, y = (x - border) / cell, (y - border) / cell
    x, y = x - floor(x), y - floor(y)
    return bool(cell * min(x, 1.0 - x, y, 1.0 - y) > reach)


@compiled
def _hand(bx: float, by: float, hand: NDArray[np.float64]) -> tuple[int, float]:
    """Row of the colours and how bright, or -1; what comes later in the list lies on top."""
    for k in range(hand.shape[0] - 1, -1, -1):
        ax, ay = hand[k, 0], hand[k, 1]
        ux, uy = hand[k, 2] - ax, hand[k, 3] - ay
        along = ((bx - ax) * ux + (by - ay) * uy) / max(ux * ux + uy * uy, 1e-9)
        along = min(1.0, max(0.0, along))
        gx, gy = bx - ax - along * ux, by - ay - along * uy
        away = (gx * gx + gy * gy) / (hand[k, 4] * hand[k, 4])
        if away < 1.0:
            # round, so darker towards its edges
            return int(hand[k, 5]), 0.45 + 0.55 * sqrt(1.0 - away)
    return -1, 1.0
