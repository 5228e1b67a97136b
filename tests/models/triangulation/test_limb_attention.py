"""The limb-aware attention against the formulas of the paper, written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from configs.errors import BadInputError  # noqa: E402
from models.triangulation.limb_attention import LimbAttention, limb_kernels  # noqa: E402
from models.triangulation.limb_prior import LIMBS, LimbPrior, limb_length_error  # noqa: E402

SIZE = 4
PRIOR = LimbPrior(np.linspace(120.0, 480.0, 16), np.linspace(5.0, 40.0, 16))


def block(**settings: Any) -> LimbAttention:
    torch.manual_seed(5)
    return LimbAttention(34, 51, PRIOR, size=SIZE, **settings)


def written_out(attention: LimbAttention, x: Any, temperature: float) -> Any:
    """Steps 1 to 7 one after the other, with whole kernels, in float64."""
    x = x.double()
    value = torch.nn.functional.conv3d(x, attention.W_pi.weight.double(), groups=17)
    batch, each, places = x.shape[0], 3, SIZE**3
    v = value.reshape(batch, 17, each, places)
    logits = torch.nn.functional.conv3d(x, attention.atten_conv.weight.double(), groups=17)
    g = logits.reshape(batch, 17, places).softmax(2)
    kernels = limb_kernels(PRIOR, SIZE, 2500.0, temperature)
    outputs = []
    for joint in range(17):
        blocks = [(v[:, j] * g[:, j, None]).sum(2, keepdim=True).expand(-1, -1, places) for j in range(17)]
        for limb, ends in enumerate(LIMBS):
            if joint in ends:
                other = ends[1 - ends.index(joint)]
                top = torch.einsum("pq,bq,bcq->bcp", kernels[limb], g[:, other], v[:, other])
                blocks[other] = top / torch.einsum("pq,bq->bp", kernels[limb], g[:, other])[:, None]
        stacked = torch.cat(blocks, dim=1).reshape(batch, 51, SIZE, SIZE, SIZE)
        outputs.append(torch.nn.functional.conv3d(stacked, attention.convlist[joint].weight.double()))
    return torch.cat(outputs, dim=1) + value, g


@pytest.mark.parametrize("temperature", [1500.0, 200.0])
def test_blocks_and_products_give_what_the_paper_writes(temperature: float) -> None:
    attention = block(temperature=temperature)
    x = torch.randn(2, 34, SIZE, SIZE, SIZE)
    mixed, weights = attention(x)
    expected, g = written_out(attention, x, temperature)
    # float32 against float64, sums of 64 terms: a few hundred roundings of 6e-8.
    torch.testing.assert_close(mixed.double(), expected, rtol=1e-4, atol=2e-5)
    torch.testing.assert_close(weights.double(), g, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(weights.sum(2), torch.ones(2, 17))


def test_where_a_limb_says_nothing_the_pooled_features_stand_and_gradients_stay_finite() -> None:
    # Limbs known to a hair: the kernel of almost every pair of voxels underflows.
    sharp = LimbPrior(PRIOR.mean, np.full(16, 1e-3))
    torch.manual_seed(5)
    attention = LimbAttention(34, 51, sharp, size=SIZE)
    x = (torch.randn(1, 34, SIZE, SIZE, SIZE) * 20).requires_grad_()
    mixed, _ = attention(x)
    mixed.square().sum().backward()
    assert mixed.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_the_prior_belongs_to_the_instance_and_not_to_checkpoints() -> None:
    first = block()
    other = LimbAttention(34, 51, LimbPrior(PRIOR.mean * 1.5, PRIOR.deviation), size=SIZE)
    assert "blocks" not in first.state_dict()
    assert not torch.equal(first.blocks, other.blocks)
    other.load_state_dict(first.state_dict())
    x = torch.randn(1, 34, SIZE, SIZE, SIZE)
    assert not torch.allclose(first(x)[0], other(x)[0])


def test_reduced_precision_around_it_does_not_reach_the_denominators() -> None:
    attention = block()
    x = torch.randn(1, 34, SIZE, SIZE, SIZE)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed, _ = attention(x)
    assert torch.equal(mixed, attention(x)[0])


def test_limb_statistics_and_their_error() -> None:
    generator = np.random.default_rng(2)
    joints = generator.normal(0, 300, (40, 17, 3))
    prior = LimbPrior.from_joints(joints)
    lengths = np.linalg.norm(joints[:, 8] - joints[:, 16], axis=1)
    assert prior.mean[8] == pytest.approx(lengths.mean())
    assert prior.deviation[8] == pytest.approx(lengths.std())
    longer = torch.from_numpy(joints)
    assert float(limb_length_error(longer * 1.1, longer)) == pytest.approx(0.1 * prior.mean.mean())


def test_a_prior_from_a_file(tmp_path: Any) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "limbs.h5"
    with h5py.File(path, "w") as file:
        file["mean"], file["std"] = np.r_[PRIOR.mean, 1.0], np.r_[PRIOR.deviation, 1.0]
    np.testing.assert_array_equal(LimbPrior.read(path).mean, PRIOR.mean)
    with pytest.raises(BadInputError, match="is missing"):
        LimbPrior.read(tmp_path / "none.h5")
    path.write_text("no")
    with pytest.raises(BadInputError, match="no file with limb lengths"):
        LimbPrior.read(path)


def test_wrong_input() -> None:
    with pytest.raises(BadInputError, match="multiples of its 17 joints"):
        LimbAttention(32, 51, PRIOR, size=4)
    with pytest.raises(BadInputError, match="made for 4 voxels"):
        block()(torch.zeros(1, 34, 5, 5, 5))
    with pytest.raises(BadInputError, match="16 lengths"):
        LimbPrior(PRIOR.mean[:5], PRIOR.deviation)
