"""A camera's picture with the keypoints found in it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames.frame import Image
from pipeline.take.rendering.figure import FigureStyle
from pipeline.take.rendering.strokes import draw_dot, draw_lines, fixed
from pipeline.take.rendering.text import draw_text, fit_text
from pipeline.take.rendering.theme import BAD, DIM, FAIR, OUTLINE, PANEL, TEXT, score_colour

# Below this 2D score a keypoint is a guess: shown as a ring, its bones thin.
_GUESS = 0.3


def fitted_size(size: tuple[int, int], cell: tuple[int, int]) -> tuple[int, int]:
    """The largest (width, height) of ``size``'s proportions within ``cell``."""
    scale = min(cell[0] / size[0], cell[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def draw_keypoints(
    image: Image,
    keypoints: NDArray[np.float64],
    used: NDArray[np.bool_],
    style: FigureStyle,
    scale: tuple[float, float],
) -> None:
    """Draw one person.

    Args:
        image: (H, W, 3) BGR, changed.
        keypoints: (J, 3) u, v (px of the full picture), score.
        used: (J,) whether the view took part in the joint; others are drawn as rings.
        style: Colours.
        scale: Size of ``image`` relative to the full picture, x and y.
    """
    # Pixel centres: the border of the picture stays on the border.
    points = (keypoints[:, :2] + 0.5) * scale - 0.5
    there: NDArray[np.bool_] = np.all(np.abs(points) < 1e5, axis=1)  # false for NaN
    sure: NDArray[np.bool_] = there & (keypoints[:, 2] >= _GUESS)
    at = fixed(points)
    thick = max(1, round(image.shape[0] / 170))
    drawn = np.asarray(there[style.bones]).all(axis=1)
    firm = np.asarray(sure[style.bones]).all(axis=1)
    draw_lines(image, at[style.bones[firm]], OUTLINE, thick + 2)
    for colour, bones in style.bones_by_colour:
        draw_lines(image, at[style.bones[bones & drawn & ~firm]], colour, 1)
        draw_lines(image, at[style.bones[bones & firm]], colour, thick)
    for joint in np.flatnonzero(there):
        radius = thick * (0.9 if style.small[joint] else 1.5)
        if sure[joint] and used[joint]:
            draw_dot(image, at[joint], radius + 0.8, OUTLINE)
            draw_dot(image, at[joint], radius, style.joint_colours[joint])
        else:
            draw_dot(image, at[joint], radius, style.joint_colours[joint], 1)


def camera_tile(
    picture: Image | None,
    size: tuple[int, int],
    full_size: tuple[int, int],
    name: str,
    *,
    people: list[tuple[NDArray[np.float64], NDArray[np.bool_]]],
    style: FigureStyle | None,
    swapped: bool = False,
    missing: str = "no picture",
) -> Image:
    """One camera at one instant.

    Args:
        picture: BGR picture of any size, or None.
        size: (width, height) px of the tile; the picture's proportions are kept by the caller.
        full_size: Size of the picture that the keypoints are measured in.
        name: Shown in the corner.
        people: Keypoints (J, 3) and used (J,) of each person.
        style: Colours; None when there are no keypoints.
        swapped: Whether left and right were exchanged in this view.
        missing: What to say when there is no picture.

    Returns:
        (height, width, 3) BGR.
    """
    width, height = size
    letters = max(10, min(15, height // 18))
    if picture is None:
        tile: Image = np.full((height, width, 3), PANEL, np.uint8)
        draw_text(tile, missing, (width // 2, height // 2), DIM, size=letters, anchor="centre")
    else:
        shrinks = width < picture.shape[1]
        tile = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)  # type: ignore[assignment]
        if style is not None:
            for keypoints, used in people:
                scale = (width / full_size[0], height / full_size[1])
                draw_keypoints(tile, keypoints, used, style, scale)
    _caption(tile, name, people if picture is not None else [], swapped, letters)
    return tile


def _caption(
    tile: Image,
    name: str,
    people: list[tuple[NDArray[np.float64], NDArray[np.bool_]]],
    swapped: bool,
    letters: int,
) -> None:
    width = tile.shape[1]
    band = letters + 9
    strip = tile[:band]
    strip[...] = (strip * 0.35).astype(np.uint8)
    middle = band // 2
    right = width - 7
    if people:
        score = float(np.mean([keypoints[:, 2].mean() for keypoints, _ in people]))
        text = f"{score:.2f}"
        colour = score_colour(score) if np.isfinite(score) else BAD
        right -= draw_text(tile, text, (right, middle), colour, size=letters, bold=True, anchor="right") + 8
    if swapped:
        right -= draw_text(tile, "L/R repaired", (right, middle), FAIR, size=letters, anchor="right") + 8
    draw_text(tile, fit_text(name, right - 7, size=letters), (7, middle), TEXT, size=letters)
