"""What is wrong with a rig as a whole, recognised from how its views agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from calibration.board import Board
from calibration.board_pose import LEVER_MM
from calibration.board_shape import fit_bow
from calibration.camera import Camera
from calibration.camera_move import BETTER, CameraMove, confirm_move, likely_time
from calibration.clock_check import clock_offset
from calibration.diagnosis import Diagnosis
from calibration.errors import SolveError, TooFewViewsError, UnlinkedCamerasError
from calibration.extrinsics import ExtrinsicsConfig, solve_extrinsics
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.lens_check import FOCAL_SHARE, doubt_lenses, lens_diagnoses
from calibration.observations import BoardObservations, BoardView
from calibration.posed_views import PosedViews, pose_views
from calibration.recording_checks import seen_from_behind
from calibration.view_graph import link_pairs
from configs.errors import BadInputError

INCONSISTENT = 1.1
"""Errors of the rig over those of single views above which something does not fit together."""
BADLY_INCONSISTENT = 3.0
EXPLAINED = 2.0
"""Errors that two places of a camera leave over those of single views: more, and it was something else."""
SMALLEST_CLOCK_OFFSET_S = 0.3
AS_GOOD = 0.1
"""In correlation."""
ENOUGH_SHARED = 10
"""Moments that tie a camera to the others; fewer leave its place to the luck of single views."""
SCALE_MATTERS_PERCENT = 1.0
"""A tape between two lenses is good to half a percent."""
LAG_MATTERS_MS = 2.0
LAG_GAIN = 1.03
"""Errors without lags over those with them; below, no lag shows."""
LAG_UNKNOWN_MS = (12.0, 20.0)
"""Half widths of intervals beyond which a lag is unknown: where lags bring nothing, and where they do."""
MIRROR_GAIN = 0.4
"""Spread of a camera's places with its picture mirrored over that as it is."""
BOW_GAIN = 0.02
"""Share of the squared errors that a bow explains from which it is worth a word."""
BOW_SHARE = 0.001
"""Of the board's diagonal."""
BOW_SIGMAS = 8.0
LENS_RATIO = 1.25
_FEWEST_LINKING = 3


def check_before_solve(
    observations: BoardObservations, lenses: Mapping[str, Camera], config: ExtrinsicsConfig
) -> list[Diagnosis]:
    """Look for pictures that are mirrored: the solve could only fail over them."""
    return list(_mirrored(observations, lenses, config))


def check_rig(
    observations: BoardObservations,
    lenses: Mapping[str, Camera],
    own: set[str],
    result: ExtrinsicsResult,
    config: ExtrinsicsConfig,
) -> list[Diagnosis]:
    """Everything that the solution shows.

    Args:
        observations: What was solved.
        lenses: With which lenses.
        own: Cameras whose lenses were estimated from the same recording.
        result: The solution.
        config: How it was found.
    """
    final = {camera.name: camera for camera in result.rig.cameras}
    views = pose_views(observations, final, min_corners=config.min_corners)
    graver = list(_contradictions(observations, lenses, own, views, result, config))
    bent = list(_bent(observations, views))
    found = [*graver, *bent, *_weak_links(result)]
    # What a moved camera or a wrong clock does to the lags is no news.
    if not graver:
        found += _lags(result)
    return found


def explain_failure(
    observations: BoardObservations,
    lenses: Mapping[str, Camera],
    own: set[str],
    config: ExtrinsicsConfig,
    error: Exception,
) -> list[Diagnosis]:
    """Why there is no solution."""
    supplied = [name for name in lenses if name not in own]
    if not isinstance(error, UnlinkedCamerasError):
        doubts = lens_diagnoses(doubt_lenses(observations, lenses, supplied), lenses)
        if doubts:
            return doubts
    clocks = list(_clocks(pose_views(observations, lenses, min_corners=config.min_corners)))
    if clocks:
        return clocks
    if isinstance(error, UnlinkedCamerasError):
        return [Diagnosis("weak_link", "error", str(error), error.pair)]
    if isinstance(error, TooFewViewsError):
        return [Diagnosis("too_few_views", "error", str(error), (error.camera,))]
    return [Diagnosis("no_solution", "error", str(error))]


def check_scale(board: Board, scale_percent: float | None) -> list[Diagnosis]:
    """Compare the rig with known lengths.

    Args:
        board: As it was described.
        scale_percent: How much larger the rig is than they say; None where none is known.
    """
    if scale_percent is None or abs(scale_percent) < SCALE_MATTERS_PERCENT:
        return []
    word = "larger" if scale_percent > 0 else "smaller"
    square = board.square_mm / (1.0 + scale_percent / 100.0)
    return [
        Diagnosis(
            "wrong_square",
            "error",
            f"the rig comes out {abs(scale_percent):.1f} % {word} than the known lengths say: the squares "
            f"are stated as {board.square_mm:g} mm but should measure {square:.2f} mm; measure ten squares "
            "of the print with a ruler, correct square_mm in the board file and calibrate again",
        )
    ]


def _contradictions(
    observations: BoardObservations,
    lenses: Mapping[str, Camera],
    own: set[str],
    views: PosedViews,
    result: ExtrinsicsResult,
    config: ExtrinsicsConfig,
) -> Iterator[Diagnosis]:
    """Causes of errors beyond those of single views; the first that explains them ends the search."""
    single = {
        name: float(np.sqrt(np.nanmean(np.minimum(views.rms_px[views.data.camera == k], 20.0) ** 2)))
        for k, name in enumerate(views.data.cameras)
        if (views.data.camera == k).any()
    }
    joint = _joint_px(result)
    together = float(np.sqrt(np.mean([value**2 for value in joint.values()])))
    alone = float(np.sqrt(np.mean([value**2 for value in single.values()])))
    consistent = together < INCONSISTENT * alone
    supplied = [name for name in single if name not in own]
    doubtful = {name for name in supplied if single[name] > LENS_RATIO * min(single.values())}
    if supplied and not consistent:
        doubtful |= _other_focal(observations, lenses, config) & set(supplied)
    doubts = doubt_lenses(observations, lenses, sorted(doubtful))
    yield from lens_diagnoses(doubts, lenses)
    if doubts or consistent:
        return
    if together > BADLY_INCONSISTENT * alone:
        clocks = list(_clocks(views))
        yield from clocks
        if clocks:
            return
    move = _solver_move(result) or _likely_move(observations, views, result, config)
    if move is not None and move.apart_px < EXPLAINED * alone:
        first = min(view.time_ns for view in observations.views)
        after_s = 1e-9 * (move.time_ns - first)
        who = move.cameras[0] if len(move.cameras) == 1 else f"{move.cameras[0]} or {move.cameras[1]}"
        yield Diagnosis(
            "moved_camera",
            "error",
            f"{who} was moved about {after_s:.0f} s after the board was first seen, by "
            f"{_amount(move.deg, move.mm)} (one place leaves {move.rms_px:.2f} px, two leave "
            f"{move.apart_px:.2f} px): fix the camera and record again, or use only the part after the move",
            move.cameras,
        )
    elif together > BADLY_INCONSISTENT * alone:
        yield Diagnosis(
            "inconsistent",
            "error",
            f"the cameras do not agree about the board ({together:.1f} px in one solution, {alone:.1f} px "
            "camera by camera): check the time stamps, that no camera or lens was touched, and that all "
            "filmed the same board",
        )


def _other_focal(
    observations: BoardObservations, lenses: Mapping[str, Camera], config: ExtrinsicsConfig
) -> set[str]:
    """Cameras whose focal length the rig would rather have different; quick, so those of all are asked."""
    settings = config.model_copy(update={"refine_intrinsics": "focal", "estimate_jitter": False})
    try:
        solved = solve_extrinsics(observations, lenses, settings).rig
    except (BadInputError, SolveError):
        return set(lenses)
    return {
        camera.name
        for camera in solved.cameras
        if abs(camera.K[0, 0] / lenses[camera.name].K[0, 0] - 1.0) > FOCAL_SHARE
    }


def _solver_move(result: ExtrinsicsResult) -> CameraMove | None:
    """What the solve itself noticed; it sees the smallest moves, but a large one can spoil its start."""
    seen = result.moved
    if seen is None or seen.rms_moved_px > BETTER * seen.rms_px:
        return None
    names = result.rig.names
    who = names if len(names) == 2 else (seen.camera,)
    return CameraMove(who, seen.time_ns, seen.turn_deg, seen.shift_mm, seen.rms_px, seen.rms_moved_px)


def _likely_move(
    observations: BoardObservations, views: PosedViews, result: ExtrinsicsResult, config: ExtrinsicsConfig
) -> CameraMove | None:
    time_ns = likely_time(views)
    return None if time_ns is None else confirm_move(observations, config, result, time_ns)


def _amount(deg: float, mm: float) -> str:
    return f"{deg:.1f} degrees and {mm / 10:.1f} cm" if deg >= 0.05 else f"{mm / 10:.1f} cm"


def _joint_px(result: ExtrinsicsResult) -> dict[str, float]:
    """Px by camera, rejected corners too, gross ones capped."""
    found = {}
    for name in result.rig.names:
        errors = [view.residuals for view in result.views if view.camera == name]
        away = np.linalg.norm(np.concatenate(errors), axis=1)
        found[name] = float(np.sqrt((np.minimum(np.nan_to_num(away, nan=20.0), 20.0) ** 2).mean()))
    return found


def _clocks(views: PosedViews) -> Iterator[Diagnosis]:
    """Cameras whose clocks are off by more than a lag."""
    names = views.data.cameras
    late = {}
    shift = _clock_shifts(views)
    for name, seconds in shift.items():
        if abs(seconds) > SMALLEST_CLOCK_OFFSET_S:
            late[name] = seconds
    if not late:
        return
    shifts = list(late.values())
    if len(late) == len(names) - 1 > 1 and np.ptp(shifts) < 0.2:
        late = {names[0]: -float(np.mean(shifts))}
        reference = "the others"
    else:
        reference = names[0]
    for name, seconds in late.items():
        word = "late" if seconds > 0 else "early"
        yield Diagnosis(
            "clock_offset",
            "error",
            f"the time stamps of {name} are off: it shows the board's motion {abs(seconds):.1f} s {word} "
            f"compared with {reference}; start the recordings together or correct its time stamps by "
            f"{-seconds:+.1f} s",
            (name,),
        )


def _clock_shifts(views: PosedViews) -> dict[str, float]:
    """How late each camera's clock is, s, along the pairs whose motions agree best; the first camera is 0."""
    names = views.data.cameras
    pairs = {(a, b): clock_offset(views, a, b) for a in range(len(names)) for b in range(a)}
    known = {0: 0.0}
    while len(known) < len(names):
        best: tuple[float, int, float] | None = None
        for (a, b), offset in pairs.items():
            if offset is None or (a in known) == (b in known):
                continue
            # Time stamps that are nearly as good as the best shift are right.
            late = 0.0 if offset.match_now > offset.match - AS_GOOD else offset.late_s
            new, seconds = (b, known[a] + late) if a in known else (a, known[b] - late)
            if best is None or offset.match > best[0]:
                best = (offset.match, new, seconds)
        if best is None:
            break
        known[best[1]] = best[2]
    return {names[k]: seconds for k, seconds in known.items() if k}


def _lags(result: ExtrinsicsResult) -> Iterator[Diagnosis]:
    reference = result.reference
    shows = result.rms_without_lags_px > LAG_GAIN * result.rms_px
    gained = f"{result.rms_without_lags_px:.2f} px without, {result.rms_px:.2f} px with"
    for name, lag in result.lags.items():
        if name == reference:
            continue
        if not lag.known or lag.interval_ms > LAG_UNKNOWN_MS[shows]:
            yield Diagnosis(
                "lag_unknown",
                "warning",
                f"how late the pictures of {name} are cannot be told, because the board hardly moved while "
                f"{name} and others saw it: move it all the time while recording, at walking pace, unless "
                "the cameras are triggered together",
                (name,),
            )
        elif shows and abs(lag.ms) > max(LAG_MATTERS_MS, lag.interval_ms):
            word = "late" if lag.ms > 0 else "early"
            yield Diagnosis(
                "lag",
                "note",
                f"{name} shows everything {abs(lag.ms):.0f} ± {max(lag.interval_ms, 1.0):.0f} ms {word} "
                f"compared with {reference}; that is taken into account ({gained})",
                (name,),
            )


def _weak_links(result: ExtrinsicsResult) -> Iterator[Diagnosis]:
    """Groups of cameras that few moments tie together."""
    graph = result.graph
    names, shared = graph.cameras, np.asarray(graph.shared)
    for pair in graph.tree:
        side = _side(names, graph.tree, pair)
        inside = np.array([name in side for name in names])
        between = shared[np.ix_(inside, ~inside)]
        if between.sum() >= ENOUGH_SHARED:
            continue
        a, b = (names.index(name) for name in pair)
        seen = int(shared[a, b])
        alone = (
            pair[0] if inside.sum() == 1 and inside[a] else pair[1] if inside.sum() == len(names) - 1 else ""
        )
        what = f"the place of {alone} rests" if alone else "the rig rests"
        yield Diagnosis(
            "weak_link",
            "warning",
            f"{what} on only {seen} moments at which {pair[0]} and {pair[1]} both see the board: show it to "
            f"both at once in {ENOUGH_SHARED - seen} or more further places",
            pair,
        )


def _side(names: tuple[str, ...], tree: tuple[tuple[str, str], ...], cut: tuple[str, str]) -> set[str]:
    """Cameras on the side of the first of a pair when the tree is cut there."""
    side = {cut[0]}
    for _ in names:
        for first, second in tree:
            if (first, second) != cut and (first in side) != (second in side):
                side |= {first, second}
    return side


def _bent(observations: BoardObservations, views: PosedViews) -> Iterator[Diagnosis]:
    if len(views.data.views) < 10:
        return
    bow = fit_bow(views)
    diagonal = float(np.linalg.norm(observations.board.size_mm))
    agree = bow.camera_sag_mm[np.isfinite(bow.camera_sag_mm)] > 0.3 * bow.sag_mm
    if (
        bow.gain > BOW_GAIN
        and bow.sag_mm > BOW_SHARE * diagonal
        and bow.sag_mm > BOW_SIGMAS * bow.deviation_mm
        and agree.mean() > 0.6
    ):
        yield Diagnosis(
            "bent_board",
            "warning",
            f"the board is bent: its corners lie on a curved surface that rises by {bow.sag_mm:.1f} mm, in "
            "every camera alike; glue it to something stiff and flat, such as glass or aluminium "
            "composite, and record again",
        )


def _mirrored(
    observations: BoardObservations, lenses: Mapping[str, Camera], config: ExtrinsicsConfig
) -> Iterator[Diagnosis]:
    """Cameras that see everything mirrored, unlike the others."""
    behind = {}
    for name in observations.cameras:
        views = seen_from_behind(observations, name)
        if len(views):
            behind[name] = float(views.mean())
    suspects = [name for name, share in behind.items() if share > 0.8]
    if not suspects or len(suspects) == len(behind):
        return
    for name in suspects:
        as_is = _spread(observations, lenses, name, config)
        turned = _spread(
            _flipped_views(observations, name), {**lenses, name: _flipped_lens(lenses[name])}, name, config
        )
        if turned < MIRROR_GAIN * as_is:
            yield Diagnosis(
                "mirrored_camera",
                "error",
                f"the pictures of {name} are mirrored, those of the other cameras are not: switch off "
                "mirroring (selfie view) in its settings and record again",
                (name,),
            )


def _spread(
    observations: BoardObservations, lenses: Mapping[str, Camera], name: str, config: ExtrinsicsConfig
) -> float:
    """mm, how much the places of a camera against others vary from moment to moment."""
    views = pose_views(observations, lenses, min_corners=config.min_corners)
    data, number = views.data, views.data.cameras.index(name)
    links = link_pairs(
        data.camera, data.instant, views.poses.R, views.poses.t, len(data.cameras), _FEWEST_LINKING
    )
    spreads = [
        link.spread_mm + LEVER_MM * np.radians(link.spread_deg)
        for link in links
        if number in (link.first, link.second)
    ]
    return float(np.mean(spreads)) if spreads else float("nan")


def _flipped_views(observations: BoardObservations, name: str) -> BoardObservations:
    width = observations.sizes[name][0]

    def flipped(view: BoardView) -> BoardView:
        pixels = view.pixels * [-1.0, 1.0] + [width - 1.0, 0.0]
        return replace(view, pixels=pixels)

    return observations.chosen(flipped(view) if view.camera == name else view for view in observations.views)


def _flipped_lens(camera: Camera) -> Camera:
    K, distortion = np.array(camera.K), np.array(camera.distortion)
    K[0, 2] = camera.size[0] - 1.0 - K[0, 2]
    if camera.model != "fisheye":
        distortion[3] = -distortion[3]  # p2, the tangential term along x
    return replace(camera, K=K, distortion=distortion)
