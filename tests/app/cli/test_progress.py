"""Progress without a terminal: silence for short work, then a line now and then."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console as RichConsole

from app.cli.console import Console
from app.cli.progress import LINE_EVERY_S, LineProgress, RichProgress, bars_on


def test_short_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Console().progress("triangulating", total=10, unit="frames") as bar:
        for _ in range(10):
            bar.advance()
    assert capsys.readouterr().err == ""


def test_long_work_says_a_line_every_few_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    bar = LineProgress("triangulating", 100, "frames")
    for _ in range(100):
        now += 0.25  # exact in binary, so that lines fall due exactly
        bar.advance(note="2 people")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 25 / LINE_EVERY_S
    assert lines[0].startswith("triangulating: 20 of 100 frames (20 %)")
    assert all("of 100 frames" in line and line.endswith("%), 2 people") for line in lines)


@pytest.mark.parametrize(
    ("done", "total", "unit", "text"),
    [
        (30, 120, "frames", "30 of 120 frames (25 %)"),
        (30, None, "frames", "30 frames"),
        (0, 0, "frames", "0 of 0 frames"),
        (4_700_000, 9_399_558, "B", "5 MB of 9 MB (50 %)"),
        (1_234, None, "B", "1 kB"),
        (2_500_000_000, None, "B", "2.5 GB"),
        (3, 4, "", "3 of 4 (75 %)"),
    ],
)
def test_amounts(done: float, total: float | None, unit: str, text: str) -> None:
    bar = LineProgress("x", total, unit)
    bar(done)
    assert bar.text == text


def test_a_total_that_becomes_known_later() -> None:
    bar = LineProgress("x", None, "frames")
    bar.update(1, total=4)
    assert bar.text == "1 of 4 frames (25 %)"


def test_a_terminal_shows_bars_within_bars() -> None:
    stream = io.StringIO()
    bars = bars_on(RichConsole(file=stream, force_terminal=True, width=100))
    with RichProgress(bars, "fetching [1]", 4, "files") as outer:
        outer.advance(2, note="second.bin")
        with RichProgress(bars, "second.bin", 10, "B") as inner:
            inner.update(5)
            bars.refresh()
            assert len(bars.tasks) == 2
        assert bars.live.is_started
    assert not bars.live.is_started
    with RichProgress(bars, "again", 1, "") as bar:
        bar.advance()
    shown = stream.getvalue()
    for text in ("fetching [1]", "2 of 4 files (50 %)", "second.bin", "5 B of 10 B (50 %)", "again"):
        assert text in shown
