import pytest

torch = pytest.importorskip("torch")

from models.metrabs.absolute import (  # noqa: E402
    absolute_pose,
    in_view,
    normalised_points,
    on_rays,
    translation_full,
    translation_weak,
)


@pytest.fixture
def people():
    """Poses 1.6 m tall, 3 to 5 m away, and where they are seen at distance 1."""
    generator = torch.Generator().manual_seed(1)
    size = torch.tensor([300.0, 800.0, 200.0], dtype=torch.float64)
    poses = (torch.rand(6, 17, 3, generator=generator, dtype=torch.float64) - 0.5) * 2 * size
    place = torch.rand(6, 3, generator=generator, dtype=torch.float64)
    place = place * torch.tensor([1000.0, 500.0, 2000.0]) + torch.tensor([-500.0, -250.0, 3000.0])
    absolute = poses + place[:, None]
    return poses, place, absolute[..., :2] / absolute[..., 2:]


def test_exact_pictures_give_the_place(people):
    poses, place, points = people
    seen = torch.ones(6, 17, dtype=torch.bool)
    # The ridge of 0.01 beside 17 joints pulls a scaled distance towards 0 by about 1 in 2000, more where
    # all joints lie on few rays: measured 12 mm of 4 m at most.
    got = translation_full(points, poses, seen)
    torch.testing.assert_close(got, place, atol=30.0, rtol=0.0)
    # Rays through exact pixels, at the depth found.
    pose = absolute_pose(points, poses, seen, None)
    torch.testing.assert_close(pose[..., :2] / pose[..., 2:], points)


def test_the_solution_minimises_the_stated_sum(people):
    poses, _, points = people
    generator = torch.Generator().manual_seed(2)
    points = points + 0.02 * torch.rand(points.shape, generator=generator, dtype=torch.float64)
    seen = torch.rand(6, 17, generator=generator) > 0.3
    got = translation_full(points, poses, seen)
    for row in range(6):
        n, m = points[row], poses[row]
        wanted = n * m[:, 2:] - m[:, :2]
        a, c = n.square().mean().sqrt(), wanted.square().mean().sqrt()
        one, zero = torch.ones(17, dtype=torch.float64), torch.zeros(17, dtype=torch.float64)
        rows = torch.cat(
            [torch.stack([one, zero, -n[:, 0] / a], 1), torch.stack([zero, one, -n[:, 1] / a], 1)]
        )
        weight = (seen[row].double() + 1e-4).repeat(2)[:, None]
        design = torch.cat([rows * weight, 0.1 * torch.eye(3, dtype=torch.float64)])
        right = torch.cat([(wanted / c).T.reshape(-1, 1) * weight, torch.zeros(3, 1, dtype=torch.float64)])
        solved = torch.linalg.lstsq(design, right).solution[:, 0]
        expected = torch.stack([solved[0] * c, solved[1] * c, solved[2] * c / a])
        torch.testing.assert_close(got[row], expected, rtol=1e-9, atol=1e-6)


def test_company_does_not_move_a_person(people):
    poses, _, points = people
    seen = torch.ones(6, 17, dtype=torch.bool)
    together = translation_full(points, poses, seen)
    for row in range(6):
        alone = translation_full(points[row : row + 1], poses[row : row + 1], seen[row : row + 1])
        torch.testing.assert_close(together[row], alone[0], rtol=1e-12, atol=1e-9)


def test_weak_perspective_is_exact_for_flat_poses(people):
    poses, place, _ = people
    poses = poses.clone()
    poses[..., 2] = 0.0
    absolute = poses + place[:, None]
    points = absolute[..., :2] / absolute[..., 2:]
    seen = torch.ones(6, 17, dtype=torch.bool)
    # The 1e-10 under the root is next to spreads of 0.1 squared.
    torch.testing.assert_close(translation_weak(points, poses, seen), place, rtol=1e-6, atol=1e-3)


def test_only_joints_in_view_use_their_pixels(people):
    poses, place, points = people
    seen = torch.zeros(6, 17, dtype=torch.bool)
    seen[:, :9] = True
    moved_points = points.clone()
    moved_points[:, 9:] += 0.5  # half a metre per metre: outside the view heatmaps cannot be right
    got = absolute_pose(moved_points, poses, seen, 0.0)
    rays = on_rays(points[:, :9], got[:, :9, 2:])
    torch.testing.assert_close(got[:, :9], rays)
    shift = translation_full(moved_points, poses, seen)
    torch.testing.assert_close(got[:, 9:], poses[:, 9:] + shift[:, None])
    # The nonsense weighs 1e-4 squared, but is in the scale of the ridge: 3 % of the distance.
    assert ((shift - place).norm(dim=1) < 0.03 * place.norm(dim=1)).all()


def test_view_borders_are_inside():
    edge = torch.tensor([[24.0, 128.0], [232.0, 128.0], [23.9, 128.0], [128.0, 232.1], [8.0, 216.0]])
    assert in_view(edge, 256, 32, centered=True).tolist() == [True, True, False, False, False]
    assert in_view(edge, 256, 32, centered=False).tolist() == [True, False, True, False, True]


def test_normalised_points_undo_any_intrinsics():
    intrinsics = torch.tensor([[[900.0, 3.0, 130.0], [-2.0, 950.0, 120.0], [0.0, 0.0, 1.0]]])
    ideal = torch.tensor([[[0.1, -0.2], [0.0, 0.3]]])
    pixels = ideal @ intrinsics[:, :2, :2].mT + intrinsics[:, None, :2, 2]
    torch.testing.assert_close(normalised_points(pixels, intrinsics), ideal)
