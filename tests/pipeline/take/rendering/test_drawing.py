from __future__ import annotations

import numpy as np
import pytest

from pipeline.take.rendering.camera_tile import camera_tile, fitted_size
from pipeline.take.rendering.figure import figure_style
from pipeline.take.rendering.scene_view import SceneView, choose_viewpoint
from pipeline.take.rendering.text import draw_text, fit_text
from pipeline.take.rendering.theme import FAIR, LEFT, MIDDLE, RIGHT, TEXT
from pipeline.take.rendering.tile_grid import arrange
from tests.pipeline.take.synthetic_take import SKELETON, body, make_rig

STYLE = figure_style(SKELETON)


def distance_to(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(image.astype(int) - colour).max(axis=-1)


def test_sides_have_their_colours():
    colours = dict(zip(SKELETON.joints, STYLE.joint_colours, strict=True))
    assert colours["left_wrist"] == LEFT
    assert colours["right_ankle"] == RIGHT
    assert colours["nose"] == MIDDLE
    bones = {
        (SKELETON.joints[a], SKELETON.joints[b]): colour
        for (a, b), colour in zip(SKELETON.bones, STYLE.bone_colours, strict=True)
    }
    assert bones["left_shoulder", "left_elbow"] == LEFT
    assert bones["neck", "right_shoulder"] == RIGHT
    assert bones["neck", "pelvis"] == MIDDLE


@pytest.mark.parametrize("size", [(640, 480), (320, 240), (1280, 960)])
def test_keypoints_land_where_they_are(size: tuple[int, int]):
    full = (640, 480)
    keypoints = np.full((len(SKELETON), 3), np.nan)
    keypoints[:, 2] = 0.0
    wrist = SKELETON.index("left_wrist")
    keypoints[wrist] = (400.0, 300.0, 0.9)
    tile = camera_tile(
        np.zeros((480, 640, 3), np.uint8),
        size,
        full,
        "cam",
        people=[(keypoints, np.ones(len(SKELETON), bool))],
        style=STYLE,
    )
    assert tile.shape == (size[1], size[0], 3)
    below_caption = tile.copy()
    below_caption[:40] = 0
    rows, columns = np.nonzero(distance_to(below_caption, LEFT) < 10)
    scale = size[0] / full[0]
    # The middle of a filled dot; pixel centres scale as (u + 0.5) s - 0.5.
    assert columns.mean() == pytest.approx(400.5 * scale - 0.5, abs=0.5)
    assert rows.mean() == pytest.approx(300.5 * scale - 0.5, abs=0.5)


def test_unused_keypoints_are_rings():
    keypoints = np.full((len(SKELETON), 3), np.nan)
    keypoints[:, 2] = 0.0
    keypoints[SKELETON.index("left_wrist")] = (320.0, 240.0, 0.9)
    tile = camera_tile(
        np.zeros((480, 640, 3), np.uint8),
        (640, 480),
        (640, 480),
        "cam",
        people=[(keypoints, np.zeros(len(SKELETON), bool))],
        style=STYLE,
    )
    assert tile[240, 320].max() < 60, "the middle of a ring is the picture"
    assert (distance_to(tile[230:250, 310:330], LEFT) < 60).any()


def test_a_tile_says_what_it_has_to_say():
    black = np.zeros((240, 320, 3), np.uint8)
    plain = camera_tile(black, (320, 240), (320, 240), "cam", people=[], style=None)
    swapped = camera_tile(black, (320, 240), (320, 240), "cam", people=[], style=None, swapped=True)
    assert (distance_to(swapped[:24], FAIR) < 30).any()
    assert not (distance_to(plain[:24], FAIR) < 30).any()
    missing = camera_tile(None, (320, 240), (320, 240), "cam", people=[], style=None)
    assert missing[100:140].std() > 1, "says that there is no picture"


def test_wild_keypoints_do_no_harm():
    keypoints = np.full((len(SKELETON), 3), 0.9)
    keypoints[:, 0] = np.resize([np.nan, np.inf, -np.inf, 1e30, -1e9, 50.0, 99999.0], len(SKELETON))
    keypoints[:, 1] = np.roll(keypoints[:, 0], 3)
    camera_tile(
        np.zeros((240, 320, 3), np.uint8),
        (320, 240),
        (320, 240),
        "cam",
        people=[(keypoints, np.ones(len(SKELETON), bool))],
        style=STYLE,
    )


def test_the_view_shows_the_person_upright_with_left_on_its_left():
    joints = body(0.0)
    joints -= (*joints[SKELETON.index("pelvis"), :2], 0)
    view = SceneView((400, 400), STYLE, None)
    viewpoint = choose_viewpoint(joints, None)
    # From the front (the person looks along -y): its left hand appears on the right.
    front = type(viewpoint)(viewpoint.target, viewpoint.distance, np.deg2rad(-90), 0.0)
    picture = view.draw(front, [joints], [0])
    left = np.argwhere(distance_to(picture, LEFT) < 12)
    right = np.argwhere(distance_to(picture, RIGHT) < 12)
    assert left[:, 1].mean() > right[:, 1].mean() + 5
    head = np.argwhere(distance_to(picture, MIDDLE) < 12)
    assert head[:, 0].min() < min(left[:, 0].min(), right[:, 0].min()), "the head is on top"
    back = view.draw(front.turned(np.pi), [joints], [0])
    left = np.argwhere(distance_to(back, LEFT) < 12)
    right = np.argwhere(distance_to(back, RIGHT) < 12)
    assert left[:, 1].mean() < right[:, 1].mean() - 5


def test_the_whole_person_is_in_the_view_from_every_side():
    rig = make_rig([(640, 480)] * 4)
    times = np.linspace(0, 8, 60)
    walk = np.stack([body(t) for t in times])
    view = SceneView((500, 640), STYLE, rig)
    viewpoint = choose_viewpoint(walk, rig)
    for angle in (0.0, 1.0, 2.5, 4.0):
        picture = view.draw(viewpoint.turned(angle), [walk[30]], [0])
        found = np.argwhere((distance_to(picture, LEFT) < 12) | (distance_to(picture, RIGHT) < 12))
        assert len(found) > 100
        assert found.min() > 5
        assert (found.max(axis=0) < np.array([640, 500]) - 5).all()


@pytest.mark.parametrize("joints", [np.full((26, 3), np.nan), np.full((26, 3), 1e12), np.zeros((26, 3))])
def test_the_view_takes_any_pose(joints: np.ndarray):
    rig = make_rig([(640, 480)] * 2)
    view = SceneView((300, 300), STYLE, rig)
    assert view.draw(choose_viewpoint(joints, rig), [joints, joints], [0, 1]).shape == (300, 300, 3)
    inside = choose_viewpoint(body(0.0), None).closer(0.01)
    view.draw(inside, [body(0.0)], [0])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 16])
@pytest.mark.parametrize("shape", [(640, 480), (1080, 1920), (1920, 1080)])
def test_tiles_fill_the_area_without_overlap(count: int, shape: tuple[int, int]):
    area = (760, 640)
    grid = arrange([shape] * count, area)
    assert len(grid.tiles) == count
    assert grid.size[0] <= area[0]
    assert grid.size[1] <= area[1]
    covered = np.zeros((grid.size[1], grid.size[0]), int)
    for left, top, width, height in grid.tiles:
        assert width / height == pytest.approx(shape[0] / shape[1], rel=0.02)
        assert left >= 0
        assert top >= 0
        assert left + width <= grid.size[0]
        assert top + height <= grid.size[1]
        covered[top : top + height, left : left + width] += 1
    assert covered.max() == 1
    assert (covered > 0).mean() > 0.6


def test_tiles_of_mixed_shapes_keep_their_proportions():
    sizes = [(640, 480), (480, 640), (1920, 1080)]
    for size, (_, _, width, height) in zip(sizes, arrange(sizes, (800, 600)).tiles, strict=True):
        assert width / height == pytest.approx(size[0] / size[1], rel=0.02)
    assert fitted_size((1920, 1080), (320, 320)) == (320, 180)
    with pytest.raises(ValueError, match="do not fit"):
        arrange([(640, 480)] * 50, (20, 20), gap=10)


def test_text_is_drawn_and_cut_at_the_border():
    image = np.zeros((40, 200, 3), np.uint8)
    width = draw_text(image, "cam1", (10, 20), TEXT, size=14)
    columns = np.flatnonzero(image.max(axis=(0, 2)))
    assert columns.min() >= 10
    assert columns.max() <= 10 + width
    for position in ((-500, 20), (190, 20), (100, -3), (100, 39), (100, 500)):
        draw_text(image, "outside", position, TEXT)
    assert fit_text("cam1", 500) == "cam1"
    short = fit_text("a rather long name of a camera", 90)
    assert short.endswith("…")
    assert draw_text(image, short, (0, 20), TEXT) <= 90
    assert fit_text("wide", 1) == ""
