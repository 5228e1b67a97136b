"""What views say together: heatmaps with known peaks, views that err, and networks that only add to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

torch = pytest.importorskip("torch", reason="torch is not installed")

from models.triangulation.contextpose import ContextPose, ContextPoseConfig  # noqa: E402
from models.triangulation.cuboid import Cuboid  # noqa: E402
from models.triangulation.heatmap_evidence import HeatmapEvidence, coarser, finer  # noqa: E402
from models.triangulation.limb_prior import LimbPrior, limbs_of  # noqa: E402
from models.triangulation.unprojection import EXACT  # noqa: E402
from models.triangulation.volume_readout import read_joints  # noqa: E402
from models.triangulation.volumetric import VolumetricConfig, VolumetricTriangulation  # noqa: E402
from tests.models.triangulation.test_volumetric import views  # noqa: E402

CELLS = 32
JOINTS = 26
LIMBS = len(limbs_of(JOINTS))


def cameras(count: int = 4) -> Any:
    """(1, V, 3, 4) to heatmaps of 32 cells; a cell is some 90 mm at the person."""
    _, projections, _ = views(1, count)
    return projections.double() * torch.tensor([CELLS / 64, CELLS / 64, 1.0])[:, None]


def peaks(points: Any, projections: Any) -> Any:
    """(1, V, J, 2) cells of (J, 3) mm."""
    seen = torch.einsum("bvij,kj->bvki", projections, torch.nn.functional.pad(points, (0, 1), value=1.0))
    return seen[..., :2] / seen[..., 2:]


def heatmaps(places: Any, deviation: float = 1.5) -> Any:
    """(1, V, J, h, w) logits with a Gaussian at each place (1, V, J, 2) of cells."""
    steps = torch.arange(CELLS, dtype=torch.float64)
    across = (steps - places[..., :1]) ** 2
    down = (steps - places[..., 1:]) ** 2
    return -(down[..., :, None] + across[..., None, :]) / (2 * deviation**2)


def volume(maps: Any, projections: Any, confidences: Any = None, present: Any = None) -> tuple[Any, Cuboid]:
    cuboid = Cuboid.around(torch.tensor([[30.0, -20.0, 900.0]]), 1600.0, 32)
    with torch.no_grad():
        found = HeatmapEvidence()(maps.float(), confidences, projections, cuboid, present, EXACT)
    return found, cuboid


def joints(*arguments: Any, **words: Any) -> Any:
    found, cuboid = volume(*arguments, **words)
    return read_joints(found, cuboid, softmax=True).joints[0]


TRUTH = torch.tensor([[130.0, 80.0, 1100.0], [-180.0, 10.0, 700.0]], dtype=torch.float64)


def test_views_meet_where_the_joint_is() -> None:
    projections = cameras()
    found = joints(heatmaps(peaks(TRUTH, projections)), projections)
    # Linear reading between cells of a Gaussian of 1.5 cells and voxels of 52 mm; the floor has no slope.
    assert (found - TRUTH).norm(dim=1).max() < 8.0


def test_the_second_peak_of_a_view_counts_when_the_others_speak_for_it() -> None:
    projections = cameras()
    places = peaks(TRUTH, projections)
    right = heatmaps(places)
    swapped = heatmaps(places.flip(2)) + 1.0  # view 0: left for right, nearly three times as likely
    maps = right.clone()
    maps[:, 0] = torch.logaddexp(right[:, 0], swapped[:, 0])
    at_most = maps[0, 0].flatten(1).argmax(dim=1)
    fooled = torch.stack([at_most % CELLS, at_most // CELLS], dim=1)
    assert (fooled - places[0, 0].flip(0)).norm(dim=1).max() < 1.5, "alone the view is wrong"
    assert (joints(maps, projections) - TRUTH).norm(dim=1).max() < 20.0


def test_no_view_can_forbid_what_the_others_see() -> None:
    projections = cameras()
    places = peaks(TRUTH, projections)
    places[:, 0] += 12.0  # a metre off, and sure of it
    assert (joints(heatmaps(places), projections) - TRUTH).norm(dim=1).max() < 20.0


def test_only_ratios_of_confidences_matter_and_less_sure_views_pull_less() -> None:
    projections = cameras()
    places = peaks(TRUTH, projections)
    places[:, 0, :, 0] += 2.0
    maps = heatmaps(places)
    even = torch.full((1, 4, 2), 0.5)
    plain, _ = volume(maps, projections)
    assert torch.allclose(volume(maps, projections, even)[0], plain, rtol=1e-5, atol=1e-5)
    unsure = even.clone()
    unsure[:, 0] = 0.02
    scaled, _ = volume(maps, projections, unsure)
    assert torch.allclose(volume(maps, projections, 0.1 * unsure)[0], scaled, rtol=1e-5, atol=1e-5)
    drawn = (joints(maps, projections, even) - TRUTH).norm(dim=1)
    assert ((joints(maps, projections, unsure) - TRUTH).norm(dim=1) < 0.6 * drawn).all()


def test_absent_views_say_nothing_not_even_by_their_confidence() -> None:
    projections = cameras()
    maps = heatmaps(peaks(TRUTH, projections))
    maps[:, 2] = torch.randn(maps[:, 2].shape, generator=torch.Generator().manual_seed(0))
    confidences = torch.tensor([0.1, 0.2, 0.99, 0.3])[None, :, None].expand(1, 4, 2)
    present = torch.tensor([[True, True, False, True]])
    seen = [0, 1, 3]
    without, _ = volume(maps[:, seen], projections[:, seen], confidences[:, seen])
    assert torch.allclose(volume(maps, projections, confidences, present)[0], without, atol=1e-5)


def test_coarser_keeps_what_is_strongest_and_finer_keeps_levels() -> None:
    random = torch.randn(2, 3, 8, 8, 8, generator=torch.Generator().manual_seed(1))
    half = coarser(random, 2)
    assert half.shape == (2, 3, 4, 4, 4)
    assert half[1, 2, 3, 0, 1] == random[1, 2, 6:, :2, 2:4].max()
    ramp = torch.arange(8.0).reshape(1, 1, 8, 1, 1).expand(1, 1, 8, 8, 8)
    # The strongest of two is half a voxel above their middle; ends are level.
    assert torch.allclose(finer(coarser(ramp, 2), 2)[..., 1:-1, :, :], ramp[..., 1:-1, :, :] + 0.5)
    assert finer(random, 1) is random
    assert coarser(random, 1) is random


NETWORKS = {
    "volumetric": lambda **more: VolumetricTriangulation(VolumetricConfig(**BASE, small=True, **more)),
    "contextpose": lambda **more: ContextPose(
        ContextPoseConfig(**BASE, attention_channels=26, **more),
        LimbPrior(np.full(LIMBS, 250.0), np.full(LIMBS, 25.0), JOINTS),
    ),
}
BASE: dict[str, Any] = {
    "backbone": "studio_lite",
    "joints": JOINTS,
    "voxels": 32,
    "sampling": "exact",
    "evidence": True,
}


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("kind", NETWORKS)
def test_an_untrained_network_adds_nothing_to_the_evidence(kind: str, step: int) -> None:
    torch.manual_seed(2)
    network = NETWORKS[kind](coarser=step).eval()
    images, projections, centres = views(2, 3)
    present = torch.tensor([[True, True, True], [True, False, True]])
    with torch.no_grad():
        found = network(images, projections, centres, present, keep_volumes=True)
        maps = projections * torch.tensor([0.25, 0.25, 1.0])[:, None]
        seen = network.backbone(images.flatten(0, 1))
        alone = network.evidence(
            seen.heatmaps.unflatten(0, (2, 3)),
            seen.alg_confidences.unflatten(0, (2, 3)),
            maps,
            found.cuboid,
            present,
            EXACT,
        )
        expected = read_joints(alone, found.cuboid, softmax=True)
    # Absent views go through the backbone here and not there: batches of other sizes round differently.
    assert torch.allclose(found.joints, expected.joints, atol=0.05)
    assert torch.allclose(found.volumes, expected.volumes, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_is_added_learns(kind: str) -> None:
    torch.manual_seed(2)
    network = NETWORKS[kind](coarser=2).train()
    network.backbone.requires_grad_(False)
    images, projections, centres = views(2, 3)
    targets = centres[:, None] + torch.randn(2, JOINTS, 3) * 300.0
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], 3e-3)
    errors = []
    for _ in range(40):
        loss = (network(images, projections, centres).joints - targets).norm(dim=-1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(loss.item())
    # Two poses by heart; noise alone would not take a fifth off.
    assert errors[-1] < 0.8 * errors[0], errors
    assert network.evidence.sharpness.grad is not None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backbone": "pose_resnet"}, "studio_lite"),
        ({"evidence": False, "coarser": 2}, "set evidence"),
        ({"aggregation": "conf"}, "leave aggregation"),
        ({"mask_unseen": True}, "leave aggregation"),
        ({"from_heatmaps": True}, "leave from_heatmaps"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        (ContextPoseConfig if "from_heatmaps" in settings else VolumetricConfig)(**BASE | settings)
