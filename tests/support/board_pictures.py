"""Pictures of a board as a camera would take them, with corners known exactly."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from calibration.board import Board
from calibration.board_print import draw
from calibration.board_sheet import lay_out
from calibration.camera import Camera

OVERSAMPLING = 3  # rays per pixel and direction


@dataclass(frozen=True)
class BoardPicture:
    """A (H, W) grey picture and the (N, 2) px of all corners in it, NaN where outside."""

    grey: np.ndarray
    corners: np.ndarray


def camera_over_board(
    board: Board,
    *,
    size=(1280, 720),
    focal=1000.0,
    distance_mm=None,
    tilt_deg=(20.0, -15.0),
    roll_deg=10.0,
    shift_mm=(0.0, 0.0),
    distortion=(-0.12, 0.05, 0.001, -0.0005, 0.0),
) -> Camera:
    """A camera that looks at the middle of the board; the board's frame is the world."""
    if distance_mm is None:
        distance_mm = 2.4 * focal * max(board.size_mm) / size[0]
    tilt_x, tilt_y, roll = np.radians([*tilt_deg, roll_deg])
    R = (
        cv2.Rodrigues(np.array([0, 0, roll]))[0]
        @ cv2.Rodrigues(np.array([tilt_x, 0, 0]))[0]
        @ cv2.Rodrigues(np.array([0, tilt_y, 0]))[0]
    )
    middle = np.array([board.size_mm[0] / 2 + shift_mm[0], board.size_mm[1] / 2 + shift_mm[1], 0])
    K = np.array([[focal, 0, size[0] / 2 - 3.3], [0, focal * 1.01, size[1] / 2 + 4.7], [0, 0, 1.0]])
    return Camera(
        "cam", size, "pinhole", K, np.array(distortion), R, np.array([0, 0, distance_mm]) - R @ middle
    )


def take_picture(
    board: Board,
    camera: Camera,
    *,
    blur_px=0.5,
    noise=2.0,
    from_behind=False,
    background=None,
    seed=0,
) -> BoardPicture:
    """Film the printed sheet.

    Args:
        board: What is printed.
        camera: Its world is the board's frame.
        blur_px: Standard deviation of the blur.
        noise: Standard deviation in grey values.
        from_behind: The picture is mirrored, as if the print shone through and was filmed from there.
        background: (H, W) grey around the sheet; None for a gentle pattern.
        seed: Of the noise.
    """
    rng = np.random.default_rng(seed)
    sheet = lay_out(board, "fit")
    # A whole number: every edge at whole mm is then exactly where it belongs.
    px_per_mm = int(min(8.0, 4000 / max(sheet.size_mm)))
    texture = draw(sheet, px_per_mm * 25.4).astype(np.float32)
    width, height = camera.size
    steps = (np.arange(OVERSAMPLING) + 0.5) / OVERSAMPLING - 0.5
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float64)
    origin, directions = camera.unproject(pixels)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = -origin[2] / directions[..., 2]
        at = origin[:2] + distance[..., None] * directions[..., :2]
    at[~(distance > 0)] = np.nan
    # Texture pixel k covers k to k + 1 of the page.
    on_page = (at + sheet.origin_mm) * (np.array(texture.shape[::-1]) / sheet.size_mm) - 0.5
    # Within a pixel the map is straight: its second derivative is 1e-3 of a pixel of the page here.
    down, right = np.gradient(on_page, axis=(0, 1))
    total = np.zeros((height, width))
    for step_y in steps:
        for step_x in steps:
            where = np.nan_to_num(on_page + step_x * right + step_y * down, nan=-1e6).astype(np.float32)
            total += cv2.remap(
                texture, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-1e6
            )
    mean = total / OVERSAMPLING**2
    inside = mean >= 0
    picture = np.where(inside, 25 + 200 * mean / 255, 0)
    if background is None:
        y, x = np.indices((height, width))
        background = 110 + 30 * np.sin(x / 90) * np.cos(y / 70)
    picture = np.where(inside, picture, background)
    if blur_px:
        picture = cv2.GaussianBlur(picture, (0, 0), blur_px)
    picture = np.clip(picture + rng.normal(0, noise, picture.shape), 0, 255).round().astype(np.uint8)
    corners = camera.project(board.corners)
    outside = (corners < 0).any(axis=1) | (corners > np.array(camera.size) - 1).any(axis=1)
    corners[outside] = np.nan
    if from_behind:
        picture = np.ascontiguousarray(picture[:, ::-1])
        corners[:, 0] = width - 1 - corners[:, 0]
    return BoardPicture(picture, corners)
