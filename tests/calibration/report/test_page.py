"""The page: complete, self-contained, and saying what the figures say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.calibrator import Calibration
from calibration.diagnosis import Diagnosis
from calibration.extrinsics import solve_extrinsics
from calibration.intrinsics import calibrate_intrinsics
from calibration.quality import measure_quality
from calibration.report.evidence import gather
from calibration.report.page import write_report
from calibration.report.plot import Plot, nice_scale
from calibration.report.verdicts import grade, headline, judge
from calibration.rig import Rig
from calibration.simulated_views import simulate_views
from configs.errors import BadInputError


@pytest.fixture(scope="module")
def supplied() -> Calibration:
    recording = simulate_views(1, 4, seconds=6.0, lags_ms=np.array([0.0, 20.0, -15.0, 8.0]), gross=0.005)
    lenses = {camera.name: camera for camera in recording.rig.cameras}
    extrinsics = solve_extrinsics(recording.observations, lenses)
    quality = measure_quality(extrinsics.rig, recording.observations)
    rig = extrinsics.rig
    return Calibration(rig, recording.observations.board, {}, extrinsics, quality, (), {"extrinsics": 0.5})


@pytest.fixture(scope="module")
def single() -> Calibration:
    observations = simulate_views(2, 2, seconds=5.0).observations
    result = calibrate_intrinsics(observations, "cam1")
    found = (Diagnosis("thin", "warning", "The board <never> came near the corners.", ("cam1",)),)
    return Calibration(Rig((result.camera,)), observations.board, {"cam1": result}, None, None, found, {})


class Outline(HTMLParser):
    """Headings, drawings, and tags that were not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.drawings = 0
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.drawings += tag == "svg"
        self.loads += [str(value) for name, value in attributes if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "br", "link", "img", "path", "use", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.loads += [str(value) for name, value in attributes if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def test_supplied_lenses_give_a_whole_report(supplied: Calibration, tmp_path: Path) -> None:
    path = write_report(supplied, tmp_path / "new" / "folder")
    text = path.read_text(encoding="utf-8")
    outline = Outline(text)
    assert not outline.open
    # nothing from outside: only places within the page
    assert all(link.startswith(("#", "data:")) for link in outline.loads)
    for heading in (
        "Lenses",
        "Places of the cameras",
        "Time offsets",
        "Shared views",
        "Board in space",
        "Errors",
    ):
        assert heading in outline.headings
    # coverage, layout, lags, graph, histogram, over time, vectors, board
    assert outline.drawings == 8
    extrinsics = supplied.extrinsics
    assert extrinsics is not None
    for name, lag in extrinsics.lags.items():
        if name != extrinsics.reference:
            assert f"{lag.ms:+.1f} ± {lag.interval_ms:.1f}" in text
        assert f"{extrinsics.camera_rms_px[name]:.3f}" in text
    assert f"{extrinsics.rms_without_lags_px:.3f}" in text
    assert supplied.quality is not None
    assert f"{supplied.quality.rigid_mm:.3f} mm" in text
    assert any(rejection.corners for rejection in extrinsics.rejected)
    assert "further off than the limit" in text


def test_one_camera_gives_a_report_without_a_rig(single: Calibration, tmp_path: Path) -> None:
    text = write_report(single, tmp_path).read_text(encoding="utf-8")
    outline = Outline(text)
    assert not outline.open
    assert "Places of the cameras" not in outline.headings
    # coverage, uncertainty, histogram, over time, vectors, board, where the board was
    assert outline.drawings == 7
    result = single.intrinsics["cam1"]
    assert f"{result.rms_px:.3f}" in text
    assert f"{result.held_out_px:.3f}" in text
    assert "The board &lt;never&gt; came near the corners." in text
    for warning in result.warnings:
        assert warning.split(" (")[0] in text


def test_odd_names_are_names(supplied: Calibration, tmp_path: Path) -> None:
    """Neither HTML nor formulas."""
    extrinsics = supplied.extrinsics
    assert extrinsics is not None
    odd = "<b>$\\frac$_1"

    def renamed(rig: Rig) -> Rig:
        return replace(
            rig, cameras=tuple(replace(one, name=odd) if one.name == "cam2" else one for one in rig.cameras)
        )

    def swap(name: str) -> str:
        return odd if name == "cam2" else name

    def swapped(values: Mapping[str, Any]) -> dict[str, Any]:
        return {swap(name): value for name, value in values.items()}

    graph = replace(
        extrinsics.graph,
        cameras=tuple(swap(name) for name in extrinsics.graph.cameras),
        tree=tuple((swap(a), swap(b)) for a, b in extrinsics.graph.tree),
        loops=(),
    )
    strange = replace(
        extrinsics,
        rig=renamed(extrinsics.rig),
        views=tuple(replace(view, camera=swap(view.camera)) for view in extrinsics.views),
        rejected=(),
        graph=graph,
        uncertainty=swapped(extrinsics.uncertainty),
        lags=swapped(extrinsics.lags),
        camera_rms_px=swapped(extrinsics.camera_rms_px),
    )
    calibration = replace(supplied, rig=renamed(supplied.rig), extrinsics=strange, quality=None)
    text = write_report(calibration, tmp_path).read_text(encoding="utf-8")
    assert not Outline(text).open
    assert "<b>$" not in text
    # table of lenses, of places, and the drawings
    assert text.count("&lt;b&gt;$\\frac$_1") > 8


def test_the_folder_must_be_possible(single: Calibration, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="file"):
        write_report(single, tmp_path / "file" / "folder")


def test_an_error_found_is_red_whatever_the_figures_say(supplied: Calibration) -> None:
    verdicts = judge(supplied, gather(supplied))
    titles = {verdict.title: verdict for verdict in verdicts}
    assert titles["Reprojection error"].colour == "green"
    assert titles["Time offsets"].colour == "green"
    assert "Focal length" not in titles
    wrong = Diagnosis("moved_camera", "error", "cam2 was moved.", ("cam2",))
    assert headline(verdicts, ()).colour != "red"
    assert headline(verdicts, (wrong,)).colour == "red"
    worse = judge(replace(supplied, diagnoses=(wrong,)), gather(supplied))
    assert {verdict.title: verdict.colour for verdict in worse}["Diagnosis"] == "red"


def test_what_is_unknown_is_not_good() -> None:
    assert grade(0.1, 0.2, 0.5) == "green"
    assert grade(0.3, 0.2, 0.5) == "amber"
    assert grade(0.6, 0.2, 0.5) == "red"
    assert grade(float("nan"), 0.2, 0.5) == "red"


def test_lags_nobody_can_know_are_amber(supplied: Calibration) -> None:
    extrinsics = supplied.extrinsics
    assert extrinsics is not None
    lags = dict(extrinsics.lags)
    lags["cam2"] = replace(lags["cam2"], interval_ms=float("inf"))
    unknown = replace(supplied, extrinsics=replace(extrinsics, lags=lags))
    verdict = next(one for one in judge(unknown, gather(unknown)) if one.title == "Time offsets")
    assert verdict.colour == "amber"
    assert "cam2" in verdict.words


def test_drawings_keep_their_words() -> None:
    """Coordinates are rounded, text is not."""
    plot = Plot(1.0)
    plot.axes[0].set_title("0.1234 px")
    plot.axes[0].plot([0.0, 1.0, 3.0], [0.111, 0.7, 0.2])
    text = plot.svg()
    assert "0.1234 px" in text
    drawn = re.findall(r' d="([^"]*)"', text)
    assert not any(re.search(r"\.\d\d", path) for path in drawn)


@pytest.mark.parametrize(
    ("value", "scale"), [(1.0, 1.0), (7.0, 5.0), (0.034, 0.02), (199.0, 100.0), (0.0, 1.0)]
)
def test_magnifications_are_round(value: float, scale: float) -> None:
    assert nice_scale(value) == pytest.approx(scale)
