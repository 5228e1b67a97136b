from collections import Counter

import numpy as np
import pytest

from models.simulation.solids import Cone, Cut, Ellipsoid, Pose, Shape
from models.simulation.surface import mesh

AT_ORIGIN = Pose(np.eye(3)[None], np.zeros((1, 3)))


def volume(vertices, faces):
    a, b, c = vertices[faces].transpose(1, 0, 2)
    return (np.cross(a, b) * c).sum() / 6


def assert_closed(faces):
    edges = Counter((int(f[i]), int(f[(i + 1) % 3])) for f in faces for i in range(3))
    assert max(edges.values()) == 1
    assert all((b, a) in edges for a, b in edges)


def test_a_ball_becomes_a_closed_round_mesh_with_outward_normals():
    shape = Shape([Ellipsoid(0, (10.0, 0.0, -5.0), (60.0, 60.0, 60.0))], blend=5.0, cell=12.0)
    vertices, normals, faces = mesh(shape, AT_ORIGIN)
    out = vertices - [10.0, 0.0, -5.0]
    assert np.abs(np.linalg.norm(out, axis=1) - 60.0).max() < 0.1  # two Newton steps from within a cell
    assert (normals * out / 60.0).sum(axis=1).min() > 0.999
    assert_closed(faces)
    # a polyhedron with edges of 12 mm inside a ball of 60 mm has lost about (12/60)^2/4 = 1 % of its volume
    assert volume(vertices, faces) == pytest.approx(4 / 3 * np.pi * 60**3, rel=0.02)


def test_a_shape_moves_with_its_bone():
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    pose = Pose(turn[None], np.array([[100.0, 0.0, 0.0]]))
    shape = Shape([Cone(0, (0.0, 0.0, 0.0), (200.0, 0.0, 0.0), 30.0, 20.0)], blend=5.0, cell=10.0)
    # the far end at x = 200 of the bone lies at y = 200 of the world
    assert shape.distance(pose, np.array([[100.0, 220.0, 0.0], [100.0, 0.0, 45.0]])) == pytest.approx(
        [0.0, 15.0]
    )
    vertices, _, faces = mesh(shape, pose)
    # a cell of 10 mm on a ball of 20 mm cuts off up to (10 / 2)^2 * 2 / (2 * 20) = 1.3 mm; on 30 mm less
    assert vertices.min(axis=0) == pytest.approx([70.0, -30.0, -30.0], abs=1.5)
    assert vertices.max(axis=0) == pytest.approx([130.0, 220.0, 30.0], abs=2.5)
    assert_closed(faces)


def test_neighbours_melt_and_cuts_are_sharp():
    solids = [Ellipsoid(0, (-30.0, 0.0, 0.0), (40.0,) * 3), Ellipsoid(0, (30.0, 0.0, 0.0), (40.0,) * 3)]
    seam = np.array([[0.0, 26.5, 0.0]])  # on both balls: sqrt(40^2 - 30^2)
    apart = Shape(solids, blend=0.01, cell=8.0).distance(AT_ORIGIN, seam)
    melted = Shape(solids, blend=10.0, cell=8.0).distance(AT_ORIGIN, seam)
    assert apart == pytest.approx(0.0, abs=0.1)
    assert melted == pytest.approx(apart - 10.0 * np.log(2), abs=0.1)
    cut = Shape(solids, 5.0, 8.0, cuts=[Cut(0, (0.0, 0.0, -10.0), (0.0, 0.0, -1.0), 200.0)])
    vertices, _, faces = mesh(cut, AT_ORIGIN)
    assert vertices[:, 2].min() == pytest.approx(-10.0, abs=0.5)
    assert_closed(faces)


def test_bone_weights_sum_to_one_and_follow_the_nearest_bone():
    pose = Pose(np.tile(np.eye(3), (2, 1, 1)), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, -200.0]]))
    solids = [Cone(bone, (0.0, 0.0, 0.0), (0.0, 0.0, -200.0), 30.0, 30.0) for bone in (0, 1)]
    points = np.array([[30.0, 0.0, -100.0], [30.0, 0.0, -200.0], [30.0, 0.0, -300.0]])
    weights = Shape(solids, 5.0, 10.0).bone_weights(pose, points, bones=2, softness=10.0)
    assert weights.sum(axis=1) == pytest.approx([1.0, 1.0, 1.0])
    assert weights[:, 0] == pytest.approx([1.0, 0.5, 0.0], abs=0.01)
