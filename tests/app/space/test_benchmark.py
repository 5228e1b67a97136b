"""The figures of the 3D view are measured, not made up."""

from app.space.benchmark import SIZES, measure


def test_figures_of_both_engines(qtbot, open3d_draws):
    for engine in ("wireframe", "open3d"):
        figures = measure(0.4, engine=engine)
        assert figures["engine"] == engine
        assert bool(figures["driver"]) == (engine == "open3d")
        for width, height in SIZES:
            found = figures[f"{width}x{height}"]
            assert found["fps"] > 0
            assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["p95"]
            assert found["window_cpu_ms"] > 0
