"""Boards as files for the printer, at true scale: PDF, SVG, PNG.

All three are written here: a board is rectangles and two lines of text, which in PDF and SVG are a few words
per rectangle, and a drawing package would be one more thing to install for every user.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from calibration.board import Board
from calibration.board_sheet import Rectangle, Sheet, Words, lay_out
from configs.atomic_file import write_atomic
from configs.errors import bad_input, did_you_mean

_MM_PER_INCH = 25.4
_POINTS_PER_MM = 72 / _MM_PER_INCH
_MOST_PIXELS = 250_000_000
DEFAULT_DPI = 300


def print_board(path: Path, board: Board, *, page: str | None = None, dpi: int = DEFAULT_DPI) -> Sheet:
    """Write a printable file; its ending says the format.

    Args:
        path: Ends with .pdf, .svg or .png.
        board: What to print.
        page: See ``board_sheet.lay_out``.
        dpi: Of a PNG.

    Returns:
        What is on the page.

    Raises:
        BadInputError: Unknown format, a page that is too small, or a place that cannot be written.
    """
    path = Path(path)
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise bad_input(
            "is no format for a printable board",
            file=path,
            allowed=", ".join(_WRITERS),
            hint=did_you_mean(path.suffix.lower(), _WRITERS),
        )
    sheet = lay_out(board, page)
    write_atomic(path, write(sheet, dpi))
    return sheet


def draw(sheet: Sheet, dpi: float) -> NDArray[np.uint8]:
    """The page as a (H, W) grey picture; every edge is on the pixel border nearest to its true place.

    Raises:
        BadInputError: The picture would be too large.
    """
    scale = dpi / _MM_PER_INCH
    width, height = (round(side * scale) for side in sheet.size_mm)
    if width * height > _MOST_PIXELS or min(width, height) < 1:
        most = int(_MM_PER_INCH * np.sqrt(_MOST_PIXELS / np.prod(sheet.size_mm)))
        raise bad_input(
            f"makes a picture of {width} x {height} px", key="dpi", value=dpi, allowed=f"1 to {most} here"
        )
    picture = np.full((height, width), 255, np.uint8)

    def fill(areas: tuple[Rectangle, ...], value: int) -> None:
        for area in areas:
            x0, y0 = round(area.x * scale), round(area.y * scale)
            x1, y1 = round((area.x + area.width) * scale), round((area.y + area.height) * scale)
            picture[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = value

    if sheet.ground is not None:
        fill((sheet.ground,), 0)
    fill(sheet.ink, 0 if sheet.ground is None else 255)
    fill(sheet.ruler, 0)
    for words in sheet.words:
        _write_words(picture, words, scale)
    return picture


def _write_words(picture: NDArray[np.uint8], words: Words, scale: float) -> None:
    font = cv2.FONT_HERSHEY_SIMPLEX
    thickness = max(1, round(words.height * scale / 12))
    size = cv2.getFontScaleFromHeight(font, max(4, round(words.height * 0.8 * scale)), thickness)
    at = (round(words.x * scale), round(words.y * scale))
    # Letters are wider here than in the other formats: they shrink before they leave the page.
    (width, _), _ = cv2.getTextSize(words.text, font, size, thickness)
    size *= min(1.0, (picture.shape[1] - 2 * at[0]) / max(width, 1))
    cv2.putText(picture, words.text, at, font, size, 0, thickness, cv2.LINE_AA)


def _png(sheet: Sheet, dpi: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(draw(sheet, dpi)).save(stream, "PNG", dpi=(dpi, dpi))
    return stream.getvalue()


def _svg(sheet: Sheet, dpi: int) -> bytes:
    width, height = (_number(side) for side in sheet.size_mm)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm" '
        f'viewBox="0 0 {width} {height}">',
        f"<title>{escape(sheet.board.words())}</title>",
        f'<rect x="0" y="0" width="{width}" height="{height}" fill="white"/>',
    ]
    layers = [("black", sheet.ink if sheet.ground is None else (sheet.ground,))]
    if sheet.ground is not None:
        layers.append(("white", sheet.ink))
    layers.append(("black", sheet.ruler))
    for colour, areas in layers:
        # One group without smoothing of edges, which would leave hairlines between cells that touch.
        lines.append(f'<g fill="{colour}" shape-rendering="crispEdges">')
        lines += [
            f'<rect x="{_number(area.x)}" y="{_number(area.y)}" '
            f'width="{_number(area.width)}" height="{_number(area.height)}"/>'
            for area in areas
        ]
        lines.append("</g>")
    lines += [
        f'<text x="{_number(words.x)}" y="{_number(words.y)}" font-family="Helvetica, Arial, sans-serif" '
        f'font-size="{_number(words.height)}">{escape(words.text)}</text>'
        for words in sheet.words
    ]
    return "\n".join([*lines, "</svg>", ""]).encode()


def _pdf(sheet: Sheet, dpi: int) -> bytes:
    width, height = (side * _POINTS_PER_MM for side in sheet.size_mm)

    def filled(grey: int, areas: tuple[Rectangle, ...]) -> list[str]:
        # PDF counts y from the lower edge.
        boxes = [(area.x, sheet.size_mm[1] - area.y - area.height, area.width, area.height) for area in areas]
        return [
            f"{grey} g",
            *(" ".join(_number(side * _POINTS_PER_MM) for side in box) + " re f" for box in boxes),
        ]

    drawing = (
        filled(0, sheet.ink) if sheet.ground is None else filled(0, (sheet.ground,)) + filled(1, sheet.ink)
    )
    drawing += filled(0, sheet.ruler)
    for words in sheet.words:
        at = f"{_number(words.x * _POINTS_PER_MM)} {_number((sheet.size_mm[1] - words.y) * _POINTS_PER_MM)}"
        drawing.append(
            f"BT /F1 {_number(words.height * _POINTS_PER_MM)} Tf {at} Td ({_pdf_text(words.text)}) Tj ET"
        )
    stream = "\n".join(drawing).encode("cp1252", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_number(width)} {_number(height)}] "
        "/Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>".encode(),
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    return _pdf_file(objects)


def _pdf_file(objects: list[bytes]) -> bytes:
    """Objects, the table of where each begins, and where the table begins."""
    content = bytearray(b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    content += b"".join(b"%010d 00000 n \n" % place for place in places)
    content += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(content)


def _pdf_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _number(value: float) -> str:
    """A tenth of a micrometre is exact enough, and files stay readable."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


_WRITERS: dict[str, Callable[[Sheet, int], bytes]] = {".pdf": _pdf, ".svg": _svg, ".png": _png}
