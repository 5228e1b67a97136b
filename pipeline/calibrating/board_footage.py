"""Board views from what the user has: footage by camera, a take, or views that were stored before."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from calibration.board import Board
from calibration.board_footage import CameraTally, detect_in_footage
from calibration.diagnosis import CalibrationFailedError, Diagnosis
from calibration.footage import Footage, find_footage
from calibration.observations import BoardObservations
from configs.errors import bad_input
from pipeline.take.header import TAKE_FILE

if TYPE_CHECKING:
    from pipeline.take.take import Take

if TYPE_CHECKING:
    from calibration.calibration_config import CalibrationConfig
    from calibration.calibrator import Calibration
    from calibration.camera import Camera

log = logging.getLogger(__name__)

OBSERVATIONS_FILE: Final = "observations.npz"

_LOOKED_INTO: Final = 3
"""Pictures of a camera that are searched for other explanations, which takes a second each."""

_UNTOLD: Final = ("no_board", "found")
"""Causes that say nothing more than that there are too few views."""

Progress = Callable[[int, int | None], None]
"""Pictures searched so far, and how many there are where that is known."""


@dataclass(frozen=True)
class BoardFindings:
    """Views of the board and where they come from.

    Attributes:
        observations: The views.
        source: What the user named.
        kind: What that was.
        tallies: How the search went, by camera; empty for stored views.
    """

    observations: BoardObservations
    source: Path
    kind: Literal["footage", "take", "stored views"]
    tallies: Mapping[str, CameraTally] = field(default_factory=dict)


def find_board_views(
    path: Path,
    board: Board | None,
    cameras: Sequence[str] | None = None,
    *,
    progress: Progress | None = None,
) -> BoardFindings:
    """Read or detect the board in whatever ``path`` is.

    Args:
        path: A folder of videos or pictures named by camera, a take, an ``observations.npz``, or a folder
            that a calibration left and that holds one.
        board: What to look for; None only for stored views, which name their own.
        cameras: Take these, in this order; None for all there are.
        progress: Called from any thread, one call at a time.

    Raises:
        BadInputError: Nothing usable; says what is missing.
    """
    if path.is_dir() and (path / TAKE_FILE).is_file():
        return _from_take(path, _needed(board), cameras, progress)
    stored = path / OBSERVATIONS_FILE if path.is_dir() else path
    if path.is_file() and path.suffix.lower() != ".npz":
        raise bad_input(
            "is neither a folder nor stored board views",
            file=path,
            allowed="a folder of videos or pictures named by camera, a take, or observations.npz",
        )
    if stored.is_file():
        observations = _chosen(BoardObservations.load(stored), cameras, stored)
        return BoardFindings(_on_board(observations, board, stored), stored, "stored views")
    if not path.is_dir():
        raise bad_input("no such folder of videos or pictures, no take, and no stored board views", file=path)
    footage = find_footage(path, cameras)
    return _detect(_needed(board), footage, path, "footage", progress)


def explain_missing_views(findings: BoardFindings, fewest: int) -> tuple[Diagnosis, ...]:
    """Why no camera finds the board, as far as the pictures tell; takes some seconds.

    Nothing is said where one camera finds it: then the board is as it is described, and the others saw too
    little of it.

    Args:
        findings: Of footage; stored views have no pictures to look at.
        fewest: Views that make a camera one that finds it.
    """
    from calibration.detection_diagnosis import explain_missing

    if any(tally.found >= fewest for tally in findings.tallies.values()):
        return ()
    few = [name for name, tally in findings.tallies.items() if tally.kept]
    for name in few:
        found = explain_missing(findings.observations.board, findings.tallies[name].samples[:_LOOKED_INTO])
        if found.cause not in _UNTOLD:
            # All cameras filmed one board, so what is wrong with it is wrong for all of them.
            cameras = tuple(few)
            sentence = f"{', '.join(cameras)}: {found.sentence}"
            return (Diagnosis(found.cause, "error", sentence, cameras, found.board),)
    return ()


def calibrate_findings(
    findings: BoardFindings,
    config: CalibrationConfig,
    intrinsics: Mapping[str, Camera] | None,
    progress: Callable[[str, float], None],
    explaining: Callable[[], None] = lambda: None,
) -> Calibration:
    """Calibrate; where that fails for want of views, look into the pictures for the reason.

    Args:
        findings: Views, and how the search for them went.
        config: Settings.
        intrinsics: Lenses that are known.
        progress: Is told the stage and the share that is done.
        explaining: Is called before the pictures are looked into, which takes some seconds.

    Raises:
        CalibrationFailedError: Says why.
        BadInputError: The settings do not fit the views.
    """
    from calibration.calibrator import calibrate  # loaded while the board was looked for

    try:
        return calibrate(findings.observations, intrinsics=intrinsics, config=config, progress=progress)
    except CalibrationFailedError as error:
        explaining()
        why = explain_missing_views(findings, config.extrinsics.min_views)
        if not why:
            raise
        raise CalibrationFailedError(why) from error


def _needed(board: Board | None) -> Board:
    if board is None:
        raise bad_input(
            "say what board was filmed", key="--board", hint="launch.py board prints and describes one"
        )
    return board


def _from_take(
    path: Path, board: Board, cameras: Sequence[str] | None, progress: Progress | None
) -> BoardFindings:
    from pipeline.take.take import Take

    take = Take.open(path)
    if take.header.state == "recording":
        raise bad_input("this take was interrupted", file=path, hint=f"run: launch.py repair {path}")
    names = list(cameras) if cameras is not None else list(take.cameras)
    unknown = [name for name in names if name not in take.cameras]
    if unknown:
        raise bad_input(
            f"the take has no camera {', '.join(unknown)}", file=path, allowed=", ".join(take.cameras)
        )
    footage: dict[str, Footage] = {}
    indices: dict[str, list[int]] = {}
    for name in names:
        video = take.video_path(name)
        if video is None:
            log.warning("%s: no video of %s; going on without", path, name)
            continue
        times, indices[name] = _ledger_times(take, name, video)
        footage[name] = Footage(name, (video,), times_ns=times)
    if not footage:
        raise bad_input("this take holds no video", file=path)
    found = _detect(board, footage, path, "take", progress)
    views = (
        replace(view, frame=indices[view.camera][view.frame])
        for view in found.observations.views
        if indices[view.camera][view.frame] >= 0
    )
    return replace(found, observations=found.observations.chosen(views))


def _ledger_times(take: Take, camera: str, video: Path) -> tuple[tuple[int, ...], list[int]]:
    """Capture time and frame index of every picture in a take's video; index -1 where the ledger has none."""
    from pipeline.take.video_file import RecordedVideo

    ledger = take.ledger(camera)
    if ledger.problem:
        raise bad_input(
            f"the ledger of {camera} is damaged: {ledger.problem}",
            file=take.folder,
            hint=f"run: launch.py repair {take.folder}",
        )
    recorded = ledger.recorded
    found = RecordedVideo(video)
    rows = found.rows([row.t_capture_ns for row in recorded], take.header.origin_ns)
    fallback = np.rint(found.times_ms * 1e6).astype(np.int64) + take.header.origin_ns
    times = tuple(
        recorded[row].t_capture_ns if row >= 0 else int(fallback[place]) for place, row in enumerate(rows)
    )
    return times, [recorded[row].index if row >= 0 else -1 for row in rows]


def _detect(
    board: Board,
    footage: Mapping[str, Footage],
    path: Path,
    kind: Literal["footage", "take"],
    progress: Progress | None,
) -> BoardFindings:
    total = sum(len(item.times_ns or item.numbers) for item in footage.values())
    known = all(item.times_ns or item.numbers for item in footage.values())
    done = dict.fromkeys(footage, 0)

    def tell(camera: str, frames: int) -> None:
        if progress is not None:
            done[camera] = frames
            progress(sum(done.values()), total if known else None)

    found = detect_in_footage(board, footage, progress=tell)
    return BoardFindings(found.observations, path, kind, found.cameras)


def _chosen(observations: BoardObservations, cameras: Sequence[str] | None, path: Path) -> BoardObservations:
    if cameras is None:
        return observations
    missing = [name for name in cameras if name not in observations.sizes]
    if missing:
        raise bad_input(
            f"holds no views of {', '.join(missing)}", file=path, allowed=", ".join(observations.cameras)
        )
    sizes = {name: observations.sizes[name] for name in cameras}
    views = tuple(view for view in observations.views if view.camera in sizes)
    return BoardObservations(observations.board, sizes, views)


def _on_board(observations: BoardObservations, board: Board | None, path: Path) -> BoardObservations:
    """Stored views on the board that was given: its lengths may have been measured again, its layout not."""
    stored = observations.board
    if board is None or board == stored:
        return observations
    layout = ("kind", "columns", "rows", "dictionary", "legacy_pattern", "first_marker")
    different = [name for name in layout if getattr(board, name) != getattr(stored, name)]
    if different:
        raise bad_input(
            f"these are views of a {stored.words()}, which differs from the board given in "
            f"{', '.join(different)}",
            file=path,
            hint="give the board that was filmed, or search the footage again",
        )
    return replace(observations, board=board)
