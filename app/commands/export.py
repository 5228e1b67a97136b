"""``export``: a take's poses as files for other tools."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console


class Command:
    """Write and read back."""

    description = (
        "Write the poses of a take in other formats. Every file is read back and compared with the take "
        "before it gets its name."
    )
    example = """
        launch.py export takes/walk_01 --format c3d,csv
        launch.py export takes/walk_01 --format npz --out analysis --overwrite
    """
    configurable = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take, formats and folder."""
        from pipeline.exporters.registry import EXPORTERS

        parser.add_argument("take", metavar="TAKE", type=Path, help="folder of the take")
        parser.add_argument(
            "--format",
            required=True,
            metavar="NAME[,NAME...]",
            help=f"{', '.join(EXPORTERS)}; several with commas between",
        )
        parser.add_argument("--out", metavar="DIR", type=Path, help="folder to write to (TAKE/exports)")
        parser.add_argument("--overwrite", action="store_true", help="replace files that exist already")
        parser.add_argument(
            "--smoothed", action="store_true", help="joints after the live filter instead of as measured"
        )

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Export and list the files."""
        from pipeline.exporters.export import export_take

        formats = [name.strip().lower() for name in args.format.split(",") if name.strip()]
        with console.progress("exporting", total=100, unit="%") as bar:
            paths = export_take(
                args.take,
                formats,
                args.out,
                overwrite=args.overwrite,
                smoothed=args.smoothed,
                progress=lambda file, part: bar.update(100 * part, note=file),
            )
        return {
            "take": args.take,
            "files": [{"path": path, "size_bytes": path.stat().st_size} for path in paths],
        }

    def summary(self, result: Mapping[str, Any]) -> str:
        """The files."""
        return "\n".join(f"{file['path']}  {file['size_bytes'] / 1e6:.2f} MB" for file in result["files"])
