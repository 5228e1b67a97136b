"""The benchmark measures what it says: same problem, same answer, known truth."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from calibration import benchmark
from calibration.benchmark import benchmark_calibration
from calibration.benchmark_plot import plot_growth


def test_a_library_finds_the_same_cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "LEAST_S", 6.0)  # s: half a turn of the board, enough for four neighbours
    told: list[str] = []
    result = benchmark_calibration(4, 45, 1, growth=False, progress=told.append)
    assert (result["cameras"], result["moments"]) == (4, 45)
    assert result["corners"] > 70 * 45
    library = result["library"]
    # Both minimise the same errors; ours counts few large ones less (Huber), which moves this by 1 in 1000.
    assert library["rmse_px"] == pytest.approx(library["ours_rmse_px"], rel=5e-3)
    assert library["position_error_mm"] == pytest.approx(library["ours_position_error_mm"], abs=0.5)
    # 0.5 px at 2.5 m and 920 px is 1.4 mm for one corner; thousands of corners are better than that.
    assert result["position_error_mm"] < 1.4
    assert result["lag_error_ms"] < 2.0
    assert result["with_large_lags"]["lag_error_ms"] < 2.0
    assert result["ratio"] > 0.0
    assert "the same with scipy's least_squares" in told


def test_the_growth_is_drawn(tmp_path: Path) -> None:
    rows = [
        {"cameras": cameras, "views": 100 * cameras * factor, "cpu_seconds": 0.1 * cameras * factor}
        for cameras in (2, 4)
        for factor in (1, 2, 4)
    ]
    plot_growth({"growth": rows}, tmp_path / "plot.png")
    picture = cv2.imread(str(tmp_path / "plot.png"))
    assert picture is not None
    assert picture.shape == (380, 640, 3)
    assert picture.std() > 10
