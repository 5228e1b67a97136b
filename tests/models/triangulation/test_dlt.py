"""Linear triangulation against singular value decompositions, truth, and itself in plain torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import chi2
from torch import Tensor

from models.triangulation import dlt
from models.triangulation.dlt import linear_rows, project, solve_rows, triangulate_linear
from models.triangulation.linear_covariance import linear_covariance
from tests.models.triangulation.rings import people, ring


def scene(
    views: int, noise_px: float, samples: int = 3, seed: int = 1
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Keypoints, projections, confidences in (0.05, 1), joints."""
    projections = ring(views).expand(samples, -1, -1, -1)
    joints = people(samples, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    exact, _ = project(projections, joints)
    points = exact + noise_px * torch.randn(exact.shape, generator=generator, dtype=torch.float64)
    confidences = 0.05 + 0.95 * torch.rand(exact.shape[:3], generator=generator, dtype=torch.float64)
    return points, projections, confidences, joints


def by_decomposition(rows: Tensor) -> Tensor:
    """The definition: smallest right singular vectors. Columns are scaled to the size of the world in mm."""
    vector = torch.linalg.svd(rows)[2][..., -1, :]
    return vector[..., :3] / vector[..., 3:]


@given(views=st.integers(2, 9), noise=st.sampled_from([0.0, 1.0, 30.0, 200.0]), seed=st.integers(0, 10_000))
@example(views=9, noise=200.0, seed=1)
@example(views=2, noise=30.0, seed=676)
@settings(max_examples=60, deadline=None)
def test_it_is_the_smallest_singular_vector(views: int, noise: float, seed: int) -> None:
    points, projections, confidences, _ = scene(views, noise, seed=seed)
    expected = by_decomposition(linear_rows(points, projections, confidences, None))
    found = triangulate_linear(points, projections, confidences)
    solved, _, determined = solve_rows(linear_rows(points, projections, confidences, None))
    assert found.determined.all() and determined.all()
    # The decomposition loses digits: entries of 1e6 against a singular value of about one. A point far away
    # is a quotient by a small number, so that an error there grows with the square of the distance.
    far = torch.linalg.vector_norm(expected, dim=-1, keepdim=True)
    allowed = 1e-5 + 1e-8 * far + 1e-12 * far**2
    assert ((found.points - expected).abs() <= allowed).all()
    # Wrong by 200 px, rays may meet kilometres away, where rounding (2e-16) times the square of a condition
    # of 1e4 is what two orders of the same sums leave.
    torch.testing.assert_close(solved, found.points, atol=1e-6, rtol=1e-7)


def test_exact_keypoints_give_the_truth_in_single_precision_inputs_too() -> None:
    points, projections, _, joints = scene(4, 0.0)
    torch.testing.assert_close(triangulate_linear(points, projections).points, joints, atol=1e-7, rtol=0)
    found = triangulate_linear(points.float(), projections.float()).points
    # Keypoints of 1000 px rounded to 24 bits are off by 3e-5 px, about 1e-4 mm at 4 m; depths twice that.
    torch.testing.assert_close(found, joints, atol=1e-2, rtol=0)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("views", [2, 3, 5])
def test_gradients_are_right(views: int, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlt, "runs_compiled", lambda points: compiled)
    points, projections, confidences, _ = scene(views, 5.0, samples=1)
    inputs = [
        each[:, :, :3].clone().requires_grad_() if each is not projections else each.clone().requires_grad_()
        for each in (points, projections, confidences)
    ]
    # Coordinates are of 1000 mm and derivatives by entries of the projections of 1e3 mm, hence the scale.
    assert torch.autograd.gradcheck(
        lambda p, m, c: triangulate_linear(p, m, c).points / 1000, inputs, eps=1e-6, atol=1e-5, rtol=1e-4
    )


def degenerate(kind: str) -> tuple[Tensor, Tensor, Tensor]:
    points, projections, confidences, _ = scene(2, 1.0, samples=1)
    points, projections = points.clone(), projections.clone()
    if kind == "the same camera twice":
        projections[:, 1], points[:, 1] = projections[:, 0], points[:, 0]
    elif kind == "parallel rays":
        # Moved sideways, not turned: the same keypoint in both views is a point at infinity.
        projections[:, 1] = projections[:, 0]
        projections[:, 1, :, 3] += projections[:, 0, :, :3] @ torch.tensor([500.0, 300.0, 0.0]).double()
        points[:, 1] = points[:, 0]
    elif kind == "tiny confidences":
        confidences = torch.full_like(confidences, 1e-38)
    elif kind == "no confidence":
        confidences = torch.zeros_like(confidences)
    elif kind == "repeated singular values":
        rows = torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 1.0]]).double()
        projections = rows.expand(1, 2, 3, 4).clone()
        points = torch.zeros_like(points)
    elif kind == "nothing finite":
        points = torch.full_like(points, torch.nan)
    return points, projections, confidences


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("kind", "determined"),
    [
        ("the same camera twice", False),
        ("parallel rays", False),
        ("tiny confidences", True),
        ("no confidence", False),
        ("repeated singular values", False),
        ("nothing finite", False),
    ],
)
def test_values_and_gradients_stay_finite(
    kind: str, determined: bool, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dlt, "runs_compiled", lambda points: compiled)
    inputs = [each.requires_grad_() for each in degenerate(kind)]
    found = triangulate_linear(*inputs)
    assert found.points.isfinite().all()
    assert bool(found.determined.all()) == determined
    assert determined or not found.determined.any()
    found.points.square().sum().backward()
    for each in inputs:
        assert each.grad is not None and each.grad.isfinite().all()
        if not determined:
            assert not each.grad.any()


def test_the_scale_of_the_confidences_does_not_matter() -> None:
    points, projections, confidences, _ = scene(4, 3.0)
    expected = triangulate_linear(points, projections, confidences).points
    for scale in (1e-30, 1e-5, 1e5):
        found = triangulate_linear(points, projections, confidences * scale).points
        torch.testing.assert_close(found, expected, atol=1e-7, rtol=0)


@pytest.mark.parametrize("compiled", [True, False])
def test_missing_views_are_as_if_they_were_not_there(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlt, "runs_compiled", lambda points: compiled)
    points, projections, confidences, _ = scene(5, 3.0)
    present = torch.tensor([[True] * 5, [True, False, True, True, False], [False, True, False, False, False]])
    broken = torch.where(present[..., None, None], points, torch.nan)
    found = triangulate_linear(broken, projections, confidences, present)
    unmarked = triangulate_linear(broken, projections, confidences)
    chosen = [0, 2, 3]
    expected = triangulate_linear(points[1:2, chosen], projections[1:2, chosen], confidences[1:2, chosen])
    torch.testing.assert_close(found.points[1:2], expected.points, atol=1e-7, rtol=0)
    torch.testing.assert_close(found.points, unmarked.points)
    assert found.determined.all(dim=-1).tolist() == [True, True, False]
    by_joint = present.unsqueeze(-1).expand(-1, -1, 17)
    torch.testing.assert_close(
        triangulate_linear(points, projections, confidences, by_joint).points, found.points
    )


def test_exported_it_gives_the_same() -> None:
    class Solver(torch.nn.Module):
        def forward(self, points: Tensor, projections: Tensor, confidences: Tensor) -> Tensor:
            return triangulate_linear(points, projections, confidences).points

    points, projections, confidences, _ = scene(4, 3.0)
    exported = torch.export.export(Solver(), (points, projections, confidences)).module()
    torch.testing.assert_close(
        exported(points, projections, confidences),
        triangulate_linear(points, projections, confidences).points,
        atol=1e-7,
        rtol=0,
    )


@pytest.mark.parametrize(("views", "known"), [(2, True), (3, False), (4, True), (4, False), (8, False)])
def test_covariances_cover_the_truth_as_often_as_they_say(views: int, known: bool) -> None:
    samples = 250
    generator = torch.Generator().manual_seed(views)
    projections, joints = ring(views).expand(samples, -1, -1, -1), people(samples)
    exact, _ = project(projections, joints)
    sigma = 1.0 + 3.0 * torch.rand(exact.shape[:3], generator=generator, dtype=torch.float64)
    noise = torch.randn(exact.shape, generator=generator, dtype=torch.float64)
    points = exact + noise * sigma.unsqueeze(-1)
    solution = triangulate_linear(points, projections, 1 / sigma)
    covariance = linear_covariance(
        solution, points, projections, 1 / sigma, noise_px=sigma if known else None
    )
    error = (solution.points - joints).unsqueeze(-1)
    distance = (error.mT @ torch.linalg.solve(covariance, error)).flatten()
    covered = (distance.numpy() < chi2.ppf(0.95, 3)).mean()
    # 4250 joints: three standard deviations of the share are 0.01. Measured noise costs up to 0.012 (an F
    # instead of a chi-square distribution with 51 degrees of freedom).
    assert 0.93 < covered < 0.97


def test_undetermined_joints_have_no_covariance() -> None:
    points, projections, confidences, _ = scene(3, 1.0)
    present = torch.tensor([[True, True, True], [True, False, False], [True, True, False]])
    solution = triangulate_linear(points, projections, confidences, present)
    covariance = linear_covariance(solution, points, projections, confidences, present)
    assert covariance[1].isnan().all()
    eigenvalues = np.linalg.eigvalsh(covariance[[0, 2]].numpy())
    assert (eigenvalues > 0).all()
