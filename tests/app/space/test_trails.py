"""Trails against the paths they show."""

import numpy as np

from app import theme
from app.space.colours import scene_colours
from app.space.trails import LENGTH, Trails

COLOURS = scene_colours(theme.DARK)


def walk(trails, standing, steps, person=0, stride=20.0):
    joints, skeleton = standing
    for step in range(steps):
        trails.add(joints + np.array([step * stride, 0.0, 0.0]), skeleton, np.array([person]))


def test_lines_follow_wrists_and_ankles_and_fade(standing):
    trails = Trails()
    walk(trails, standing, 10)
    drawn = trails.strokes(COLOURS)
    assert len(drawn.ends) == 9 * 4, "coco has wrists and ankles, no pelvis"
    wrist = standing[0][0, standing[1].index("left_wrist")]
    newest = drawn.ends[
        np.isclose(drawn.ends[:, 1, 0], wrist[0] + 180) & np.isclose(drawn.ends[:, 1, 2], wrist[2])
    ]
    np.testing.assert_allclose(newest[0, 0], wrist + np.array([160, 0, 0]))
    floor = np.array(COLOURS.floor)
    strength = np.abs(drawn.colours - floor).max(axis=1)
    oldest, latest = drawn.ends[:, 0, 0].argmin(), drawn.ends[:, 0, 0].argmax()
    assert strength[oldest] < strength[latest]
    assert drawn.radii[oldest].max() < drawn.radii[latest].max()


def test_they_are_limited_and_forgotten(standing):
    trails = Trails()
    walk(trails, standing, 3 * LENGTH)
    assert len(trails.strokes(COLOURS).ends) == (LENGTH - 1) * 4
    joints, skeleton = standing
    trails.add(joints[:0], skeleton, np.zeros(0, int))
    walk(trails, standing, 1)
    assert len(trails.strokes(COLOURS).ends) == 0, "who was gone starts anew"
    walk(trails, standing, 5)
    trails.clear()
    assert len(trails.strokes(COLOURS).ends) == 0


def test_no_line_across_a_jump_or_a_gap(standing):
    trails = Trails()
    joints, skeleton = standing
    for place in (0.0, 20.0, 4000.0, 4020.0, np.nan, 4040.0):
        trails.add(joints + np.array([place, 0.0, 0.0]), skeleton, np.array([0]))
    drawn = trails.strokes(COLOURS)
    assert len(drawn.ends) == 2 * 4
    assert np.isfinite(drawn.ends).all()
    assert np.abs(drawn.ends[:, 1] - drawn.ends[:, 0]).max() == 20.0
