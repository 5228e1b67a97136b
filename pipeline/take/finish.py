"""What makes a complete take presentable: preview, contact sheet, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from configs.errors import bad_input
from pipeline.take.contact_sheet import CONTACT_SHEET_FILE, write_contact_sheet
from pipeline.take.errors import DiskFullError, is_disk_full
from pipeline.take.preview import PREVIEW_FILE, write_preview
from pipeline.take.report.page import REPORT_FILE, write_report
from pipeline.take.scene import TakeScene
from pipeline.take.take import Take

# Where the time goes, in per cent; nearly all of it is the preview's pictures.
_SHEET_DONE, _PREVIEW_DONE = 5.0, 90.0


@dataclass(frozen=True)
class FinishedTake:
    """The files that were made.

    Attributes:
        folder: The take.
        paths: Every file that was written; a take without any picture has no preview and no contact sheet.
    """

    folder: Path
    paths: tuple[Path, ...]


def finish_take(folder: Path, progress: Callable[[float, float], object] | None = None) -> FinishedTake:
    """Write ``contact_sheet.png``, ``preview.mp4`` and ``report.html`` into a complete take.

    Needs no display. Files of an earlier call are replaced, each only when the new one is whole.

    Args:
        folder: The take.
        progress: Called with the amount done and the total.

    Raises:
        BadInputError: The folder is no take, or cannot be written.
        TakeError: The take was interrupted and not repaired, or a video cannot be read.
        DiskFullError: No room left for the files.
    """

    def tell(done: float) -> None:
        if progress is not None:
            progress(done, 100.0)

    take = Take.open(folder)
    try:
        scene = TakeScene.of(take)
        paths = []
        if write_contact_sheet(scene, folder / CONTACT_SHEET_FILE):
            paths.append(folder / CONTACT_SHEET_FILE)
        tell(_SHEET_DONE)
        preview = folder / PREVIEW_FILE
        if write_preview(
            scene, preview, lambda part: tell(_SHEET_DONE + (_PREVIEW_DONE - _SHEET_DONE) * part)
        ):
            paths.append(preview)
        write_report(scene, folder / REPORT_FILE)
        paths.append(folder / REPORT_FILE)
        tell(100.0)
    except PermissionError as error:
        raise bad_input("cannot be written: permission denied", file=folder) from error
    except OSError as error:
        if is_disk_full(error):
            raise DiskFullError(
                f"{folder}: the disk is full; the recording is safe, but preview and report do not fit"
            ) from error
        raise
    return FinishedTake(folder, tuple(paths))
