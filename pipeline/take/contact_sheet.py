"""``contact_sheet.png``: a few instants of a take on one page."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from configs.atomic_file import write_atomic
from pipeline.frames.frame import Image
from pipeline.take.instants import instants
from pipeline.take.rendering.camera_tile import fitted_size
from pipeline.take.rendering.text import draw_text, fit_text
from pipeline.take.rendering.theme import BACKGROUND, DIM, FAIR, LEFT, LINE, PANEL, RIGHT, TEXT
from pipeline.take.scene import TakeScene, time_code

CONTACT_SHEET_FILE = "contact_sheet.png"
INSTANTS = 6

_GAP, _MARGIN, _HEADER, _GUTTER = 8, 16, 56, 98


def write_contact_sheet(scene: TakeScene, path: Path) -> bool:
    """Write the contact sheet: per instant the cameras' pictures with keypoints, then the 3D skeleton.

    Returns:
        False when the take holds no instant to show, and no file was written.
    """
    numbers = spread_instants(scene, INSTANTS)
    if not numbers:
        return False
    encoded, data = cv2.imencode(".png", draw_contact_sheet(scene, numbers))
    assert encoded
    write_atomic(path, data.tobytes())
    return True


def spread_instants(scene: TakeScene, count: int) -> list[int]:
    """Evenly spread instants, each moved to the nearest one where most people and pictures are there."""
    total = len(scene.timeline)
    if total <= count:
        return list(range(total))
    pictures = (scene.timeline.rows >= 0).sum(axis=1)
    people = np.zeros(total, int)
    if scene.poses is not None:
        people = (scene.poses.person >= 0).sum(axis=1)
    worth = people * (pictures.max() + 1) + pictures
    borders = np.linspace(0, total, count + 1).round().astype(int)
    chosen = []
    for start, stop in pairwise(borders):
        candidates = np.flatnonzero(worth[start:stop] == worth[start:stop].max()) + start
        chosen.append(int(candidates[np.abs(candidates - (start + stop) // 2).argmin()]))
    return chosen


def draw_contact_sheet(scene: TakeScene, numbers: list[int]) -> Image:
    """The (H, W, 3) BGR page with the given instants."""
    columns = len(scene.sizes) + (scene.viewpoint is not None)
    cell_width = int(np.clip(1900 // columns, 150, 400))
    tiles = [fitted_size(size, (cell_width, cell_width)) for size in scene.sizes]
    row_height = max(height for _, height in tiles)
    view_size = (max(cell_width, round(row_height * 0.9)), row_height)
    width = _MARGIN * 2 + _GUTTER + sum(tile[0] + _GAP for tile in tiles)
    width += view_size[0] if scene.viewpoint is not None else -_GAP
    height = _HEADER + _MARGIN + len(numbers) * (row_height + _GAP) - _GAP + _MARGIN
    page: Image = np.full((height, width, 3), BACKGROUND, np.uint8)
    _header(page, scene)
    view = scene.view(view_size) if scene.viewpoint is not None else None
    # Small pictures: closer to the people, even if cameras are left out.
    viewpoint = scene.viewpoint.closer(0.62) if scene.viewpoint is not None else None
    for row, instant in enumerate(instants(scene.take, scene.poses, scene.timeline, numbers)):
        top = _HEADER + _MARGIN + row * (row_height + _GAP)
        middle = top + row_height // 2
        draw_text(
            page, time_code(scene.seconds(instant.time_ns)), (_MARGIN, middle - 9), TEXT, size=14, bold=True
        )
        draw_text(page, f"#{instant.number}", (_MARGIN, middle + 10), DIM, size=12)
        x = _MARGIN + _GUTTER
        for at, (tile_width, tile_height) in enumerate(tiles):
            y = top + (row_height - tile_height) // 2
            page[y : y + tile_height, x : x + tile_width] = scene.tile(instant, at, (tile_width, tile_height))
            x += tile_width + _GAP
        if view is not None and viewpoint is not None:
            picture = view.draw(viewpoint, list(instant.joints), instant.person)
            page[top : top + row_height, x : x + view_size[0]] = picture
    return page


def _header(page: Image, scene: TakeScene) -> None:
    header = scene.take.header
    page[:_HEADER] = PANEL
    page[_HEADER - 1] = LINE
    middle = _HEADER // 2
    width = page.shape[1]
    x = _MARGIN + draw_text(
        page,
        fit_text(header.name, width // 2, size=20, bold=True),
        (_MARGIN, middle),
        TEXT,
        size=20,
        bold=True,
    )
    right = width - _MARGIN
    if scene.style is not None:
        for text, colour in (("right", RIGHT), ("left", LEFT)):
            right -= 14 + draw_text(page, text, (right, middle), colour, size=14, bold=True, anchor="right")
    room = right - x - 40
    text = header.label or header.wall_time[:19].replace("T", " ")
    colour = FAIR if header.label else DIM
    draw_text(page, fit_text(text, room, size=14), (x + 20, middle), colour, size=14, bold=bool(header.label))
