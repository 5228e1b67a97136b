import numpy as np
import pytest

from models.simulation.lighting import MAP_CELL_MM, MAP_HALF_MM, TO_LAMP, ShadowMap
from models.simulation.renderer import RAY_STEP_PX, Sensor
from models.simulation.room import HALF_LENGTH_MM, HALF_WIDTH_MM, NOWHERE_MM, room_picture
from models.simulation.studio_rig import ring_of_cameras


def test_the_floor_lies_where_the_camera_sees_it():
    camera = ring_of_cameras([0], 4, (320, 240)).cameras[2]
    u = np.arange(-RAY_STEP_PX, 320 + 2 * RAY_STEP_PX, RAY_STEP_PX, dtype=np.float64)
    v = np.arange(-RAY_STEP_PX, 240 + 2 * RAY_STEP_PX, RAY_STEP_PX, dtype=np.float64)
    position, rays = camera.unproject(np.stack(np.meshgrid(u, v), axis=-1))
    colours, places = np.zeros((240, 320, 3), np.float32), np.zeros((240, 320, 2), np.float32)
    rays = rays / (rays @ camera.R[2])[..., None]
    room_picture(np.array(position), np.ascontiguousarray(rays), RAY_STEP_PX, 1, colours, places)
    floor = places[..., 0] != NOWHERE_MM
    assert 0.2 < floor.mean() < 0.95
    assert np.abs(places[floor]).max() <= max(HALF_LENGTH_MM, HALF_WIDTH_MM)
    row, column = np.nonzero(floor)
    world = np.column_stack([places[floor], np.zeros(len(row))])
    # Between rays 8 px apart a lens of k1 = -0.14 and f = 260 px curves by 8^2/8 * 6 * 0.14 / 260 = 0.03 px.
    error = np.linalg.norm(camera.project(world) - np.column_stack([column, row]), axis=1)
    assert error.max() < 0.05
    assert colours.min() >= 0
    assert colours.std() > 0.05


def test_a_shadow_falls_away_from_the_lamp():
    shadow = ShadowMap()
    ball = np.random.default_rng(0).standard_normal((4000, 3))
    ball = (80 * ball / np.linalg.norm(ball, axis=1, keepdims=True) + [200, 300, 1000]).astype(np.float32)
    shadow.update(ball)
    row, column = np.nonzero(shadow.shade > 0.3)
    centre = np.array([column.mean(), row.mean()]) * MAP_CELL_MM + MAP_CELL_MM / 2 - MAP_HALF_MM
    expected = np.array([200, 300]) - TO_LAMP[:2] / TO_LAMP[2] * 1000
    assert centre == pytest.approx(expected, abs=MAP_CELL_MM)
    shadow.update(ball - [500, 0, 0])  # the old shadow is gone
    assert (shadow.shade[row.min() : row.max(), column.min() : column.max()] == 0).all()


def test_noise_has_the_asked_strength_and_repeats_by_number():
    sensor = Sensor((200, 100), noise=3.0, seed=[1])
    grey = np.full((100, 200, 3), 128, np.uint8)
    first, again, other = grey.copy(), grey.copy(), grey.copy()
    sensor.expose(first, 10)
    sensor.expose(again, 10)
    sensor.expose(other, 11)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    # 60000 samples: the estimates scatter by 3/sqrt(60000) = 0.012; rounding to whole levels adds 1/12
    assert first.astype(float).mean() == pytest.approx(128.0, abs=0.1)
    assert first.astype(float).std() == pytest.approx(np.sqrt(9 + 1 / 12), abs=0.1)


def test_a_sensor_without_noise_changes_nothing():
    picture = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
    copy = picture.copy()
    Sensor((10, 10), noise=0.0, seed=[1]).expose(copy, 3)
    assert np.array_equal(copy, picture)


def test_noise_of_any_strength_ends_at_black_and_white():
    picture = np.tile(np.array([0, 3, 128, 252, 255], np.uint8), 1200).reshape(20, 100, 3)
    for noise in (3.0, 45.0):  # in 8 bits, and more than fits into them
        sensor = Sensor((100, 20), noise=noise, seed=[4])
        out = np.empty_like(picture)
        sensor.expose(picture, 7, out)
        assert np.array_equal(np.unique(picture), [0, 3, 128, 252, 255])  # left as it was
        middle = out[picture == 128].astype(float)
        # 1200 numbers rounded to whole levels; at 45 one in 200 ends at black or white
        assert abs(middle.std() - noise) < 0.1 * noise
        assert (out[picture == 0] == 0).mean() > 0.45
        assert (out[picture == 255] == 255).mean() > 0.45
        copy = picture.copy()
        sensor.expose(copy, 7)
        assert np.array_equal(copy, out)
