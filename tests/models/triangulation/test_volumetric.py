"""The volumetric networks: read-out against plain sums, views that come and go, batches of people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from configs.errors import BadInputError  # noqa: E402
from models.triangulation.contextpose import ContextPose, ContextPoseConfig  # noqa: E402
from models.triangulation.cuboid import Cuboid, vertical_rotation  # noqa: E402
from models.triangulation.limb_prior import LimbPrior  # noqa: E402
from models.triangulation.v2v import V2VModel  # noqa: E402
from models.triangulation.volume_readout import read_joints, volume_moments  # noqa: E402
from models.triangulation.volumetric import (  # noqa: E402
    VolumetricConfig,
    VolumetricTriangulation,
)
from models.triangulation.volumetric_losses import (  # noqa: E402
    attention_target,
    volumetric_cross_entropy,
)

SIDE = 64
"""Pixels per side of the pictures."""


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def views(batch: int = 1, count: int = 3) -> tuple[Any, Any, Any]:
    """Random pictures, cameras around the origin at hip height, the people's middles."""
    generator = np.random.default_rng(4)
    images = torch.from_numpy(generator.standard_normal((batch, count, 3, SIDE, SIDE)).astype(np.float32))
    rows = []
    for v in range(count):
        angle = 0.3 + v * 2 * np.pi / count
        position = np.array([4000 * np.cos(angle), 4000 * np.sin(angle), 1500.0])
        forward = np.array([0, 0, 900.0]) - position
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0, 0, 1.0])
        right /= np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward])
        K = np.array([[90.0, 0, SIDE / 2], [0, 90.0, SIDE / 2], [0, 0, 1]])
        rows.append(K @ np.c_[R, -R @ position])
    projections = torch.tensor(np.array(rows), dtype=torch.float32).expand(batch, -1, -1, -1)
    centres = torch.tensor([[30.0, -20.0, 900.0]]).expand(batch, -1) + torch.arange(batch)[:, None] * 40.0
    return images, projections, centres


def volumetric(**settings: Any) -> VolumetricTriangulation:
    torch.manual_seed(1)
    return VolumetricTriangulation(VolumetricConfig(layers=18, voxels=32, **settings)).eval()


def test_read_out_is_the_mean_and_covariance_of_the_volume() -> None:
    rotation = vertical_rotation("mpii", torch.tensor([0.7], dtype=torch.float64))
    cuboid = Cuboid.around(torch.tensor([[5.0, 8000.0, -300.0]]).double(), 2500.0, 8, rotation=rotation)
    logits = torch.randn(1, 2, 8, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 3
    read = read_joints(logits, cuboid, softmax=True)
    places = cuboid.coordinates().reshape(-1, 3).numpy()
    for joint in range(2):
        weights = read.volumes[0, joint].flatten().numpy()
        assert weights.sum() == pytest.approx(1)
        # The unit grid is float32, so places are good to 1e-4 mm.
        np.testing.assert_allclose(read.joints[0, joint], weights @ places, atol=1e-3)
        covariance = np.cov(places.T, aweights=weights, ddof=0)
        np.testing.assert_allclose(read.covariance[0, joint], covariance, rtol=1e-5, atol=1e-1)


def test_read_out_has_the_gradient_of_finite_differences() -> None:
    cuboid = Cuboid.around(torch.zeros(1, 3, dtype=torch.float64), 2.0, 4)
    logits = torch.randn(1, 2, 4, 4, 4, dtype=torch.float64, requires_grad=True)

    def read(logits: Any) -> Any:
        found = read_joints(logits, cuboid, softmax=True)
        return found.joints, found.covariance

    assert torch.autograd.gradcheck(read, (logits,))
    cut = (logits.detach() + 0.5 * logits.detach().sign()).requires_grad_()  # away from the ReLU's corner
    assert torch.autograd.gradcheck(lambda x: read_joints(x, cuboid, softmax=False).joints, (cut,))


def test_a_sharp_volume_has_small_covariance_and_an_empty_one_stays_finite() -> None:
    volumes = torch.zeros(1, 2, 8, 8, 8)
    volumes[0, 0, 3, 4, 5] = 1
    moments = volume_moments(volumes)
    torch.testing.assert_close(moments.mean[0, 0], torch.tensor([-0.5, 0.5, 1.5]))
    assert moments.covariance.abs().max() < 1e-6
    assert moments.mass.tolist() == [[1, 0]]


def test_shapes_without_and_with_volumes() -> None:
    network = volumetric()
    with torch.inference_mode():
        found = network(*views(batch=2))
        kept = network(*views(batch=2), keep_volumes=True)
    assert found.joints.shape == (2, 17, 3)
    assert found.covariance.shape == (2, 17, 3, 3)
    assert found.features.shape == (2, 3, 32, SIDE // 4, SIDE // 4)
    assert found.volumes is None
    assert kept.volumes.shape == (2, 17, 32, 32, 32)
    torch.testing.assert_close(kept.volumes.sum(dim=(2, 3, 4)), torch.ones(2, 17), rtol=0, atol=1e-4)
    assert torch.linalg.eigvalsh(found.covariance).min() > 0


def test_a_batch_gives_what_its_samples_give() -> None:
    network = volumetric()
    images, projections, centres = views(batch=2)
    with torch.inference_mode():
        together = network(images, projections, centres).joints
        alone = network(images[1:], projections[1:], centres[1:]).joints
    # Volumes of an untrained network are flat, so positions are sums of cancelling terms over 2.5 m; the
    # limit of a network against itself with other kernels, 0.05 mm.
    torch.testing.assert_close(together[1:], alone, rtol=0, atol=0.05)


@pytest.mark.parametrize("aggregation", ["softmax", "max", "sum", "conf_norm"])
def test_absent_views_do_not_matter(aggregation: Any) -> None:
    network = volumetric(aggregation=aggregation)
    if network.backbone.vol_confidences is not None:
        network.backbone.vol_confidences = Constant()
    images, projections, centres = views(batch=2)
    present = torch.tensor([[True, False, True], [True, True, True]])
    spoiled, lost = images.clone(), projections.clone()
    spoiled[0, 1] = torch.nan
    lost[0, 1] = torch.nan
    with torch.inference_mode():
        masked = network(spoiled, lost, centres, present)
        fewer = network(images[:1, [0, 2]], projections[:1, [0, 2]], centres[:1])
        full = network(images[1:], projections[1:], centres[1:])
    torch.testing.assert_close(masked.joints[:1], fewer.joints, rtol=0, atol=0.05)
    torch.testing.assert_close(masked.joints[1:], full.joints, rtol=0, atol=0.05)


class Constant(torch.nn.Module):
    """A confidence head for pictures too small for the real one."""

    def forward(self, x: Any) -> Any:
        return torch.full((x.shape[0], 32), 0.5)


@pytest.mark.slow
def test_training_moves_all_but_the_last_layer_of_the_backbone() -> None:
    network = volumetric().train()
    images, projections, centres = views(batch=2, count=2)
    rotation = vertical_rotation("mpii", torch.tensor([0.3, 2.0]))
    present = torch.tensor([[True, True], [True, False]])
    found = network(images, projections, centres, present, rotation, keep_volumes=True)
    truth, validity = centres[:, None] + torch.zeros(2, 17, 3), torch.ones(2, 17, 1)
    loss = found.joints.sub(truth).abs().mean() + volumetric_cross_entropy(
        found.volumes, found.cuboid, truth, validity
    )
    loss.backward()
    without = {name for name, parameter in network.named_parameters() if parameter.grad is None}
    assert without == {"backbone.final_layer.weight", "backbone.final_layer.bias"}
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


def test_rough_logits_are_read_out_in_full_precision() -> None:
    cuboid = Cuboid.around(torch.tensor([[0.0, 5000.0, 900.0]]), 2500.0, 16)
    rough = (torch.randn(1, 3, 16, 16, 16) * 4).bfloat16()
    exact = read_joints(rough.float(), cuboid, softmax=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = read_joints(rough, cuboid, softmax=True)
    assert found.joints.dtype == torch.float32
    assert torch.equal(found.joints, exact.joints)
    assert torch.equal(found.covariance, exact.covariance)


def test_contextpose_runs_on_any_views_without_the_truth() -> None:
    prior = LimbPrior(np.linspace(100.0, 400.0, 16), np.linspace(10.0, 40.0, 16))
    network = ContextPose(ContextPoseConfig(layers=18, voxels=32), prior).eval()
    with torch.inference_mode():
        one = network(*views(count=1))
        three = network(*views(count=3))
    assert one.attention.shape == three.attention.shape == (1, 17, 512)
    assert one.joints.isfinite().all()
    target = attention_target(one.attention_cuboid, one.joints)
    torch.testing.assert_close(target.sum(2), torch.ones(1, 17))


def test_the_attention_target_peaks_at_the_joint() -> None:
    cuboid = Cuboid.around(torch.zeros(1, 3), 1400.0, 8)
    truth = cuboid.coordinates()[0, 2, 6, 3][None, None]
    target = attention_target(cuboid, truth)
    assert int(target.argmax()) == (2 * 8 + 6) * 8 + 3
    points = cuboid.coordinates().reshape(-1, 3)
    expected = (-(points - truth[0]).square().sum(1) / (2 * 400.0**2)).softmax(0)  # two steps of 200 mm
    torch.testing.assert_close(target[0, 0], expected, rtol=1e-4, atol=1e-9)


def test_cross_entropy_at_the_nearest_voxel() -> None:
    cuboid = Cuboid.around(torch.zeros(1, 3), 300.0, 4)
    volumes = torch.rand(1, 2, 4, 4, 4)
    truth = torch.tensor([[[-140.0, 20.0, 155.0], [0.0, 0.0, 0.0]]])
    validity = torch.tensor([[[1.0], [0.0]]])
    loss = volumetric_cross_entropy(volumes, cuboid, truth, validity)
    assert float(loss) == pytest.approx(-float((volumes[0, 0, 0, 2, 3] + 1e-6).log()) / 2, rel=1e-5)


def test_wrong_input() -> None:
    network = volumetric()
    images, projections, centres = views()
    with pytest.raises(BadInputError, match=r"\(B, V, 3, H, W\)"):
        network(images[0], projections, centres)
    with pytest.raises(BadInputError, match="projections must be"):
        network(images, projections[:, :2], centres)
    with pytest.raises(BadInputError, match="centres must be"):
        network(images, projections, centres[0])
    with pytest.raises(BadInputError, match="multiples of 32"):
        V2VModel(4, 2)(torch.zeros(1, 4, 40, 32, 32))
    with pytest.raises(BadInputError, match="17 joints"):
        ContextPose(ContextPoseConfig(joints=19), LimbPrior(np.ones(16), np.ones(16)))
