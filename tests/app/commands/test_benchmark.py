"""The benchmark command: options and presentation; the measurements belong to the parts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.cli.main import main
from pipeline.benchmarks import live_pipeline


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["triangulation", "--cameras", "1"], ["--cameras = 1", "2 to 64"]),
        (["triangulation", "--people", "0"], ["--people = 0"]),
        (["pipeline", "--cameras", "17"], ["--cameras = 17", "2 to 16"]),
        (["pipeline", "--seconds", "nan"], ["--seconds = nan"]),
        (["pipeline", "--size", "640"], ["--size = '640'", "such as 640x480"]),
        (["pipeline", "--size", "20x20"], ["--size = '20x20'", "64 to 4096"]),
        (["calibration", "--cameras", "17"], ["--cameras = 17", "2 to 16"]),
        (["calibration", "--accuracy", "--seeds", "0"], ["--seeds = 0"]),
        (["calibration", "--accuracy", "--cameras", "2"], ["--cameras = 2", "3 to 16"]),
        (["calibration", "--accuracy", "--plot", "x.png"], ["--plot", "no picture"]),
        (["calibration", "--no-growth", "--plot", "growth.png"], ["--plot", "--no-growth"]),
        ([], ["triangulation|pipeline"]),
        (["pipelin"], ["pipelin"]),
    ],
)
def test_wrong_words(words: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", *words]) == 2
    sentence = capsys.readouterr().err
    for part in parts:
        assert part in sentence


def test_options_reach_the_measurement_and_figures_come_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, Any] = {}

    def measure(**settings: Any) -> dict[str, Any]:
        asked.update(settings)
        return {
            "cameras": settings["cameras"],
            "latency_ms": {"p50": 41.23456, "p95": 60.0},
            "stage_ms": {"detect": {"p50": 1.5, "p95": 2.0}},
            "size": [640, 480],
            "by_cameras": [{"cameras": 2, "p50_ms": 0.25}, {"cameras": 4, "p50_ms": 0.5}],
        }

    monkeypatch.setattr(live_pipeline, "benchmark_pipeline", measure)
    words = ["benchmark", "pipeline", "--cameras", "2", "--seconds", "3", "--size", "1280x720", "--no-record"]
    assert main(words) == 0
    assert asked == {
        "cameras": 2,
        "size": (1280, 720),
        "fps": 30.0,
        "seconds": 3.0,
        "pipeline": "blazepose",
        "record": False,
    }
    assert capsys.readouterr().out.splitlines() == [
        "cameras          2",
        "latency_ms       p50 41.23  p95 60",
        "stage_ms.detect  p50 1.5  p95 2",
        "size             640 480",
        "by_cameras       cameras 2  p50_ms 0.25",
        "by_cameras       cameras 4  p50_ms 0.5",
    ]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["latency_ms"]["p50"] == 41.23456
