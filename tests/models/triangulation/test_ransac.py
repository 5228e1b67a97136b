"""Consensus of views: outliers, missing views, many views, and the two implementations against each other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.triangulation import ransac
from models.triangulation.dlt import project
from models.triangulation.ransac import Consensus, triangulate_consensus, view_pairs
from tests.models.triangulation.rings import people, ring


def scene(views: int, wrong: int, samples: int = 4) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Keypoints with 1 px noise, ``wrong`` views per joint far off; which; projections; joints."""
    generator = torch.Generator().manual_seed(views)
    projections, joints = ring(views).expand(samples, -1, -1, -1), people(samples)
    points, _ = project(projections, joints)
    points = points + torch.randn(points.shape, generator=generator, dtype=torch.float64)
    order = torch.rand(points.shape[:3], generator=generator).argsort(dim=1)
    outlier = order < wrong
    angle = 6.28 * torch.rand(outlier.shape, generator=generator, dtype=torch.float64)
    shift = 250.0 * torch.stack((angle.cos(), angle.sin()), dim=-1)
    return torch.where(outlier.unsqueeze(-1), points + shift, points), outlier, projections, joints


def on(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ransac, "runs_compiled", lambda points: engine == "compiled")


@pytest.mark.parametrize("engine", ["compiled", "torch"])
@pytest.mark.parametrize(("views", "wrong"), [(4, 1), (8, 3), (16, 4)])
def test_wrong_views_are_left_out(
    engine: str, views: int, wrong: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(engine, monkeypatch)
    points, outlier, projections, joints = scene(views, wrong)
    found = triangulate_consensus(points, projections)
    assert found.determined.all()
    # A shift along the epipolar line of every other view does not exist with more than two of them; one wrong
    # view of four may still agree with a wrong pair now and then.
    error = torch.linalg.vector_norm(found.points - joints, dim=-1)
    right = (found.inliers == ~outlier).all(dim=1)
    assert right.double().mean() > 0.9
    # 1 px at 4 m with 1100 px focal length is 3.6 mm; the worst of 68 joints from three views.
    assert error[right].max() < 30
    assert error[right].median() < 8


@pytest.mark.parametrize("refine", [False, True])
@pytest.mark.parametrize("views", [2, 4, 9])
def test_compiled_and_torch_agree(views: int, refine: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    points, _, projections, _ = scene(views, 1 if views > 2 else 0)
    points[0, 0] = torch.nan
    present = torch.ones(points.shape[:2], dtype=torch.bool)
    present[1, -1] = False
    found: dict[str, Consensus] = {}
    for engine in ("compiled", "torch"):
        on(engine, monkeypatch)
        found[engine] = triangulate_consensus(points, projections, present, refine=refine)
    first, second = found["compiled"], found["torch"]
    assert torch.equal(first.inliers, second.inliers)
    assert torch.equal(first.determined, second.determined)
    known = first.determined
    assert known.any()
    # On an accelerator the refinement does a fixed number of steps; less than a hundredth of a mm is left.
    torch.testing.assert_close(first.points[known], second.points[known], atol=1e-2, rtol=0)
    assert not first.inliers[0, 0].any() and not first.inliers[1, -1].any()


@pytest.mark.parametrize("engine", ["compiled", "torch"])
def test_a_joint_seen_once_is_not_determined(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    on(engine, monkeypatch)
    points, _, projections, _ = scene(3, 0)
    points[0, 1:, 5] = torch.nan
    found = triangulate_consensus(points, projections)
    assert not found.determined[0, 5] and found.determined.sum() == found.determined.numel() - 1
    assert not found.inliers[0, :, 5].any()
    assert found.points.isfinite().all()


def test_pairs_cover_all_views_and_grow_with_their_number_only() -> None:
    assert [len(view_pairs(views)) for views in (1, 2, 4, 8)] == [0, 1, 6, 28]
    for views in (9, 12, 16, 31):
        pairs = view_pairs(views)
        assert len(set(pairs)) == len(pairs) == max(28, views)
        seen_by = [sum(view in pair for pair in pairs) for view in range(views)]
        assert min(seen_by) >= 1
        assert all(first < second < views for first, second in pairs)


def test_refinement_lowers_the_reprojection_error() -> None:
    points, _, projections, _ = scene(5, 1)

    def cost(found: Consensus) -> Tensor:
        half = (project(projections, found.points)[0] - points).square().sum(-1).sqrt() / 2
        huber = torch.where(half <= 1, half.square(), 2 * half - 1)
        return torch.where(found.inliers, huber, 0.0).sum(dim=1)

    before = triangulate_consensus(points, projections, refine=False)
    after = triangulate_consensus(points, projections)
    assert torch.equal(before.inliers, after.inliers)
    assert (cost(after) <= cost(before) + 1e-12).all()
    assert cost(after).mean() < cost(before).mean()
