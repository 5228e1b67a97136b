"""Thumbnail and quality of takes: computed once in a process of its own, kept in a cache.

One cache entry is ``KEY.json`` beside ``KEY.jpg``; the key says which take in which state, so a take that has
changed is looked at anew and nothing ever has to be thrown out to be right.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any, Final, Literal

from platformdirs import user_cache_path

from app.background_job import Report
from app.takes.take_entry import stamp_of
from configs.errors import PosestageError

log = logging.getLogger(__name__)

VERSION: Final = 2
"""Raised when what is kept changes."""

MOST_ENTRIES: Final = 2000
"""Of the cache: some 60 MB."""

THUMBNAIL: Final = (384, 216)
"""px, twice the size it is shown at."""

Grade = Literal["good", "warning", "bad", "quiet"]
_GRADES: Final[dict[str, Grade]] = {"green": "good", "amber": "warning", "red": "bad"}
GRADE_WORDS: Final[dict[Grade, str]] = {"good": "Good", "warning": "Fair", "bad": "Poor", "quiet": "–"}


@dataclass(frozen=True)
class Finding:
    """One line of a take's quality.

    Attributes:
        title: What was judged.
        grade: Role of its colour.
        value: The figure.
        words: What it means.
        rule: Where the limits are.
    """

    title: str
    grade: Grade
    value: str
    words: str
    rule: str


@dataclass(frozen=True)
class Digest:
    """What is known about a take beyond its header.

    Attributes:
        grade: The worst of its findings on the poses; ``quiet`` without poses.
        figure: Mean reprojection error with its unit, empty without.
        findings: All, as in the report.
        thumbnail: Picture file, None when there is no picture.
        problem: Why nothing could be computed.
    """

    grade: Grade
    figure: str
    findings: tuple[Finding, ...]
    thumbnail: Path | None
    problem: str = ""

    @property
    def words(self) -> str:
        """Quality in a word and a figure."""
        if self.problem:
            return "Cannot be judged"
        if not self.figure:
            return "No poses"
        words = f"{GRADE_WORDS[self.grade]} · {self.figure}"
        if self.grade == "good":
            return words
        # What keeps it from being good.
        worst = next(finding for finding in self.findings if finding.grade == self.grade)
        title = worst.title[0].lower() + worst.title[1:]
        return f"{words} · {title} {worst.value}" if worst.title != "Reprojection error" else words


def cache_folder() -> Path:
    """Where digests are kept for this user."""
    return user_cache_path("posestage", appauthor=False) / "takes"


def key_of(folder: Path, stamp: tuple[int, ...]) -> str:
    """Name of a take's cache entry."""
    return sha1(f"{VERSION}|{folder.resolve()}|{stamp}".encode(), usedforsecurity=False).hexdigest()


def read_digest(cache: Path, key: str) -> Digest | None:
    """The cache entry of that name; None when there is none (any more)."""
    try:
        data = json.loads((cache / f"{key}.json").read_text(encoding="utf-8"))
        findings = tuple(Finding(**item) for item in data["findings"])
        thumbnail = cache / f"{key}.jpg"
        return Digest(
            data["grade"],
            data["figure"],
            findings,
            thumbnail if thumbnail.is_file() else None,
            data["problem"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def make_digests(report: Report, folders: list[Path], cache: Path) -> int:
    """Look at some takes, one after the other; body of a ``BackgroundJob``.

    Reports the folder of each take when its entry can be read.

    Returns:
        How many were looked at.
    """
    if hasattr(os, "nice"):
        os.nice(10)
    cache.mkdir(parents=True, exist_ok=True)
    for number, folder in enumerate(folders, start=1):
        key = key_of(folder, stamp_of(folder))
        try:
            data = _look_at(folder, cache / f"{key}.jpg")
        except PosestageError as error:
            data = _nothing(str(error))
        except Exception as error:  # one odd take must not keep the others from their pictures
            log.exception("%s cannot be judged", folder)
            data = _nothing(f"Unexpected problem: {type(error).__name__}: {error}")
        partial = cache / f".{key}.json"
        partial.write_text(json.dumps(data), encoding="utf-8")
        partial.replace(cache / f"{key}.json")
        report(number / len(folders), str(folder))
    _forget_oldest(cache)
    return len(folders)


def _forget_oldest(cache: Path) -> None:
    """Takes come and go, and every change makes a new entry."""
    entries = sorted(cache.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for entry in entries[: max(0, len(entries) - MOST_ENTRIES)]:
        entry.unlink(missing_ok=True)
        entry.with_suffix(".jpg").unlink(missing_ok=True)


def _nothing(problem: str) -> dict[str, Any]:
    return {"grade": "quiet", "figure": "", "findings": [], "problem": problem}


def _look_at(folder: Path, thumbnail: Path) -> dict[str, Any]:
    from pipeline.take.errors import InterruptedTakeError
    from pipeline.take.instants import build_timeline
    from pipeline.take.scene import TakeScene
    from pipeline.take.take import Take

    take = Take.open(folder)
    interrupted = False
    try:
        scene = TakeScene.of(take)
    except InterruptedTakeError:
        interrupted = True
        sizes = tuple(THUMBNAIL for _ in take.cameras)
        scene = TakeScene(take, None, build_timeline(take, None), sizes, None, None)
    _draw_thumbnail(scene, thumbnail)
    if interrupted:
        return _nothing("")
    return _judge(scene)


def _draw_thumbnail(scene: Any, path: Path) -> None:
    import cv2

    from pipeline.take.contact_sheet import spread_instants
    from pipeline.take.instants import instants
    from pipeline.take.rendering.camera_tile import draw_keypoints, fitted_size

    numbers = spread_instants(scene, 1)
    if not numbers or not scene.sizes:
        return
    (instant,) = instants(scene.take, scene.poses, scene.timeline, numbers)
    at = next((at for at, picture in enumerate(instant.pictures) if picture is not None), None)
    if at is None:
        return
    whole: Any = instant.pictures[at]
    size = fitted_size((whole.shape[1], whole.shape[0]), THUMBNAIL)
    picture: Any = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
    if scene.style is not None:
        scale = (size[0] / scene.sizes[at][0], size[1] / scene.sizes[at][1])
        for keypoints, used in instant.keypoints[at]:
            draw_keypoints(picture, keypoints, used, scene.style, scale)
    encoded, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert encoded
    path.write_bytes(data.tobytes())


def _judge(scene: Any) -> dict[str, Any]:
    from pipeline.take.report.capture_measures import measure_cameras, measure_skew
    from pipeline.take.report.pose_measures import measure_poses, measure_truth
    from pipeline.take.report.verdicts import judge

    take = scene.take
    poses = (
        measure_poses(scene.poses, take.calibration, take.header.origin_ns)
        if scene.poses is not None
        else None
    )
    real = take.truth()
    truth = measure_truth(scene.poses, real) if scene.poses is not None and real is not None else None
    widths = tuple(
        size[0]
        for size, name in zip(scene.sizes, take.cameras, strict=True)
        if poses and name in poses.cameras
    )
    verdicts = judge(measure_cameras(take), measure_skew(take, scene.timeline), poses, truth, widths)
    findings = [
        {
            "title": verdict.title,
            "grade": _GRADES[verdict.colour],
            "value": verdict.value,
            "words": verdict.words,
            "rule": verdict.rule,
        }
        for verdict in verdicts
    ]
    order: list[Grade] = ["good", "warning", "bad"]
    grade = max((_GRADES[verdict.colour] for verdict in verdicts), key=order.index, default="quiet")
    errors = poses.body_errors() if poses is not None else None
    figure = f"{float(errors.mean()):.1f} px" if errors is not None and len(errors) else ""
    return {"grade": grade, "figure": figure, "findings": findings, "problem": ""}
