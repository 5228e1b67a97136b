"""Soft-argmax against known peaks, numpy in double precision, and numerical derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.triangulation.soft_argmax import integrate_volumes, soft_argmax_2d, soft_argmax_3d


def test_a_sharp_peak_is_found_as_x_and_y() -> None:
    maps = torch.zeros(2, 5, 24, 18)
    maps[:, :, 20, 3] = 100.0
    for softmax in (True, False):
        found = soft_argmax_2d(maps, softmax=softmax)
        torch.testing.assert_close(found.coordinates, torch.tensor([3.0, 20.0]).expand(2, 5, 2))
    volume = torch.zeros(1, 1, 4, 5, 6)
    volume[..., 1, 2, 5] = 100.0
    assert soft_argmax_3d(volume).coordinates.flatten().tolist() == pytest.approx([1, 2, 5])


def test_a_map_without_a_positive_value_has_no_place_when_cut_off() -> None:
    assert soft_argmax_2d(-torch.ones(1, 1, 4, 4), softmax=False).coordinates.isnan().all()
    assert soft_argmax_3d(-torch.ones(1, 1, 4, 4, 4), softmax=False).coordinates.isnan().all()


@pytest.mark.parametrize("softmax", [True, False])
def test_gradients_are_right(softmax: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(2, 2, 5, 4, generator=generator, dtype=torch.float64).requires_grad_()
    volumes = torch.rand(1, 2, 3, 4, 2, generator=generator, dtype=torch.float64).requires_grad_()
    places = torch.rand(1, 3, 4, 2, 3, generator=generator, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda m: soft_argmax_2d(m, softmax=softmax).coordinates, maps)
    assert torch.autograd.gradcheck(lambda v: soft_argmax_3d(v, softmax=softmax).coordinates, volumes)
    assert torch.autograd.gradcheck(
        lambda v, p: integrate_volumes(v, p, softmax=softmax).coordinates, (volumes, places)
    )


def test_single_precision_keeps_hundredths_of_a_millimetre_far_from_the_origin() -> None:
    side = 64
    rng = np.random.default_rng(3)
    axis = np.linspace(-1250.0, 1250.0, side)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    places = grid + np.array([5000.0, -3000.0, 900.0])
    logits = rng.normal(size=(1, 2, side, side, side)) * 2
    found = integrate_volumes(torch.from_numpy(logits).float(), torch.from_numpy(places[None]).float())
    probability = np.exp(logits.astype(np.float32).astype(float))
    probability /= probability.sum(axis=(2, 3, 4), keepdims=True)
    exact = np.einsum("bjxyz,xyzc->bjc", probability, places.astype(np.float32).astype(float))
    # 2.6e5 terms of up to 1250 mm, each rounded at 6e-8 of the running sum: 0.03 mm. Without the shift to the
    # middle it is the millimetre-sized error this function is there to avoid.
    np.testing.assert_allclose(found.coordinates.numpy(), exact, atol=0.03, rtol=0)


def test_mixed_precision_does_not_reach_the_positions() -> None:
    generator = torch.Generator().manual_seed(0)
    volumes = torch.randn(1, 2, 8, 8, 8, generator=generator)
    places = 1000 * torch.randn(1, 8, 8, 8, 3, generator=generator)
    expected = integrate_volumes(volumes, places), soft_argmax_3d(volumes), soft_argmax_2d(volumes[0])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = integrate_volumes(volumes, places), soft_argmax_3d(volumes), soft_argmax_2d(volumes[0])
    for mixed, plain in zip(found, expected, strict=True):
        torch.testing.assert_close(mixed.coordinates, plain.coordinates)
