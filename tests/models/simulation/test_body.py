import numpy as np
import pytest

from models.simulation.anatomy import BONE, Anatomy
from models.simulation.appearance import draw_look
from models.simulation.body import FACE, HAIR, SHIRT, SHOES, SKIN, TROUSERS, build_body
from models.simulation.rasterizer import bend


@pytest.fixture(scope="module", params=[0, 5], ids=["first", "another"])
def body(request):
    return build_body(Anatomy(height=1700.0 + 20 * request.param), draw_look([request.param]))


def test_arrays_fit_together(body):
    count = len(body.vertices)
    for array in (body.normals, body.openness, body.tone, body.texture, body.bones, body.weights):
        assert len(array) == count
        assert np.isfinite(array).all()
    assert body.faces.min() >= 0
    assert body.faces.max() < count
    assert set(body.material) == {SHIRT, TROUSERS, SKIN, FACE, HAIR, SHOES}
    assert body.weights.sum(axis=1) == pytest.approx(np.ones(count), abs=1e-6)
    assert np.linalg.norm(body.normals, axis=1) == pytest.approx(np.ones(count), abs=1e-4)
    assert body.openness.min() >= 0.19
    assert body.openness.max() <= 1.0


def test_triangles_face_outwards(body):
    a, b, c = body.vertices[body.faces].astype(np.float64).transpose(1, 0, 2)
    facing = (np.cross(b - a, c - a) * body.normals[body.faces].mean(axis=1)).sum(axis=1)
    assert (facing > 0).mean() > 0.995  # sliver triangles along cut edges may look anywhere


def test_a_resting_body_has_the_right_height_and_breadth(body):
    size = np.ptp(body.vertices, axis=0)
    anatomy_height = body.rest.origins[BONE["head"], 2] - body.rest.origins[BONE["left_foot"], 2]
    assert size[2] == pytest.approx(1.22 * anatomy_height, rel=0.03)
    trunk = body.vertices[np.unique(body.faces[body.material == TROUSERS])]
    assert 280 < np.ptp(trunk[trunk[:, 2] > -150], axis=0)[1] < 420


def test_bending_with_resting_bones_changes_nothing(body):
    points, normals = np.empty_like(body.vertices), np.empty_like(body.normals)
    skinning = body.skinning(body.rest.rotations, body.rest.origins)
    bend(body.vertices, body.normals, body.bones, body.weights, skinning, points, normals)
    assert np.abs(points - body.vertices).max() < 0.01  # mm in float32
    assert np.abs(normals - body.normals).max() < 1e-4


def test_a_moved_skeleton_takes_the_body_along(body):
    shift = np.array([300.0, -200.0, 50.0])
    points, normals = np.empty_like(body.vertices), np.empty_like(body.normals)
    skinning = body.skinning(body.rest.rotations, body.rest.origins + shift)
    bend(body.vertices, body.normals, body.bones, body.weights, skinning, points, normals)
    assert np.abs(points - body.vertices - shift).max() < 0.01


def test_looks_differ_between_seeds_and_repeat_for_one():
    assert draw_look([3]) == draw_look([3])
    assert len({draw_look([seed]) for seed in range(20)}) == 20
