"""What an exporter promises."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pipeline.take.errors import TakeError
from pipeline.take.poses_file import Poses
from pipeline.take.take import Take


class ExportError(TakeError):
    """A written file does not hold what was to be written."""


class Exporter(Protocol):
    """Writes the poses of a take in one format. Built without arguments."""

    suffix: str
    """Ending of the file name, with its dot."""

    def write(self, take: Take, poses: Poses, path: Path) -> None:
        """Write ``path``, which does not exist yet."""
        ...

    def verify(self, take: Take, poses: Poses, path: Path) -> None:
        """Read ``path`` back and compare with the take.

        Raises:
            ExportError: Says which values differ, and by how much.
        """
        ...
