"""Triangles of round bodies against the equations of the bodies."""

import numpy as np

from app.space.drawing import Disc, Solids
from app.space.meshes import (
    SHADOW_MM,
    corners_of,
    disc,
    shaded,
    shadow_triangles,
    shadows_of,
    triangles_of,
    unit_ball,
)


def test_ball_is_closed_round_and_faces_outwards():
    corners, triangles = unit_ball()
    np.testing.assert_allclose(np.linalg.norm(corners, axis=1), 1.0)
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert (counts == 2).all(), "every edge joins two faces"
    assert len(corners) - len(counts) + len(triangles) == 2, "Euler: one closed surface"
    a, b, c = corners[triangles].transpose(1, 0, 2)
    assert ((np.cross(b - a, c - a) * a).sum(axis=1) > 0).all()


def test_corners_lie_on_their_bodies():
    rng = np.random.default_rng(3)
    tubes, balls = rng.normal(size=(3, 2, 3)) * 1000, rng.normal(size=(2, 3)) * 1000
    shapes = np.linalg.qr(rng.normal(size=(2, 3, 3)))[0] * [[[5.0, 20.0, 60.0]], [[9.0, 9.0, 9.0]]]
    solids = Solids(
        tubes=tubes,
        radii=np.array([[10.0, 20.0]] * 3),
        tube_colours=np.full((3, 3), 0.5),
        balls=balls,
        shapes=shapes,
        ball_colours=np.full((2, 3), 0.5),
        sides=6,
    )
    corners, colours = corners_of(solids)
    triangles = triangles_of(3, 2, 6)
    assert corners.shape == colours.shape
    assert sorted(set(triangles.ravel())) == list(range(len(corners))), "all corners are used"
    around = corners[: 3 * 12].reshape(3, 2, 6, 3)
    np.testing.assert_allclose(
        np.linalg.norm(around - tubes[:, :, None], axis=3), np.broadcast_to([[10], [20]], (3, 2, 6))
    )
    along = tubes[:, 1] - tubes[:, 0]
    np.testing.assert_allclose(np.einsum("nesk,nk->nes", around - tubes[:, :, None], along), 0, atol=1e-6)
    on_balls = corners[3 * 12 :].reshape(2, -1, 3) - balls[:, None]
    unit = np.einsum("nij,nkj->nki", np.linalg.inv(shapes), on_balls)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=2), 1.0)


def test_light_comes_from_above():
    colours = np.full((2, 3), 0.5)
    top, bottom = shaded(colours, np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]))
    assert (top > bottom + 0.1).all()
    assert bottom.min() > 0.25, "never black"


def test_shadows_are_tubes_seen_from_above():
    tubes = np.array([[[0.0, 0.0, 500.0], [0.0, 400.0, 900.0]], [[700.0, 50.0, 0.0], [700.0, 50.0, 800.0]]])
    radii = np.array([[10.0, 20.0], [16.0, 16.0]])
    corners = shadows_of(tubes, radii)
    assert (corners[:, 2] == SHADOW_MM).all()
    triangles = shadow_triangles(2)
    assert sorted(set(triangles.ravel())) == list(range(len(corners)))
    lying, upright = corners.reshape(2, 2, -1, 3)[..., :2]
    for end, centre, radius in ((0, (0.0, 0.0), 12.5), (1, (0.0, 400.0), 25.0)):
        np.testing.assert_allclose(np.linalg.norm(lying[end] - centre, axis=1), radius)
    assert lying[0, :, 1].max() <= 1e-9
    assert lying[1, :, 1].min() >= 400.0 - 1e-9
    np.testing.assert_allclose(np.linalg.norm(upright.reshape(-1, 2) - [700.0, 50.0], axis=1), 20.0)
    # Areas: every fan covers its convex outline once.
    a, b, c = corners[triangles][..., :2].transpose(1, 0, 2)
    fan = 0.5 * np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]).reshape(2, -1).sum(
        axis=1
    )
    # Half a circle by five chords of 36 degrees, twice, and for the lying one the trapezium between them.
    half = 2.5 * np.sin(np.radians(36.0))
    expected = [half * (12.5**2 + 25.0**2) + 400.0 * (12.5 + 25.0), half * 2 * 20.0**2]
    np.testing.assert_allclose(fan, expected)


def test_disc_covers_its_area():
    corners, colours, triangles = disc(Disc(-20.0, np.array([0.0, 500.0, 2000.0]), np.eye(3)))
    assert (corners[:, 2] == -20.0).all()
    a, b, c = corners[triangles].transpose(1, 0, 2)
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()
    # A polygon of 48 sides covers sin(2 pi / 48) / (2 pi / 48) of its circle.
    step = 2 * np.pi / 48
    np.testing.assert_allclose(area, np.pi * 2000.0**2 * np.sin(step) / step)
    assert {tuple(colour) for colour in colours} == {(1, 0, 0), (0, 1, 0), (0, 0, 1)}
