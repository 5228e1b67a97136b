"""Files for other tools out of a take, each read back before it gets its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from configs.errors import PosestageError, bad_input
from pipeline.exporters.base import Exporter, ExportError
from pipeline.exporters.registry import EXPORTERS
from pipeline.take.errors import DiskFullError, is_disk_full
from pipeline.take.poses_file import Poses
from pipeline.take.take import Take

Progress = Callable[[str, float], None]


def export_take(
    folder: Path,
    formats: Sequence[str],
    out: Path | None = None,
    *,
    overwrite: bool = False,
    smoothed: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Write the poses of a take in other formats.

    A file appears under its name only after it was read back and compared.

    Args:
        folder: The take.
        formats: Names out of ``EXPORTERS``.
        out: Folder for the files, ``exports`` in the take when not given. Made when missing.
        overwrite: Whether existing files may be replaced.
        smoothed: Write the joints as they were shown live, after the filter, instead of as measured.
        progress: Called with what is being done and the part done, 0 to 1.

    Returns:
        One path per format, in order.

    Raises:
        BadInputError: Unknown format, no take, no poses, a file in the way, or no permission.
        ExportError: A file does not hold what was to be written; it is removed.
        DiskFullError: No room left.
    """
    chosen = list(dict.fromkeys(name.strip().lower() for name in formats))
    if not chosen:
        raise bad_input("no export format is given", key="--format", allowed=", ".join(EXPORTERS))
    for name in chosen:
        EXPORTERS.check(name, key="--format")
    take = Take.open(folder)
    poses = take.poses()
    if poses is None:
        raise bad_input(
            "the take holds no poses to export", file=folder, hint=f"make some: launch.py process {folder}"
        )
    if smoothed:
        poses = replace(poses, joints=poses.smoothed)
    target = out if out is not None else folder / "exports"
    exporters: dict[Path, Exporter] = {}
    for name in chosen:
        exporter: Exporter = EXPORTERS.load(name)()
        exporters[target / f"{folder.resolve().name}{exporter.suffix}"] = exporter
    _prepare(target, list(exporters), overwrite)
    for number, (path, exporter) in enumerate(exporters.items()):
        if progress is not None:
            progress(path.name, number / len(exporters))
        _export(exporter, take, poses, path)
    if progress is not None:
        progress("done", 1.0)
    return list(exporters)


def _prepare(target: Path, paths: list[Path], overwrite: bool) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
    except PermissionError as error:
        raise bad_input("cannot be made: permission denied", file=target) from error
    except (FileExistsError, NotADirectoryError) as error:
        raise bad_input("is a file, expected a folder for the exported files", file=target) from error
    except OSError as error:
        raise bad_input(f"cannot be made: {error.strerror}", file=target) from error
    for path in paths:
        if path.exists() and not overwrite:
            raise bad_input(
                "exists already", file=path, hint="add --overwrite to replace it, or choose another --out"
            )


def verify_export(exporter: Exporter, take: Take, poses: Poses, path: Path) -> None:
    """Read a written file back and compare.

    Raises:
        ExportError: It holds something else, or cannot be read.
    """
    try:
        exporter.verify(take, poses, path)
    except PosestageError:
        raise
    # Readers of other people fail on a damaged file in whatever step its bytes happen to stand for.
    except Exception as error:
        raise ExportError(f"{path}: cannot be read back ({type(error).__name__}: {error})") from error


def _export(exporter: Exporter, take: Take, poses: Poses, path: Path) -> None:
    partial = path.with_name(f".partial-{path.name}")
    try:
        exporter.write(take, poses, partial)
        verify_export(exporter, take, poses, partial)
        partial.replace(path)
    except PermissionError as error:
        raise bad_input("cannot be written: permission denied", file=path.parent) from error
    except OSError as error:
        if is_disk_full(error):
            raise DiskFullError(f"{path}: the disk is full; free some space and export again") from error
        raise
    finally:
        partial.unlink(missing_ok=True)
