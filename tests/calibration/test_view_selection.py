from dataclasses import replace

import numpy as np

from calibration.coverage import RINGS, cells_of, grid_shape, measure_coverage
from calibration.view_selection import select_views, why_implausible
from tests.calibration.board_scenes import BOARD, film_board, lens_camera

CAMERA = lens_camera("pinhole")
SIZE = CAMERA.size


def corners_of(views):
    return [view.pixels for view in views]


def reason_of(view):
    # among others, so that arrays of one size hold views of different lengths
    others = film_board(CAMERA, 4, seed=8).views
    return why_implausible(BOARD, [*others, view])[-1]


def test_few_views_are_all_kept():
    views = film_board(CAMERA, 7, seed=1).views
    assert select_views(BOARD, views, SIZE, 10).tolist() == list(range(7))


def test_rare_views_are_found_among_many_alike():
    alike = film_board(CAMERA, 180, seed=2, tilt_rad=0.1, spread=0.05, distance=(900, 950)).views
    rare = film_board(CAMERA, 20, seed=3, tilt_rad=0.8, spread=0.9, distance=(500, 1400)).views
    chosen = select_views(BOARD, [*alike, *rare], SIZE, 24)
    assert len(chosen) == len(set(chosen.tolist())) == 24
    # each of the rare ones shows a place or a tilt that the others do not
    assert (chosen >= 180).sum() >= 17


def test_selected_views_cover_nearly_what_all_cover():
    views = film_board(CAMERA, 300, seed=4).views
    chosen = select_views(BOARD, views, SIZE, 25)
    everything = measure_coverage(corners_of(views), SIZE)
    ours = measure_coverage(corners_of(views[i] for i in chosen), SIZE)
    random = np.random.default_rng(0)
    chance = [
        measure_coverage(corners_of(views[i] for i in random.permutation(300)[:25]), SIZE).share
        for _ in range(20)
    ]
    assert ours.share > 0.97 * everything.share
    assert ours.share > np.mean(chance)


def test_of_equal_views_the_sharper_are_taken():
    views = film_board(CAMERA, 30, seed=5).views
    pairs = [replace(view, frame=2 * k, sharpness=0.45) for k, view in enumerate(views)]
    pairs += [replace(view, frame=2 * k + 1, sharpness=0.10) for k, view in enumerate(views)]
    chosen = select_views(BOARD, pairs, SIZE, 15)
    assert (chosen < 30).all()


def test_good_views_are_plausible_through_any_lens():
    for model in ("pinhole", "rational", "fisheye"):
        camera = lens_camera(model)
        views = film_board(camera, 60, seed=6, noise_px=0.5, tilt_rad=1.0).views
        assert why_implausible(BOARD, views) == [None] * 60, model


def test_implausible_views_are_told_apart():
    view = film_board(CAMERA, 1, seed=7, tilt_rad=0.1, spread=0.1, distance=(700, 800)).views[0]
    assert len(view) == BOARD.corner_count
    line = replace(view, ids=view.ids[:8], pixels=view.pixels[:8])
    assert "on one line" in reason_of(line)
    few = replace(view, ids=view.ids[:5], pixels=view.pixels[:5])
    assert "only 5 corners" in reason_of(few)
    # the detector lost a row: everything below is a square too high
    shifted = view.pixels.copy()
    shifted[16:] = np.roll(view.pixels, -8, axis=0)[16:]
    shifted[-8:] = view.pixels[-8:] + 0.5 * (view.pixels[-8:] - view.pixels[-16:-8])
    assert "do not continue the grid" in reason_of(replace(view, pixels=shifted))
    two_columns = (view.ids % 8) < 2  # too few for a cubic along them
    assert reason_of(replace(view, ids=view.ids[two_columns], pixels=view.pixels[two_columns])) is None
    one_off = view.pixels.copy()
    one_off[10] += 30
    assert reason_of(replace(view, pixels=one_off)) is None


def test_coverage_in_numbers_and_words():
    rows, columns = grid_shape((640, 480))
    assert (rows, columns) == (7, 9)
    assert grid_shape((1088, 1920)) == (9, 5)
    grid = (
        np.stack(np.meshgrid(np.arange(0, 640, 8), np.arange(0, 480, 8)), axis=-1)
        .reshape(-1, 2)
        .astype(float)
    )
    full = measure_coverage([grid], (640, 480))
    assert full.share == 1.0
    assert full.gaps() == ()
    assert full.counts.sum() == len(grid)
    assert full.rings.shape == (RINGS,)
    assert (full.rings > 0.95).all()
    left = measure_coverage([grid[grid[:, 0] < 320]], (640, 480))
    assert left.gaps() == ("upper right corner", "right edge", "lower right corner")
    assert "missing: upper right corner, right edge, lower right corner" in left.words()
    assert 0.4 < left.share < 0.65
    middle = measure_coverage([grid[np.abs(grid - [319.5, 239.5]).max(axis=1) < 60]], (640, 480))
    assert middle.reach < 0.25
    assert "most of it is missing" in middle.words()
    empty = measure_coverage([], (640, 480))
    assert (empty.share, empty.reach) == (0.0, 0.0)
    assert len(empty.gaps()) == 9


def test_the_border_belongs_to_the_outer_cells():
    rows, columns = grid_shape((640, 480))
    corners = np.array([[-0.5, -0.5], [639.5, -0.5], [-0.5, 479.5], [639.5, 479.5]])
    assert cells_of(corners, (640, 480)).tolist() == [
        0,
        columns - 1,
        (rows - 1) * columns,
        rows * columns - 1,
    ]
