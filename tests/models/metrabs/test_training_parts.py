import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.metrabs.bone_depth import root_depths  # noqa: E402
from models.metrabs.losses import (  # noqa: E402
    MetrabsLosses,
    label_joints,
    masked_mean,
    off_manifold,
    standardised_to,
)
from models.metrabs.train_camera import TrainCamera, crop_camera  # noqa: E402

INTRINSICS = torch.tensor([[[500.0, 0.0, 128.0], [0.0, 500.0, 128.0], [0.0, 0.0, 1.0]]])


@pytest.fixture
def poses():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(1, 6, 3, generator=generator) * 400 + torch.tensor([-200.0, -200.0, 3000.0])


def test_a_displaced_person_costs_place_and_picture(poses):
    terms = MetrabsLosses()
    valid = torch.ones(1, 6, dtype=torch.bool)
    assert terms.with_depth(poses, poses, INTRINSICS, valid).item() == 0.0
    ahead = poses.clone()
    ahead[..., 2] += 100.0
    shape_and_picture = terms.with_depth(ahead, poses, INTRINSICS, valid, absolute=False)
    both = terms.with_depth(ahead, poses, INTRINSICS, valid)
    # 100 mm of depth, a third of the sum, over two columns each; 0.1 of it, in metres.
    assert (both - shape_and_picture).item() == pytest.approx(0.1 * 0.1 / 3, rel=1e-4)
    # At most 30 px from the middle, 3 % of that nearer to it; 8.6 mm a pixel.
    assert 0.0 < shape_and_picture.item() < 0.01


def test_joints_without_truth_cost_nothing(poses):
    wrong = poses.clone()
    wrong[:, 2] += 500.0
    valid = torch.tensor([[True, True, False, True, True, True]])
    assert MetrabsLosses().with_depth(wrong, poses, INTRINSICS, valid).item() == 0.0
    assert masked_mean(torch.ones(1, 6, 2), torch.zeros(1, 6, dtype=torch.bool)).item() == 0.0


def test_labels_are_means_of_joints(poses):
    joints = label_joints(("lkne_a", "lkne_b", "neck"), ("lkne", "neck"))
    assert joints.tolist() == [[0.5, 0.0], [0.5, 0.0], [0.0, 1.0]]
    seen = poses[:, :3] @ INTRINSICS.mT
    seen = seen[..., :2] / seen[..., 2:]
    labels = torch.stack([seen[:, :2].mean(dim=1), seen[:, 2] + 8.0], dim=1)
    valid = torch.ones(1, 2, dtype=torch.bool)
    loss = MetrabsLosses().in_picture(poses[:, :3], labels, INTRINSICS, valid, joints)
    assert loss.item() == pytest.approx(4.0 * 2.2 / 256, rel=1e-4)


def test_points_take_over_mean_and_spread(poses):
    valid = torch.tensor([[True, True, True, True, False, True]])
    target = poses[..., :2] * 0.3 + torch.tensor([50.0, -20.0])
    torch.testing.assert_close(standardised_to(poses[..., :2], target, valid), target, rtol=1e-4, atol=1e-3)


def test_poses_made_of_latents_are_on_the_manifold():
    decoder = torch.eye(2, 4)
    decoder[:, 2:] = 0.5
    encoder = torch.eye(4, 2)
    latents = torch.rand(3, 2, 3) * 1000
    poses = torch.einsum("nlc,lj->njc", latents, decoder)
    assert off_manifold(poses, encoder, decoder).item() == pytest.approx(0.0, abs=1e-6)
    assert off_manifold(poses + torch.randn(3, 4, 3) * 100, encoder, decoder).item() > 0.01


def test_bones_tell_the_distance():
    generator = np.random.default_rng(0)
    relative = generator.uniform(-400, 400, (5, 9, 3))
    depth = generator.uniform(2000, 5000, 5)
    poses = relative + np.array([[0.0, 0.0, 1.0]]) * depth[:, None, None]
    edges = np.array([[i, i + 1] for i in range(8)])
    lengths = np.linalg.norm(relative[:, edges[:, 0]] - relative[:, edges[:, 1]], axis=-1)
    found = root_depths(poses / poses[..., 2:], relative[..., 2], edges, lengths)
    np.testing.assert_allclose(found, depth, rtol=1e-6)


def test_training_cameras_put_boxes_into_crops():
    rotation = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # level, z of the world up
    camera = TrainCamera(
        rotation,
        np.array([100.0, -3000.0, 1500.0]),
        np.array([[900.0, 0.0, 640.0], [0.0, 900.0, 360.0], [0.0, 0.0, 1.0]]),
        np.array([-0.1, 0.02, 0.0, 0.0, 0.0]),
    )
    box = np.array([900.0, 200.0, 120.0, 300.0])
    crop = crop_camera(camera, box, 256, np.array([0.0, 0.0, 1.0]))
    ends = np.array([[960.0, 350.0], [960.0, 200.0], [960.0, 500.0]])
    middle, top, bottom = camera.seen_from(crop, ends)
    np.testing.assert_allclose(middle, [128.0, 128.0], atol=1e-6)
    assert np.linalg.norm(top - bottom) == pytest.approx(256.0)
    world = np.array([[700.0, 2000.0, 900.0]])
    straight, mirrored = crop.to_picture(world), crop.mirrored().to_picture(world)
    np.testing.assert_allclose(straight[0, 0] + mirrored[0, 0], 256.0)
    np.testing.assert_allclose(straight[0, 1], mirrored[0, 1])
    around = crop.rolled(np.pi / 2).zoomed(2.0).to_picture(world)[0] - 128.0
    before = straight[0] - 128.0
    np.testing.assert_allclose(around, 2 * np.array([before[1], -before[0]]), atol=1e-6)
