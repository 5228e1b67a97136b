import numpy as np

from pipeline.benchmarks.synchronization import benchmark_sync, film


def test_what_is_filmed_is_the_truth_at_its_own_time():
    recording = film(3, 2.0, cameras=2, noise_px=0.0, loss=0.2)
    camera, track, scene = (
        recording.studio.rig.cameras[1],
        recording.tracks[1],
        recording.scene_ms[1],
    )
    assert len(scene) < 60
    truth = camera.project(recording.studio.truth(scene[7] / 1e3)[0])
    right = np.isclose(track.keypoints[7], truth, atol=1e-6).all(axis=1)
    assert right.mean() > 0.8  # one in a hundred is a gross error
    late_ms = (track.times_ns - 10**12) / 1e6 - scene
    drift = recording.clocks.drift_ppm[1] * 1e-6
    np.testing.assert_allclose(late_ms, recording.clocks.lag_ms[1] + drift * (scene - 1000), atol=1e-5)


def test_lags_are_found_and_worth_it():
    found = benchmark_sync(1, 16.0, noise_px=0.5)
    assert found["unobservable"] == 0
    # 16 s at 0.5 px: half the deviation that 60 s at 1.5 px have, 0.3 ms, so 1 ms is over five of them.
    assert found["lag_error_ms"]["max"] < 1.0
    wrist = found["fast_wrist_mm"]
    assert wrist["nearest"]["count"] > 20
    # With all clocks known only noise is left, at 0.5 px less than a quarter of what time costs.
    for key in ("mean", "p50"):
        assert wrist["times_better"]["interpolated"][key] > 2.0
        assert wrist["times_better"]["estimated"][key] > 1.7
    slow = found["slow_wrist_mm"]
    assert slow["interpolated"]["p50"] < 1.1 * slow["no_skew"]["p50"]
