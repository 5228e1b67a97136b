import numpy as np

from models.simulation.rasterizer import NOBODY_MM, find_nearest, project
from models.simulation.studio_rig import ring_of_cameras


def lens_of(camera):
    K, d = camera.K, camera.distortion
    numbers = [*camera.R.ravel(), *camera.t, K[0, 0], K[1, 1], K[0, 2], K[1, 2], *d]
    return np.array(numbers, np.float32)


def test_projects_like_the_calibrated_camera():
    points = np.random.default_rng(0).uniform([-1500, -1500, 0], [1500, 1500, 2200], (2000, 3))
    for camera in ring_of_cameras([1], 4, (1280, 720)).cameras:
        screen = np.zeros((len(points), 3), np.float32)
        project(points.astype(np.float32), lens_of(camera), screen)
        expected = camera.project(points)
        seen = screen[:, 2] > 0
        # float32 carries 24 bits: 4 m to 0.0003 mm, so some 0.001 px after a dozen operations
        assert np.abs(screen[seen, :2] - expected[seen]).max() < 0.005
        inside = ((expected > 0) & (expected < [1279, 719])).all(axis=1)
        assert seen[inside].all()
        depth = points @ camera.R[2] + camera.t[2]
        assert np.abs(screen[seen, 2] - depth[seen]).max() < 0.01


def test_points_behind_the_camera_are_not_projected():
    camera = ring_of_cameras([1], 1, (640, 480)).cameras[0]
    behind = (camera.position - 500.0 * camera.R[2]).astype(np.float32)[None]
    screen = np.zeros((1, 3), np.float32)
    project(behind, lens_of(camera), screen)
    assert screen[0, 2] == -1.0


def test_finds_the_same_winners_as_a_plain_search():
    random = np.random.default_rng(2)
    screen = np.column_stack([random.uniform(-10, 70, (60, 2)), random.uniform(500, 900, 60)]).astype(
        np.float32
    )
    faces = random.integers(0, 60, (80, 3)).astype(np.int32)
    depth = np.full((50, 60), NOBODY_MM, np.float32)
    winner = np.full((50, 60), -1, np.int32)
    find_nearest(screen, faces, depth, winner)
    expected = np.full((50, 60), NOBODY_MM)
    borderline = np.zeros((50, 60), bool)
    row, column = np.mgrid[:50, :60]
    for face in faces:
        a, b, c = screen[face].astype(np.float64)
        u, v = b - a, c - a
        area = v[0] * u[1] - u[0] * v[1]
        if area <= 1e-6:
            continue
        x, y = column - a[0], row - a[1]
        wb, wc = (v[0] * y - v[1] * x) / area, (u[1] * x - u[0] * y) / area
        least = np.minimum(np.minimum(wb, wc), 1 - wb - wc)
        z = a[2] + wb * u[2] + wc * v[2]
        expected = np.where((least >= 0) & (z < expected), z, expected)
        borderline |= np.abs(least) < 1e-4  # float32 may decide a pixel on an edge the other way
    sure = ~borderline
    assert (winner[sure] >= 0).any()
    assert ((winner >= 0) == (expected < NOBODY_MM))[sure].all()
    hit = sure & (winner >= 0)
    assert np.abs(depth[hit] - expected[hit]).max() < 0.2  # slivers extrapolate float32 depths steeply


def test_a_triangle_seen_from_inside_is_not_drawn():
    screen = np.array([[10, 10, 500], [30, 10, 500], [10, 30, 500]], np.float32)
    for faces, drawn in (([[0, 2, 1]], True), ([[0, 1, 2]], False)):
        depth = np.full((40, 40), NOBODY_MM, np.float32)
        winner = np.full((40, 40), -1, np.int32)
        find_nearest(screen, np.array(faces, np.int32), depth, winner)
        assert (winner >= 0).any() == drawn
