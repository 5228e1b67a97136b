"""``board``: a calibration board to print, and the ``board.yaml`` that describes it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console


class Command:
    """Draw a board and describe it."""

    description = (
        "Write a calibration board at true scale, with a ruler to check the print, and beside it the "
        "board.yaml that calibrate needs. Columns and rows count squares, not inner corners. Print at 100 %, "
        "glue the sheet to something flat and stiff, measure a square and correct square_mm in board.yaml."
    )
    example = """
        launch.py board --type charuco --columns 7 --rows 5 --square-mm 38 --marker-mm 28 --out board.pdf
        launch.py board --type checkerboard --columns 10 --rows 7 --square-mm 80 --page a0 --out board.svg
    """
    configurable = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The board, the page and the file."""
        parser.add_argument(
            "--type", required=True, choices=("checkerboard", "charuco"), help="kind of board"
        )
        parser.add_argument(
            "--columns", required=True, type=int, metavar="C", help="squares from left to right"
        )
        parser.add_argument("--rows", required=True, type=int, metavar="R", help="squares from top to bottom")
        parser.add_argument("--square-mm", required=True, type=float, metavar="S", help="side of a square")
        parser.add_argument(
            "--marker-mm", type=float, metavar="M", help="charuco: side of a marker (three quarters of S)"
        )
        parser.add_argument(
            "--dictionary",
            metavar="D",
            help="charuco: predefined markers such as DICT_5X5_100 (the smallest DICT_4X4 that suffices)",
        )
        parser.add_argument(
            "--first-marker", type=int, default=0, metavar="N", help="charuco: number of the first marker (0)"
        )
        parser.add_argument(
            "--legacy-pattern", action="store_true", help="charuco: layout of OpenCV before 4.6"
        )
        parser.add_argument("--inverted", action="store_true", help="white on black")
        parser.add_argument(
            "--page",
            metavar="NAME",
            help="a4, a3, a2, a1, a0, letter, tabloid, or fit (the smallest of a4 to a0 that suffices)",
        )
        parser.add_argument("--dpi", type=int, default=300, metavar="N", help="resolution of a PNG (300)")
        parser.add_argument(
            "--out", required=True, type=Path, metavar="FILE", help="to print: .pdf, .svg or .png"
        )
        parser.add_argument("--overwrite", action="store_true", help="replace files that exist already")

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Write both files."""
        from calibration.board import read_board, write_board
        from calibration.board_print import print_board
        from configs.errors import bad_input

        board = _board(args)
        description = args.out.with_name("board.yaml")
        if args.out.exists() and not args.overwrite:
            raise bad_input("exists already", file=args.out, hint="--overwrite replaces it")
        if description.exists() and not args.overwrite and read_board(description) != board:
            raise bad_input(
                "describes another board already", file=description, hint="--overwrite replaces it"
            )
        sheet = print_board(args.out, board, page=args.page.lower() if args.page else None, dpi=args.dpi)
        write_board(description, board)
        return {
            "board": board.as_dict(),
            "printable": args.out,
            "description": description,
            "page_mm": sheet.size_mm,
            "board_mm": board.size_mm,
            "symmetry": board.symmetry,
        }

    def summary(self, result: Mapping[str, Any]) -> str:
        """What was written and what to do with it."""
        width, height = result["board_mm"]
        page_width, page_height = result["page_mm"]
        lines = [
            f"{result['printable']}  {width:g} x {height:g} mm on a page of "
            f"{page_width:g} x {page_height:g} mm",
            f"{result['description']}  for calibrate --board",
            "Print at 100 %, check that the ruler is 100 mm long, and keep the sheet flat.",
        ]
        if result["symmetry"] > 1:
            lines.append(
                "This pattern looks the same turned round: cameras that see it from different sides do not "
                "agree on its corners. For several cameras make one of columns and rows odd, the other even."
            )
        return "\n".join(lines)


def _board(args: argparse.Namespace) -> Any:
    from calibration.board import Board
    from calibration.errors import InvalidBoardError
    from configs.errors import bad_input

    charuco = args.type == "charuco"
    marker_mm, dictionary = args.marker_mm, args.dictionary
    if charuco and marker_mm is None:
        marker_mm = 0.75 * args.square_mm
    if charuco and dictionary is None:
        needed = args.first_marker + args.columns * args.rows // 2
        dictionary = next(
            (f"DICT_4X4_{count}" for count in (50, 100, 250) if needed <= count), "DICT_4X4_1000"
        )
    try:
        return Board(
            args.type,
            args.columns,
            args.rows,
            args.square_mm,
            marker_mm,
            dictionary,
            legacy_pattern=args.legacy_pattern,
            first_marker=args.first_marker,
            inverted=True if args.inverted else None,
        )
    except InvalidBoardError as error:
        raise bad_input(error.problem, key=f"--{error.field.replace('_', '-')}") from error
