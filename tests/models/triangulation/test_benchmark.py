import numpy as np

from models.triangulation.benchmark import (
    VIEW_COUNTS,
    benchmark_triangulation,
    made_up_people,
    plain_dlt,
    ring_rig,
)


def test_reports_every_figure():
    result = benchmark_triangulation(cameras=4, people=2, joints=5, runs=8)
    for part in (result["robust"], result["plain_dlt"], *result["stages"].values()):
        for kind in ("wall_ms", "cpu_ms"):
            assert 0.0 < part[kind]["p50"] <= part[kind]["p95"] <= part[kind]["p99"]
    assert [row["cameras"] for row in result["by_cameras"]] == list(VIEW_COUNTS)
    # 3 px are 12 mm; the robust answer stays there, the plain one is carried away by the 5 % gross errors.
    assert result["error_mm"]["robust"]["median"] < 3.0 * 12.0
    assert result["error_mm"]["robust"]["mean"] < result["error_mm"]["plain_dlt"]["mean"]


def test_plain_dlt_is_a_fair_opponent():
    rig, rng = ring_rig(5), np.random.default_rng(0)
    truth, _, _ = made_up_people(rig, 2, 7, rng)
    ideal = np.moveaxis(rig.undistort(rig.project(truth)), 0, 1)
    np.testing.assert_allclose(plain_dlt(rig, ideal, np.ones(ideal.shape[:3])), truth, atol=1e-6)
