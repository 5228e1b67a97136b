"""Unprojection: the kernels against plain torch, plain torch against finite differences and a definition."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from configs.errors import BadInputError  # noqa: E402
from models.triangulation import unprojection_triton  # noqa: E402
from models.triangulation.unprojection import (  # noqa: E402
    AGGREGATIONS,
    EXACT,
    STRETCHED,
    SamplingRule,
    map_projections,
    merge_views,
    normalised_confidences,
    sample_views,
    unproject,
)
from models.triangulation.unprojection_kernel import unproject_cpu  # noqa: E402

SIZE = (14, 18)
"""Rows and columns of the maps."""


def scene(
    batch: int = 2,
    views: int = 3,
    channels: int = 5,
    points: int = 400,
    seed: int = 3,
    size: tuple[int, int] = SIZE,
) -> Any:
    """Random maps, cameras around the origin, points also outside the pictures and behind the cameras."""
    generator = np.random.default_rng(seed)
    features = generator.standard_normal((batch, views, channels, *size))
    projections = np.zeros((batch, views, 3, 4))
    for b, v in itertools.product(range(batch), range(views)):
        angle = generator.uniform(0, 2 * np.pi)
        position = 3.0 * np.array([np.cos(angle), np.sin(angle), 0.3])
        forward = -position / np.linalg.norm(position)
        right = np.cross(forward, [0, 0, 1.0])
        right /= np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward])
        focal = 15.0 * size[1] / SIZE[1]
        K = np.array([[focal, 0, size[1] / 2], [0, focal, size[0] / 2], [0, 0, 1]])
        projections[b, v] = K @ np.c_[R, -R @ position]
    places = generator.uniform(-4, 4, (batch, points, 3))
    confidences = generator.uniform(0.1, 1, (batch, views, channels))
    return [torch.from_numpy(array) for array in (features, projections, places, confidences)]


def plain(features: Any, projections: Any, points: Any, aggregation: Any, *rest: Any) -> Any:
    confidences, present, mask_unseen = rest
    values, visible = sample_views(features, projections, points)
    return merge_views(values, visible, aggregation, confidences, present, mask_unseen=mask_unseen)


def by_definition(
    features: Any, projections: Any, points: Any, aggregation: str, confidences: Any, present: Any, mask: bool
) -> Any:
    """One number after the other, in float64."""
    f, P, X, c = (tensor.double().numpy() for tensor in (features, projections, points, confidences))
    batch, views, channels, height, width = f.shape
    volume = np.zeros((batch, channels, X.shape[1]))
    for b, n in itertools.product(range(batch), range(X.shape[1])):
        values, weights = [], []
        for v in range(views):
            if present is not None and not present[b, v]:
                continue
            x, y, depth = P[b, v] @ np.append(X[b, n], 1)
            value = np.zeros(channels)
            seen = depth > 0
            if seen:
                x, y = x / depth, y / depth
                seen = 0 <= x <= width - 1 and 0 <= y <= height - 1
                left, top = int(np.floor(x)), int(np.floor(y))
                for i, j in itertools.product((0, 1), (0, 1)):
                    if 0 <= left + i < width and 0 <= top + j < height:
                        share = (1 - abs(x - left - i)) * (1 - abs(y - top - j))
                        value += share * f[b, v, :, top + j, left + i]
            if mask and not seen:
                continue
            values.append(value)
            weights.append(c[b, v])
        if not values:
            continue
        stack, weight = np.array(values), np.array(weights)
        volume[b, :, n] = {
            "sum": lambda stack, weight: stack.sum(0),
            "max": lambda stack, weight: stack.max(0),
            "softmax": lambda stack, weight: (stack * np.exp(stack)).sum(0) / np.exp(stack).sum(0),
            "conf": lambda stack, weight: (stack * weight).sum(0),
            "conf_norm": lambda stack, weight: (stack * weight).sum(0) / weight.sum(0),
        }[aggregation](stack, weight)
    return torch.from_numpy(volume)


PRESENT = torch.tensor([[True, False, True], [True, True, True]])
CASES = list(itertools.product(AGGREGATIONS, (None, PRESENT), (False, True)))


@pytest.mark.parametrize(("aggregation", "present", "mask_unseen"), CASES)
def test_plain_torch_follows_the_definition(aggregation: Any, present: Any, mask_unseen: bool) -> None:
    features, projections, points, confidences = scene(points=120)
    rest = (confidences, present, mask_unseen)
    ours = plain(features, projections, points, aggregation, *rest)
    # float64 throughout: only the rounding of a few dozen operations differs.
    torch.testing.assert_close(
        ours, by_definition(features, projections, points, aggregation, *rest), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize(("aggregation", "present", "mask_unseen"), CASES)
def test_the_cpu_kernel_agrees_with_plain_torch(aggregation: Any, present: Any, mask_unseen: bool) -> None:
    features, projections, points, confidences = (tensor.float() for tensor in scene())
    rest = (confidences, present, mask_unseen)
    ours = unproject_cpu(features, projections, points, aggregation, *rest)
    reference = plain(features, projections, points, aggregation, *rest)
    # Positions reach 20 cells; their float32 rounding, 2e-6, meets differences of up to 5 between cells,
    # and close to a camera's plane the division by a small depth multiplies it.
    off = (ours - reference).abs()
    assert off.median() < 1e-6
    assert (off > 1e-4).float().mean() < 2e-3  # a point within rounding of a picture's border may flip


@pytest.mark.skipif(not unprojection_triton.AVAILABLE, reason="Triton is not installed")
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("aggregation", "present", "mask_unseen"), CASES)
def test_the_cuda_kernel_agrees_with_plain_torch(aggregation: Any, present: Any, mask_unseen: bool) -> None:
    features, projections, points, confidences = (tensor.float().cuda() for tensor in scene())
    rest = (confidences, None if present is None else present.cuda(), mask_unseen)
    ours = unprojection_triton.unproject_cuda(features, projections, points, aggregation, *rest)
    reference = plain(features, projections, points, aggregation, *rest)
    off = (ours - reference).abs()
    assert off.median() < 1e-6
    assert (off > 1e-4).float().mean() < 2e-3


@pytest.mark.parametrize("points", [1, 7, 4096, 5000])
@pytest.mark.parametrize("threads", [1, 3])
def test_every_point_is_done_whatever_the_threads(points: int, threads: int) -> None:
    features, projections, places, _ = (tensor.float() for tensor in scene(points=points, channels=2))
    reference = plain(features, projections, places, "sum", None, None, False)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        ours = unproject_cpu(features, projections, places, "sum", None, None, False)
    finally:
        torch.set_num_threads(before)
    assert ours.shape == reference.shape
    assert ((ours - reference).abs() < 1e-4).float().mean() > 0.995


def test_points_may_be_shared_by_all_samples() -> None:
    features, projections, points, _ = (tensor.float() for tensor in scene())
    shared = points[0]
    with torch.no_grad():
        one = unproject(features, projections, shared, aggregation="softmax")
        each = unproject(features, projections, shared.expand(2, -1, -1), aggregation="softmax")
    assert torch.equal(one, each)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("present", [None, PRESENT])
def test_gradients(aggregation: Any, present: Any) -> None:
    # Small maps, because every one of their cells is moved: two runs each.
    features, projections, points, confidences = scene(points=12, channels=2, seed=8, size=(6, 7))
    points = points * 0.2  # within the pictures: at a border the derivative does not exist
    inputs = [features, projections, points, confidences]
    for tensor in inputs:
        tensor.requires_grad_()

    def run(features: Any, projections: Any, points: Any, confidences: Any) -> Any:
        return unproject(
            features, projections, points, aggregation=aggregation, confidences=confidences, present=present
        )

    assert torch.autograd.gradcheck(run, inputs, eps=1e-7, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("mask_unseen", [False, True])
def test_an_absent_view_may_hold_anything(mask_unseen: bool) -> None:
    features, projections, points, confidences = (tensor.float() for tensor in scene())
    spoiled, lost = features.clone(), projections.clone()
    spoiled[0, 1] = torch.nan
    lost[0, 1] = torch.nan
    for aggregation in AGGREGATIONS:
        rest = {"confidences": confidences, "present": PRESENT, "mask_unseen": mask_unseen}
        kernel = unproject(spoiled, lost, points, aggregation=aggregation, **rest)
        clean = unproject(features, projections, points, aggregation=aggregation, **rest)
        assert torch.equal(kernel, clean)
        spoiled.requires_grad_()
        volume = unproject(spoiled, lost, points, aggregation=aggregation, **rest)
        (gradient,) = torch.autograd.grad(volume.sum(), spoiled)
        assert volume.isfinite().all()
        assert gradient.isfinite().all()
        spoiled = spoiled.detach()


def test_no_view_gives_zeros_and_finite_gradients() -> None:
    features, projections, points, confidences = (tensor.float() for tensor in scene())
    nobody = torch.zeros(2, 3, dtype=torch.bool)
    for aggregation in AGGREGATIONS:
        rest = {"confidences": confidences, "present": nobody}
        assert not unproject(features, projections, points, aggregation=aggregation, **rest).any()
        features.requires_grad_()
        volume = unproject(features, projections, points, aggregation=aggregation, **rest)
        assert not volume.any()
        (gradient,) = torch.autograd.grad(volume.sum(), features)
        assert not gradient.any()
        features = features.detach()


def test_large_values_do_not_overflow_the_softmax() -> None:
    features, projections, points, _ = (tensor.float() for tensor in scene())
    features = features * 300
    kernel = unproject(features, projections, points, aggregation="softmax")
    reference = plain(features, projections, points, "softmax", None, None, False)
    assert kernel.isfinite().all()
    assert ((kernel - reference).abs() < 0.05).float().mean() > 0.99  # rounding times 300


def test_the_sampling_rules() -> None:
    # A map that holds its own column number; one camera looks along z.
    width, height = 20, 11
    features = torch.arange(float(width)).expand(1, 1, 1, height, width).clone()
    projection = torch.tensor([[[[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]]])
    points = torch.tensor([[7.25, 4.0, 0.0]])

    def read(rule: SamplingRule) -> float:
        return float(unproject(features, projection, points, aggregation="sum", rule=rule))

    assert read(EXACT) == pytest.approx(7.25, abs=1e-5)
    assert read(STRETCHED) == pytest.approx(7.25 * 19 / 20, abs=1e-5)
    assert read(SamplingRule(swapped=True)) == pytest.approx(7.25 * 19 / 10, abs=1e-5)
    assert read(SamplingRule(stretched=True, swapped=True)) == pytest.approx(7.25 * 19 / 11, abs=1e-5)
    assert torch.equal(map_projections(projection, height, width, EXACT), projection)


def test_confidences_add_up_to_one_over_the_present_views() -> None:
    confidences = scene()[3]
    normal = normalised_confidences(confidences, PRESENT)
    torch.testing.assert_close(normal.sum(dim=1), torch.ones(2, 5, dtype=torch.float64))
    assert not normal[0, 1].any()
    assert normalised_confidences(torch.zeros(1, 2, 3)).isfinite().all()


def test_bfloat16_features_and_autocast_keep_precise_coordinates() -> None:
    features, projections, points, _ = (tensor.float() for tensor in scene())
    rough = features.bfloat16()
    exact = unproject(rough.float(), projections, points, aggregation="sum")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(unproject(rough, projections, points, aggregation="sum"), exact)
        volume = unproject(rough.requires_grad_(), projections, points, aggregation="sum")
    assert volume.dtype == torch.float32
    assert ((volume - exact).abs() < 1e-4).float().mean() > 0.995


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"aggregation": "mean"}, "unknown way to merge views"),
        ({"aggregation": "conf", "confidences": None}, "needs confidences of shape"),
        ({"projections": torch.zeros(2, 4, 3, 4)}, r"projections must be \(2, 3, 3, 4\)"),
        ({"points": torch.zeros(3, 10, 3)}, "points are"),
        ({"features": torch.zeros(2, 3, 5, 8)}, r"\(B, V, C, h, w\)"),
        ({"present": torch.ones(2, 4, dtype=torch.bool)}, "present must be"),
    ],
)
def test_wrong_input(change: dict[str, Any], message: str) -> None:
    features, projections, points, confidences = scene()
    arguments: dict[str, Any] = {
        "features": features,
        "projections": projections,
        "points": points,
        "aggregation": "sum",
        "confidences": confidences,
    }
    with pytest.raises(BadInputError, match=message):
        unproject(**(arguments | change))
