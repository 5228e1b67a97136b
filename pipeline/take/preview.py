"""``preview.mp4``: what was captured, for someone without our program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from pipeline.frames.frame import Image
from pipeline.take.instants import Instant, instants
from pipeline.take.rendering.text import draw_text, fit_text
from pipeline.take.rendering.theme import BACKGROUND, DIM, FAIR, LEFT, LINE, PANEL, RIGHT, TEXT
from pipeline.take.rendering.tile_grid import TileGrid, arrange
from pipeline.take.scene import TakeScene, time_code

PREVIEW_FILE = "preview.mp4"
MOST_FPS = 15.0
LONGEST_S = 180.0
"""Longer takes are previewed up to here; the whole is in the videos."""

_WIDTH, _GAP, _HEADER, _BANNER = 1280, 8, 46, 26
_SWAY = np.deg2rad(22.0)
_SWAY_S = 14.0


def write_preview(scene: TakeScene, path: Path, progress: Callable[[float], None] | None = None) -> bool:
    """Write the preview video: camera pictures with keypoints beside the 3D skeleton.

    Real presentation times, at most ``MOST_FPS`` pictures a second, H.264.

    Args:
        scene: The take.
        path: File to write; replaced only when the new one is whole.
        progress: Called with the part done, 0 to 1.

    Returns:
        False when the take holds no instant to show, and no file was written.
    """
    numbers = preview_instants(scene)
    if not numbers:
        return False
    board = PreviewBoard(scene)
    shown = instants(scene.take, scene.poses, scene.timeline, numbers)
    start_ns = int(scene.timeline.times_ns[numbers[0]])
    partial = path.with_name(f".partial-{path.name}")
    try:
        with _H264File(partial, board.size) as video:
            for done, instant in enumerate(_ahead(shown)):
                video.write(board.draw(instant), (instant.time_ns - start_ns) / 1e9)
                if progress is not None:
                    progress((done + 1) / len(numbers))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return True


def preview_instants(scene: TakeScene) -> list[int]:
    """Which instants are shown: every so many, up to ``LONGEST_S``."""
    times = scene.timeline.times_ns
    if len(times) == 0:
        return []
    # A few per cent faster than MOST_FPS is no reason to halve the rate.
    step = max(1, int(np.ceil(scene.timeline.rate_hz / MOST_FPS - 0.05)))
    last = int(np.searchsorted(times, times[0] + LONGEST_S * 1e9))
    return list(range(0, last, step))


def _ahead(shown: Iterator[Instant]) -> Iterator[Instant]:
    """Decode the next pictures in a thread while the present ones are drawn."""
    with ThreadPoolExecutor(1, thread_name_prefix="preview-decode") as decoder:
        coming = decoder.submit(next, shown, None)
        while (instant := coming.result()) is not None:
            coming = decoder.submit(next, shown, None)
            yield instant


class PreviewBoard:
    """Lays out one picture of the preview and draws it."""

    def __init__(self, scene: TakeScene) -> None:
        self._scene = scene
        header = scene.take.header
        has_view = scene.viewpoint is not None
        left = round(_WIDTH * 0.6) if has_view else _WIDTH
        self._grid: TileGrid = arrange(scene.sizes, (left - 2 * _GAP, 640))
        if has_view:  # the view takes what portrait pictures leave
            left = min(left, self._grid.size[0] + 2 * _GAP)
        body = max(self._grid.size[1], 420)
        self._top = _HEADER + (_BANNER if header.label else 0) + _GAP
        height = self._top + body + _GAP
        self.size = (_WIDTH, height + height % 2)  # H.264 wants even sides
        self._offset = (
            _GAP if has_view else (_WIDTH - self._grid.size[0]) // 2,
            self._top + (body - self._grid.size[1]) // 2,
        )
        self._view_left = left
        self._view = scene.view((_WIDTH - left - _GAP, body)) if has_view else None
        self._backdrop = self._draw_backdrop()

    def draw(self, instant: Instant) -> Image:
        """The (H, W, 3) BGR picture of one instant."""
        scene = self._scene
        board: Image = self._backdrop.copy()
        for at, (left, top, width, height) in enumerate(self._grid.tiles):
            x, y = left + self._offset[0], top + self._offset[1]
            board[y : y + height, x : x + width] = scene.tile(instant, at, (width, height))
        seconds = scene.seconds(instant.time_ns)
        if self._view is not None and scene.viewpoint is not None:
            viewpoint = scene.viewpoint.turned(_SWAY * float(np.sin(2 * np.pi * seconds / _SWAY_S)))
            picture = self._view.draw(viewpoint, list(instant.joints), instant.person)
            self._count(picture, instant)
            height, width = picture.shape[:2]
            board[self._top : self._top + height, self._view_left : self._view_left + width] = picture
        draw_text(
            board, time_code(seconds), (_WIDTH - 14, _HEADER // 2), TEXT, size=19, bold=True, anchor="right"
        )
        return board

    def _count(self, picture: Image, instant: Instant) -> None:
        if self._scene.poses is None:
            text = "cameras only: no poses in this take"
        elif len(instant.person) == 1:
            there = int(np.isfinite(instant.joints[0, :, 0]).sum())
            text = f"{there} of {instant.joints.shape[1]} joints"
        else:
            text = f"{len(instant.person)} people" if instant.person else "nobody"
        draw_text(picture, text, (12, picture.shape[0] - 16), DIM, size=12)

    def _draw_backdrop(self) -> Image:
        header = self._scene.take.header
        board: Image = np.full((self.size[1], self.size[0], 3), BACKGROUND, np.uint8)
        board[:_HEADER] = PANEL
        board[_HEADER - 1] = LINE
        middle = _HEADER // 2
        x = 14 + draw_text(
            board, fit_text(header.name, 520, size=18, bold=True), (14, middle), TEXT, size=18, bold=True
        )
        details = [header.pipeline] if header.pipeline else []
        if self._scene.poses is not None:
            details.append(self._scene.poses.skeleton)
        details.append(f"{len(header.cameras)} cameras" if len(header.cameras) != 1 else "1 camera")
        draw_text(board, fit_text("  ·  ".join(details), 420, size=13), (x + 16, middle), DIM, size=13)
        if self._scene.style is not None:
            x = _WIDTH - 150
            for text, colour in (("right", RIGHT), ("left", LEFT)):
                x -= 14 + draw_text(board, text, (x, middle), colour, size=13, bold=True, anchor="right")
        if header.label:
            banner = board[_HEADER : _HEADER + _BANNER]
            banner[...] = (np.array(FAIR) * 0.22 + np.array(BACKGROUND) * 0.78).astype(np.uint8)
            text = fit_text(header.label, _WIDTH - 28, size=14, bold=True)
            draw_text(
                board, text, (_WIDTH // 2, _HEADER + _BANNER // 2), FAIR, size=14, bold=True, anchor="centre"
            )
        return board


class _H264File:
    """An ``.mp4`` that starts to play at once."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._container: Any = av.open(
            str(path), "w", format="mp4", container_options={"movflags": "faststart"}
        )
        stream = self._container.add_stream("libx264", rate=Fraction(MOST_FPS).limit_denominator(1000))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.options = {"preset": "superfast", "crf": "20"}
        self._stream = stream
        self._last = -1

    def write(self, picture: Image, seconds: float) -> None:
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        self._last = max(self._last + 1, round(seconds * 1000))
        frame.pts = self._last
        frame.time_base = Fraction(1, 1000)
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> _H264File:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()
