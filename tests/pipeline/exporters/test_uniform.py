from __future__ import annotations

import numpy as np
import pytest

from pipeline.exporters.uniform import sample, uniform_tracks
from pipeline.take.take import Take
from tests.pipeline.take.synthetic_take import make_take

INTERVAL = 0.1


def sampled(times: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """With a gap wherever an instant is missing."""
    return sample(times, values, wanted, np.diff(times) <= 1.75 * INTERVAL, 0.25 * INTERVAL)


def line(times: np.ndarray) -> np.ndarray:
    """(N, 2): what moves evenly is found exactly by linear interpolation."""
    return np.stack([3.0 * times - 1.0, 100.0 - 7.0 * times], axis=1)


def test_jitter_is_evened_out():
    generator = np.random.default_rng(0)
    times = np.arange(50) * INTERVAL + generator.uniform(-0.03, 0.03, 50)
    wanted = np.linspace(times[0], times[-1], 48)
    np.testing.assert_allclose(sampled(times, line(times), wanted), line(wanted), atol=1e-12)


def test_gaps_stay_gaps():
    times = np.array([0.0, 0.1, 0.2, 0.6, 0.7])
    wanted = np.arange(8) * INTERVAL
    found = sampled(times, line(times), wanted)
    missing = [3, 4, 5]
    assert np.isnan(found[missing]).all()
    kept = [0, 1, 2, 6, 7]
    np.testing.assert_allclose(found[kept], line(wanted[kept]), atol=1e-12)


def test_missing_joints_are_not_invented_but_near_instants_count():
    times = np.arange(5) * INTERVAL
    values = line(times)
    values[2, 0] = np.nan
    found = sampled(times, values, times + 0.02)
    assert np.isfinite(found[:, 1]).all(), "the last sample is 0.2 intervals behind the last instant"
    np.testing.assert_array_equal(np.isnan(found[:, 0]), [False, False, True, False, False])
    assert found[1, 0] == values[1, 0], "beside a missing value the near instant itself is taken"


@pytest.mark.parametrize("count", [1, 2])
def test_very_short_takes(count: int):
    times = np.arange(count) * INTERVAL
    np.testing.assert_allclose(sampled(times, line(times), times), line(times))


def test_tracks_of_a_take(tmp_path):
    folder = make_take(tmp_path / "walk", frames=9, sizes=[(64, 48)] * 2, people=lambda index: index % 3)
    take = Take.open(folder)
    poses = take.poses()
    assert poses is not None
    tracks = uniform_tracks(take, poses)
    assert tracks.rate_hz == 30.0, "the cameras' own rate"
    assert tracks.people == (0, 1)
    assert tracks.samples == 9
    assert tracks.label(1, 0) == "person1_nose"
    there = [np.isfinite(tracks.joints[track]).all(axis=(1, 2)) for track in (0, 1)]
    np.testing.assert_array_equal(there[0], [index % 3 >= 1 for index in range(9)])
    np.testing.assert_array_equal(there[1], [index % 3 == 2 for index in range(9)])
    # The take counts 33.333333 ms, 30 Hz means 33.333333..: 3 ns after 9 pictures, a ten-millionth of an
    # interval, in which joints that jump by up to 300 mm (noise of small pictures) move 0.00003 mm.
    np.testing.assert_allclose(tracks.joints[0, there[0]], poses.joints[there[0], 0], rtol=0, atol=1e-4)
    np.testing.assert_allclose(tracks.std_mm[0, there[0]], 5.0)


def test_instants_that_inference_left_out_are_bridged_but_absence_is_not(tmp_path):
    folder = make_take(tmp_path / "walk", frames=40, sizes=[(64, 48)] * 2)
    with np.load(folder / "poses.npz") as data:
        arrays = {name: data[name] for name in data.files}
    kept = np.r_[0:10, 12:20, 30:40]  # two instants left out, then a pause of ten
    arrays = {name: values[kept] if values.shape[:1] == (40,) else values for name, values in arrays.items()}
    arrays["person"][5] = -1  # nobody there
    np.savez(folder / "poses.npz", **arrays)
    take = Take.open(folder)
    poses = take.poses()
    assert poses is not None
    there = np.isfinite(uniform_tracks(take, poses).joints[0]).all(axis=(1, 2))
    missing = np.flatnonzero(~there)
    np.testing.assert_array_equal(missing, [5, *range(20, 30)])
