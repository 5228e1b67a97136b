"""Whether a take is what it says it is: every file readable, every frame accounted for."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from configs.errors import BadInputError, PosestageError, bad_input
from pipeline.take.errors import TakeError
from pipeline.take.events import read_events
from pipeline.take.header import TAKE_FILE
from pipeline.take.ledger import Ledger, LedgerTotals, read_ledger
from pipeline.take.lock import is_held
from pipeline.take.poses_file import map_poses
from pipeline.take.take import Take
from pipeline.take.unshown import Unshown, find_unshown
from pipeline.take.video_file import RecordedVideo
from pipeline.take.writer import EVENTS, LEDGER, POSES_FILE, POSES_LOG

_HEAD: Final = 2000


@dataclass(frozen=True)
class TakeCheck:
    """What a look at every file of a take found.

    Attributes:
        folder: The take.
        state: As ``take.yaml`` says.
        totals: Of each camera's ledger, counted now.
        longest_gap_s: By camera, the longest time between two frames of its ledger.
        poses: Instants with poses.
        problems: One sentence each; empty when the take is intact.
        unshown: By camera, recorded frames that lack what their pictures build on.
    """

    folder: Path
    state: str
    totals: dict[str, LedgerTotals]
    longest_gap_s: dict[str, float]
    poses: int
    problems: tuple[str, ...]
    unshown: dict[str, Unshown]

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know of a take although nothing that was recorded is missing in it."""
        return tuple(
            f"{camera}: {text}" for camera, found in self.unshown.items() for text in found.sentences()
        )

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check_take(folder: Path) -> TakeCheck:
    """Look at every file; changes nothing.

    Checks for each camera that the ledger's chain of checksums holds to the end and matches the totals of
    ``take.yaml``, that indices count every captured frame once, that capture times rise, and that the video
    holds exactly one picture for each frame that is said to be recorded; further that poses and events can be
    read and poses rise in time.

    Raises:
        BadInputError: The folder is no take, or ``take.yaml`` or its calibration is damaged.
    """
    take = Take.open(folder)
    if is_held(folder):
        raise bad_input("this take is being written right now", file=folder, hint="wait until that has ended")
    problems: list[str] = []
    if take.header.state == "recording":
        problems.append(f"its recording was interrupted; run: launch.py repair {folder}")
    totals, gaps, unshown = {}, {}, {}
    for camera in take.cameras:
        path = folder / LEDGER / f"{camera}.csv"
        if not path.is_file():
            problems.append(f"{camera}: the ledger is gone")
            continue
        ledger = read_ledger(path, take.header.totals.get(camera))
        totals[camera] = ledger.totals
        steps = np.diff(ledger.times_ns)
        gaps[camera] = round(float(steps.max()) / 1e9, 3) if steps.size else 0.0
        problems += [f"{camera}: {problem}" for problem in _ledger_problems(ledger)]
        wrong, unshown[camera] = _check_video(take, camera, ledger)
        problems += [f"{camera}: {problem}" for problem in wrong]
    poses = _check_poses(folder, problems)
    if (folder / EVENTS).is_file():
        problems += [f"{EVENTS}: {problem}" for problem in [read_events(folder / EVENTS)[1]] if problem]
    else:
        problems.append(f"{EVENTS} is gone")
    return TakeCheck(folder, take.header.state, totals, gaps, poses, tuple(problems), unshown)


def interrupted_takes(parent: Path) -> list[Path]:
    """Takes in a folder whose recording nobody goes on with; each can be repaired."""
    found = []
    for path in sorted(parent.glob(f"*/{TAKE_FILE}")):
        with contextlib.suppress(OSError, ValueError):  # what cannot be read is not ours to judge here
            # The state stands at the beginning: looking through hundreds of takes must not read all of them.
            with path.open(encoding="utf-8") as stream:
                head = stream.read(_HEAD)
            if "\nstate: recording\n" in head and not is_held(path.parent):
                found.append(path.parent)
    return found


def _ledger_problems(ledger: Ledger) -> list[str]:
    problems = [ledger.problem] if ledger.problem else []
    indices = np.array([row.index for row in ledger], np.int64)
    wrong = np.flatnonzero(indices != np.arange(len(indices)))
    if wrong.size:
        line = int(wrong[0])
        problems.append(f"frame {line} of the ledger has the index {indices[line]}: a frame has no line")
    still = np.flatnonzero(np.diff(ledger.times_ns) <= 0)
    if still.size:
        problems.append(f"capture time does not rise after frame {int(still[0])}")
    return problems


def _check_video(take: Take, camera: str, ledger: Ledger) -> tuple[list[str], Unshown]:
    path = take.video_path(camera)
    pictures, unshown = 0, Unshown()
    if path is not None:
        try:
            video = RecordedVideo(path)
        except TakeError as error:
            return [str(error)], unshown
        capture_ns = [row.t_capture_ns for row in ledger.recorded]
        pictures = len(video.times_ms[video.span(capture_ns, take.header.origin_ns)])
        unshown = find_unshown(video, ledger, take.header.origin_ns)
    if pictures == len(ledger.recorded):
        return [], unshown
    text = f"the ledger says that {len(ledger.recorded)} pictures are recorded, the video has {pictures}"
    return [text], unshown


def _check_poses(folder: Path, problems: list[str]) -> int:
    if (folder / POSES_LOG).is_file():
        if (folder / POSES_FILE).is_file():
            problems.append(f"{POSES_LOG} is still there beside {POSES_FILE}")
        return 0  # an interrupted take, which was said already
    if not (folder / POSES_FILE).is_file():
        return 0
    try:
        poses = map_poses(folder / POSES_FILE)
    except (BadInputError, PosestageError) as error:
        problems.append(str(error))
        return 0
    if (np.diff(poses.times_ns) <= 0).any():
        problems.append(f"{POSES_FILE}: times do not rise")
    return len(poses)
