"""Tiles and how they are placed; figures over time."""

import numpy as np
import pytest
from PyQt6.QtGui import QColor

from app import theme
from app.live.tile_wall import TileWall, best_columns
from app.live.timeline import SECONDS, Series, Timeline, sample
from app.widgets.camera_tile import CameraTile, fitting_caption
from models.skeletons import get_skeleton


def colours(widget) -> set[tuple[int, int, int]]:
    image = widget.grab().toImage()
    return {
        image.pixelColor(x, y).getRgb()[:3] for x in range(image.width()) for y in range(0, image.height(), 2)
    }


def near(colour: QColor, found: set[tuple[int, int, int]]) -> bool:
    return any(np.abs(np.subtract(colour.getRgb()[:3], other)).max() <= 6 for other in found)


@pytest.fixture
def tile(qtbot):
    tile = CameraTile("front")
    qtbot.addWidget(tile)
    tile.resize(320, 264)
    return tile


def one_point(u, v):
    """A person of whom only nose and left eye are seen, 40 px apart in the full picture."""
    skeleton = get_skeleton("coco_17")
    keypoints = np.full((1, len(skeleton), 3), np.nan)
    keypoints[..., 2] = 0.0
    a, b = skeleton.bones[0]
    keypoints[0, a] = [u, v, 1.0]
    keypoints[0, b] = [u + 40, v, 1.0]
    return keypoints, skeleton


@pytest.mark.parametrize(("room", "shown"), [(200, "10.0 of 10 fps"), (99, "10.0"), (30, "")])
def test_a_small_tile_keeps_the_rate(room, shown):
    assert fitting_caption("10.0 of 10 fps", lambda text: 10 * len(text), room) == shown


def test_sixteen_tiles_stay_inside_a_small_window(qtbot):
    wall = TileWall()
    qtbot.addWidget(wall)
    wall.show_cameras([f"cam{number}" for number in range(1, 17)])
    wall.resize(430, 560)
    wall.show()
    for tile in wall.tiles.values():
        assert wall.rect().contains(tile.geometry())


def test_colours_are_right_and_what_is_invisible_is_not_drawn(tile):
    tile.show_picture(np.full((120, 160, 3), (10, 200, 30), np.uint8))
    left = theme.palette().left
    assert near(QColor(30, 200, 10), colours(tile)), "BGR is shown as BGR"
    assert not near(left, colours(tile))
    skeleton = get_skeleton("coco_17")
    keypoints = np.random.default_rng(0).uniform(20, 100, (1, len(skeleton), 3))
    keypoints[..., 2] = 1.0
    tile.show_keypoints(keypoints, skeleton)
    found = colours(tile)
    assert near(left, found)
    assert near(theme.palette().right, found)
    keypoints[..., 2] = 0.1
    assert not near(left, colours(tile)), "what the model calls invisible is not drawn"


def test_keypoints_of_a_shrunk_picture_lie_where_they_were_found(tile):
    tile.show_picture(np.zeros((240, 320, 3), np.uint8), full_size=(640, 480))
    tile.show_keypoints(*one_point(400, 200))
    image = tile.grab().toImage()
    assert image.pixelColor(210, 100).lightness() > 60, "u 420 of 640 is 210 of 320"
    assert image.pixelColor(230, 100).lightness() < 10
    assert image.pixelColor(190, 100).lightness() < 10


def test_boxes_surround_people(tile):
    tile.show_picture(np.zeros((240, 320, 3), np.uint8))
    keypoints, skeleton = one_point(100, 100)
    keypoints[0, skeleton.bones[0][1]] = [160, 180, 1.0]
    tile.keypoints_shown = False
    tile.show_keypoints(keypoints, skeleton)
    assert not near(theme.palette().accent, colours(tile))
    tile.boxes_shown = True
    assert near(theme.palette().accent, colours(tile))


def test_trouble_covers_the_picture(tile):
    tile.show_picture(np.full((240, 320, 3), (10, 200, 30), np.uint8))
    assert near(QColor(30, 200, 10), colours(tile))
    tile.show_health("bad", "lost", "Unplugged; restarting in 2 s")
    found = colours(tile)
    assert not near(QColor(30, 200, 10), found)
    assert near(theme.palette().bad, found), "the dot"


def test_only_new_pictures_count_as_drawn(tile):
    for _ in range(3):
        tile.show_picture(np.zeros((240, 320, 3), np.uint8))
        tile.grab()
        tile.grab()
    assert tile.pictures_drawn == 3


@pytest.mark.parametrize(
    ("count", "size", "columns"),
    [(1, (800, 600), 1), (2, (800, 400), 2), (2, (400, 800), 1), (4, (800, 600), 2), (16, (1600, 900), 4)],
)
def test_the_number_of_columns_that_shows_most(count, size, columns):
    assert best_columns(count, *size, 4 / 3) == columns


@pytest.mark.parametrize("count", range(1, 17))
def test_tiles_lie_inside_apart_and_keep_the_aspect(qtbot, count):
    wall = TileWall()
    qtbot.addWidget(wall)
    wall.resize(900, 700)
    wall.show_cameras([f"cam{number}" for number in range(count)], 16 / 9)
    places = [tile.geometry() for tile in wall.tiles.values()]
    for number, place in enumerate(places):
        assert wall.rect().contains(place)
        assert not any(place.intersects(other) for other in places[:number])
        picture = place.width() / (place.height() - 24)
        assert picture == pytest.approx(16 / 9, rel=0.03), "a px more or less on a small tile"


def test_series_forget_what_is_too_old():
    series = Series()
    for second in range(int(SECONDS) + 60):
        series.add(float(second), second)
    assert series.times[-1] - series.times[0] <= SECONDS
    assert len(series.values) == SECONDS + 1


def numbers(fps, **inference):
    return {
        "session": {"t_s": 5.0},
        "grabber-a": {"fps": fps, "alive": True},
        "inference": {"alive": True, "fps": 12.0, "latency_recent_ms": {"p50": 40.0, "p95": 60.0}}
        | inference,
    }


def test_a_sample_has_latency_rates_and_poses():
    assert sample(numbers(30.0), ["a", "b"]) == {"p50": 40.0, "p95": 60.0, "poses": 12.0, "a": 30.0}
    assert sample(numbers(30.0, alive=False), ["a"]) == {"a": 30.0}, "dead models have no latency"


def test_the_timeline_draws_what_it_was_given(qtbot):
    timeline = Timeline()
    qtbot.addWidget(timeline)
    timeline.resize(800, 144)
    timeline.show_cameras(["a"])
    timeline.show()
    assert timeline.newest("a") is None
    timeline.add(numbers(30.0))
    timeline.add({**numbers(15.0), "session": {"t_s": 6.0}})
    assert timeline.newest("a") == 15.0
    xs, ys = timeline._curves["a"].getData()
    np.testing.assert_allclose(xs, [-1.0, 0.0])
    np.testing.assert_allclose(ys, [30.0, 15.0])
    low, high = timeline.rates.viewRange()[1]
    assert low == 0
    assert high >= 30
    timeline.show_cameras(["b"])
    assert timeline.newest("b") is None
