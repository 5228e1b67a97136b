"""What the figures mean, in words and a colour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from calibration.calibrator import Calibration
from calibration.camera import Camera
from calibration.diagnosis import Diagnosis
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.report.evidence import Evidence, rms
from calibration.report.lenses import LensParameters, lens_parameters
from calibration.report.room import room_uncertainty
from calibration.report.verdict import COLOURS, Colour, Headline, Verdict


def judge(calibration: Calibration, evidence: Evidence) -> list[Verdict]:
    """Every verdict that the data allow."""
    return list(_verdicts(calibration, evidence))


def headline(verdicts: Sequence[Verdict], findings: Sequence[Diagnosis]) -> Headline:
    """The worst colour and what it is about. An error among the findings is red whatever the figures say."""
    colour = max((verdict.colour for verdict in verdicts), key=COLOURS.index, default="green")
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        colour = "red"
    if colour == "green":
        return Headline("green", "Ready to use", "Every figure is within its limit.")
    about = ", ".join(verdict.title.lower() for verdict in verdicts if verdict.colour == colour)
    if colour == "amber":
        return Headline("amber", "Usable, could be better", f"Look at: {about}.")
    return Headline("red", "Do not rely on it", f"See: {about or 'what was found'}.")


def grade(value: float, green: float, amber: float) -> Colour:
    """Small is good; what is not known is not good."""
    return "green" if value <= green else "amber" if value <= amber else "red"


def _verdicts(calibration: Calibration, evidence: Evidence) -> Iterator[Verdict]:
    extrinsics, cameras = calibration.extrinsics, calibration.rig.cameras
    if len(evidence.all_residuals()):
        yield _reprojection(cameras, evidence)
    if calibration.intrinsics:
        lenses = {name: lens_parameters(calibration, name) for name in calibration.intrinsics}
        yield _focal(lenses)
        yield _lens_held_out(calibration)
        yield _coverage(calibration)
    if extrinsics is not None:
        yield _places(calibration, extrinsics)
        yield _lags(extrinsics)
        yield _links(extrinsics)
    yield from _quality(calibration, evidence)
    if any(evidence.views.values()):
        yield _rejected(calibration, evidence)
    yield _findings(calibration.diagnoses)


def _reprojection(cameras: Sequence[Camera], evidence: Evidence) -> Verdict:
    # At the width of each camera's own picture, because rigs mix 640 and 4K cameras.
    shares = {
        camera.name: 100.0 * rms(evidence.residuals(camera.name)) / camera.size[0]
        for camera in cameras
        if len(evidence.residuals(camera.name))
    }
    worst = max(shares, key=lambda name: shares[name])
    pooled = rms(evidence.all_residuals())
    return Verdict(
        "Reprojection error",
        grade(shares[worst], 0.08, 0.2),
        f"{pooled:.2f} px",
        f"Root mean square distance between corners in the pictures and where the calibration puts them. "
        f"Largest in {worst}: {rms(evidence.residuals(worst)):.2f} px, {shares[worst]:.3f} % of its width.",
        "Worst camera: green up to 0.08 % of the picture width (1 px of 1280), amber up to 0.2 %. Above, "
        "detection, time stamps or the lens model are wrong.",
    )


def _quality(calibration: Calibration, evidence: Evidence) -> Iterator[Verdict]:
    """What views say that were kept out of the solve."""
    quality = calibration.quality
    if quality is None:
        return
    cameras = {camera.name: camera for camera in calibration.rig.cameras}
    by_camera = {name: value for name, value in quality.camera_reprojection_px.items() if np.isfinite(value)}
    kept_out = "views kept out of the solve" if quality.held_out else "the views of the solve"
    if by_camera and quality.held_out:
        shares = {name: 100.0 * value / cameras[name].size[0] for name, value in by_camera.items()}
        worst = max(shares, key=lambda name: shares[name])
        yield Verdict(
            "Error on other views",
            grade(shares[worst], 0.1, 0.25),
            f"{quality.reprojection_px:.2f} px",
            f"Root mean square distance on {kept_out}, which cannot flatter it. Largest in {worst}: "
            f"{by_camera[worst]:.2f} px, {shares[worst]:.3f} % of its width.",
            "Worst camera: green up to 0.1 % of the picture width, amber up to 0.25 %.",
        )
    rigid = quality.rigid_mm
    if np.isfinite(rigid):
        distances = [
            float(np.linalg.norm(view.t))
            for own in evidence.views.values()
            for view in own
            if view.good.any()
        ]
        distance = float(np.median(distances)) if distances else float("nan")
        share = 100.0 * rigid / distance
        yield Verdict(
            "Board in space",
            grade(share, 0.1, 0.3),
            f"{rigid:.2f} mm",
            f"How far the board's corners, triangulated from {kept_out}, are from a rigid board; "
            f"distances of neighbours are {quality.spacing_mm:.2f} mm off (root mean squares).",
            f"Green up to 0.1 % of the distance to the board (here {distance / 1000:.1f} m), amber up to "
            "0.3 %: 3 mm and 9 mm at 3 m.",
        )
    scale, interval = quality.scale_percent, quality.scale_interval_percent
    if np.isfinite(scale):
        yield Verdict(
            "Scale",
            grade(abs(scale), 0.2, 0.5),
            f"{scale:+.2f} %" + (f" ± {interval:.2f}" if np.isfinite(interval) else ""),
            f"The cameras see the board {'larger' if scale > 0 else 'smaller'} than it is said to be: "
            f"{abs(10 * scale):.1f} mm in 1 m.",
            "Green up to 0.2 %, amber up to 0.5 %. It tells lenses that contradict each other; a wrong "
            "square size shows only against a distance measured in the room.",
        )


def _focal(lenses: Mapping[str, LensParameters]) -> Verdict:
    worst = max(lenses, key=lambda name: lenses[name].focal_percent)
    lens = lenses[worst]
    share = lens.focal_percent
    return Verdict(
        "Focal length",
        grade(share, 0.5, 2.0),
        f"± {share:.2f} %" if np.isfinite(share) else "unknown",
        f"95 % interval of the least certain camera, {worst}: {lens.values['fx']:.0f} ± "
        f"{lens.half_widths['fx']:.1f} px. At 3 m, distances from the camera are uncertain by "
        f"{30 * share:.0f} mm.",
        "Green up to 0.5 %, amber up to 2 %. Tilted views that fill the picture make it smaller.",
    )


def _lens_held_out(calibration: Calibration) -> Verdict:
    ratios = {
        name: result.held_out_px / max(result.rms_px, 1e-9) for name, result in calibration.intrinsics.items()
    }
    known = {name: ratio for name, ratio in ratios.items() if np.isfinite(ratio)}
    if not known:
        return Verdict(
            "Lens on other views", "amber", "unknown", "There are too few views to keep some out of the fit.",
            "Needs at least four views of each camera.",
        )  # fmt: skip
    shares = {
        name: 100.0 * calibration.intrinsics[name].held_out_px / calibration.rig.camera(name).size[0]
        for name in known
    }
    # A ratio of errors that are both small says nothing; what is predicted well needs no excuse.
    colours = {name: grade(known[name], 1.3, 2.0) if shares[name] > 0.04 else "green" for name in known}
    worst = max(known, key=lambda name: (COLOURS.index(colours[name]), known[name]))
    result = calibration.intrinsics[worst]
    return Verdict(
        "Lens on other views",
        colours[worst],
        f"{known[worst]:.2f} times",
        f"Error on views that the lens was not fitted to over that on the views it was: {worst} has "
        f"{result.held_out_px:.2f} px against {result.rms_px:.2f} px.",
        "Worst camera: green up to 1.3 times, or where other views are predicted within 0.04 % of the "
        "picture width (0.25 px of 640), half of what the reprojection error may be; amber up to 2 times. "
        "More means too few or too similar views: the lens fits them and nothing else.",
    )


def _coverage(calibration: Calibration) -> Verdict:
    share = {name: 100.0 * result.coverage.share for name, result in calibration.intrinsics.items()}
    worst = min(share, key=lambda name: share[name])
    coverage = calibration.intrinsics[worst].coverage
    return Verdict(
        "Coverage",
        grade(-share[worst], -50.0, -15.0),
        f"{share[worst]:.0f} %",
        f"Least covered is {worst}: {coverage.words()}.",
        "Part of the picture with corners, worst camera: green from 50 %, amber from 15 %. Outside, "
        "the distortion is extrapolated; what that does is the map of uncertainty.",
    )


def _places(calibration: Calibration, extrinsics: ExtrinsicsResult) -> Verdict:
    room = room_uncertainty(extrinsics, calibration.board)
    rule = (
        "Green up to 0.3 % of the distance to where the board was shared, amber up to 1 %: 12 mm and 40 mm "
        "at 4 m. More shared views, nearer and at different depths, make it smaller."
    )
    if not room.known:
        return Verdict(
            "Places of the cameras", "amber", "not known",
            "No two cameras look at enough of the room through which the board was carried.",
            rule,
        )  # fmt: skip
    worst = int(np.argmax(room.place_95_mm))
    widest = float(room.place_95_mm[worst])
    return Verdict(
        "Places of the cameras",
        grade(100.0 * widest / room.distance_mm, 0.3, 1.0),
        f"± {widest:.1f} mm",
        f"95 % interval of the least certain camera, {extrinsics.rig.names[worst]}; directions are known to "
        f"± {np.max(room.turn_95_deg):.2f}°. That puts points between the cameras, "
        f"{room.distance_mm / 1000:.1f} m away, {room.point_mm:.1f} mm off.",
        rule,
    )


def _lags(extrinsics: ExtrinsicsResult) -> Verdict:
    others = {name: lag for name, lag in extrinsics.lags.items() if name != extrinsics.reference}
    unknown = [name for name, lag in others.items() if not lag.known]
    without, with_lags = extrinsics.rms_without_lags_px, extrinsics.rms_px
    rule = (
        "95 % interval of the worst camera: green up to 10 ms (2 cm at 2 m/s), amber up to 30 ms or where "
        "the board's motion does not tell. Lags are corrected; only how well they are known counts."
    )
    if unknown:
        return Verdict(
            "Time offsets", "amber", "not known",
            f"The recording does not tell how late the pictures of {_list(unknown)} are. Move the board "
            "continuously while it is filmed.",
            rule,
        )  # fmt: skip
    largest = max(others, key=lambda name: abs(others[name].ms))
    interval = max(lag.interval_ms for lag in others.values())
    return Verdict(
        "Time offsets",
        grade(round(interval), 10, 30),
        f"up to {abs(others[largest].ms):.0f} ms, ± {interval:.0f}",
        f"Pictures of {largest} are {abs(others[largest].ms):.1f} ms "
        f"{'older' if others[largest].ms > 0 else 'newer'} than their time stamps say, compared to "
        f"{extrinsics.reference}. Without lags the error is {without:.2f} px instead of {with_lags:.2f} px.",
        rule,
    )


def _links(extrinsics: ExtrinsicsResult) -> Verdict:
    graph = extrinsics.graph
    index = {name: at for at, name in enumerate(graph.cameras)}
    shared = {pair: int(graph.shared[index[pair[0]], index[pair[1]]]) for pair in graph.tree}
    weakest = min(shared, key=lambda pair: shared[pair])
    return Verdict(
        "Shared views",
        grade(-shared[weakest], -15, -5),
        f"at least {shared[weakest]}",
        f"Moments that tie neighbouring cameras together; the weakest link of the chain through all of "
        f"them is {weakest[0]} to {weakest[1]}.",
        "Green from 15 moments, amber from 5. How sure the places are by that is said above.",
    )


def _rejected(calibration: Calibration, evidence: Evidence) -> Verdict:
    lost, total = rejected_corners(calibration, evidence)
    share = 100.0 * lost / max(total, 1)
    return Verdict(
        "Corners left out",
        grade(share, 5.0, 20.0),
        f"{share:.1f} %",
        f"{lost} of {total} corners were found but not used; the reasons are below."
        if lost
        else f"All {total} corners that were found were used.",
        "Green up to 5 % of the corners, amber up to 20 %. Many mean a wrong board, blur or a bent one.",
    )


def rejected_corners(calibration: Calibration, evidence: Evidence) -> tuple[int, int]:
    """Corners left out of the joint solve (or of the lens, with one camera), and all that were found.

    Views that were left out as a whole are counted with as many corners as a typical view has.
    """
    views = [view for own in evidence.views.values() for view in own]
    total = sum(len(view.ids) for view in views)
    lost = sum(int((~view.used).sum()) for view in views)
    typical = round(total / len(views)) if views else 0
    there = {(view.camera, view.frame) for view in views}
    if calibration.extrinsics is not None:
        whole = {(one.camera, one.frame) for one in calibration.extrinsics.rejected if not one.corners}
    else:
        whole = {
            (name, one.frame)
            for name, result in calibration.intrinsics.items()
            for one in result.rejected_views
        }
    outside = typical * len(whole - there)
    return lost + outside, total + outside


def _findings(findings: Sequence[Diagnosis]) -> Verdict:
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = sum(finding.severity == "warning" for finding in findings)
    counted = [
        f"{count} {word}{'s' if count > 1 else ''}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    return Verdict(
        "Diagnosis",
        "red" if errors else "amber" if warnings else "green",
        " and ".join(counted) or "nothing wrong",
        "What was recognised from the data, and what to do, is listed below."
        if counted
        else "Board, print, motion, links and time stamps were checked; no known mistake was recognised.",
        "Green without warnings, red with an error.",
    )


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
