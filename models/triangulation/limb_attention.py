"""Attention between joints that knows how long limbs are.

Source: Ma et al., "Context Modeling in 3D Human Pose Estimation: A Unified Perspective", CVPR 2021,
section 4. Parameters carry the names of the released checkpoints.

The limb kernel between two voxels depends on their distance only. On a cubic grid it is therefore made of
blocks, one ``s^2 x s^2`` matrix for each offset along the first axis, and only ``s`` of them differ: 67 MB
for all limbs at s = 16 where the whole matrices take 1.07 GB. The contexts are matrix products with these
blocks; the normaliser of the kernel's rows cancels and is never computed.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from configs.errors import bad_input
from models.triangulation.limb_prior import LimbPrior

NO_EVIDENCE = 1e-30
"""Attention times kernel below which a limb says nothing: 100 000 times the smallest float32 that still has
all its digits."""


def limb_kernel_logs(prior: LimbPrior, size: int, side_mm: float, temperature: float) -> Tensor:
    """Logarithm of the limb kernels by voxel offset, before any normalisation.

    Args:
        prior: Lengths of the limbs.
        size: s, voxels per side of the grid.
        side_mm: Side of the cuboid. The published network spreads its s voxels over all of it, though the
            grid of the attention is 5 % smaller at 64 voxels; its weights expect that.
        temperature: Widens the kernels.

    Returns:
        (L, s, s, s) float64 by absolute offset along the three axes.
    """
    steps = torch.arange(size, dtype=torch.float64) * side_mm / (size - 1)
    x, y, z = steps[:, None, None], steps[None, :, None], steps[None, None, :]
    distance = (x**2 + y**2 + z**2).sqrt()
    mean = torch.from_numpy(prior.mean)[:, None, None, None]
    deviation = torch.from_numpy(prior.deviation)[:, None, None, None]
    return -((distance - mean) ** 2) / (2 * temperature * deviation**2 + 0.1)


def limb_kernels(prior: LimbPrior, size: int, side_mm: float, temperature: float) -> Tensor:
    """The kernels as whole matrices with rows that add up to one, as the paper writes them.

    Arguments as ``limb_kernel_logs``. 1.07 GB at size 16: for checks and drawings, the network does without.

    Returns:
        (L, s^3, s^3) float64.
    """
    logs = limb_kernel_logs(prior, size, side_mm, temperature)
    steps = torch.arange(size)
    places = torch.cartesian_prod(steps, steps, steps)
    i, j, k = (places[:, None] - places[None]).abs().unbind(dim=2)
    return logs[:, i, j, k].softmax(dim=2)


def kernel_blocks(prior: LimbPrior, size: int, side_mm: float, temperature: float) -> Tensor:
    """The distinct blocks of the limb kernels.

    Arguments as ``limb_kernel_logs``.

    Returns:
        (L, s, s^2, s^2) float32, not normalised, at most 1: block ``d`` connects planes of the grid that
        are ``d`` voxels apart along the first axis.
    """
    logs = limb_kernel_logs(prior, size, side_mm, temperature)
    steps = torch.arange(size)
    places = torch.cartesian_prod(steps, steps)
    j, k = (places[:, None] - places[None]).abs().unbind(dim=2)
    return logs[:, :, j, k].exp().float()


class LimbAttention(nn.Module):
    """Gives every joint the features of its neighbours in the skeleton, from where they may be.

    Args:
        channels_in: Multiple of J, the joints of ``prior``.
        channels_out: Multiple of J.
        prior: Lengths of the limbs. Not part of checkpoints.
        size: s, voxels per side of the grid.
        side_mm: Side of the cuboid, see ``limb_kernel_logs``.
        temperature: Widens the limb kernels.

    Raises:
        BadInputError: Channels that J does not divide.
    """

    blocks: Tensor

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        prior: LimbPrior,
        *,
        size: int,
        side_mm: float = 2500.0,
        temperature: float = 1500.0,
    ) -> None:
        super().__init__()
        self.joints = joints = prior.joints
        if channels_in % joints or channels_out % joints:
            raise bad_input(
                f"attention needs channels that are multiples of its {joints} joints",
                value=f"{channels_in} and {channels_out}",
            )
        self.size = size
        # Each limb in both directions: (a, b) then (b, a).
        self._targets = [joint for limb in prior.limbs for joint in limb]
        self._sources = [joint for first, second in prior.limbs for joint in (second, first)]
        each = channels_out // joints
        self.convlist = nn.ModuleList(nn.Conv3d(channels_out, each, 1, bias=False) for _ in range(joints))
        self.W_pi = nn.Conv3d(channels_in, channels_out, 1, groups=joints, bias=False)
        self.atten_conv = nn.Conv3d(channels_in, joints, 1, groups=joints, bias=False)
        self.register_buffer("blocks", kernel_blocks(prior, size, side_mm, temperature), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mix the joints' features.

        Args:
            x: (B, channels_in, s, s, s).

        Returns:
            Features (B, channels_out, s, s, s) and attention (B, J, s^3), which adds up to one over the
            grid; both at least float32.

        Raises:
            BadInputError: Another grid than the kernels were made for.
        """
        if x.shape[2:] != (self.size,) * 3:
            raise bad_input(
                f"the limb kernels are made for {self.size} voxels per side",
                value=" x ".join(str(side) for side in x.shape[2:]),
            )
        with torch.autocast(x.device.type, enabled=False):  # the denominators span the range of float32
            dtype = torch.promote_types(x.dtype, torch.float32)
            return self._mix(x.to(dtype))

    def _mix(self, x: Tensor) -> tuple[Tensor, Tensor]:
        batch, joints = x.shape[0], self.joints
        projected = _pointwise(self.W_pi, x)  # (B, J k, s, s, s)
        values = projected.reshape(batch, joints, -1, self.size**3)
        attention = _pointwise(self.atten_conv, x).reshape(batch, joints, -1).softmax(dim=2)
        pooled = values @ attention[..., None]  # (B, J, k, 1)
        contexts = self._contexts(values, attention, pooled)

        # A joint sees the pooled features of all joints; those of its neighbours are replaced by what the
        # limb says, that is, their difference is added.
        weights = torch.stack([cast(nn.Conv3d, conv).weight.flatten(1) for conv in self.convlist])
        weights = weights.to(x.dtype).reshape(joints, -1, joints, values.shape[2])  # (t, k, j, k)
        mixed = torch.einsum("tajc,bjc->bta", weights, pooled[..., 0])[..., None]
        sources = torch.tensor(self._sources, device=x.device)
        targets = torch.tensor(self._targets, device=x.device)
        change = contexts - pooled[:, sources]
        limb_weights = weights[targets, :, sources]  # (2 L, k, k)
        spread = torch.einsum("eac,becq->beaq", limb_weights, change)
        mixed = mixed.expand_as(values).index_add(1, targets, spread)
        return (mixed + values).reshape_as(projected), attention

    def _contexts(self, values: Tensor, attention: Tensor, pooled: Tensor) -> Tensor:
        """Expected features of the neighbour at the other end of each directed limb.

        Args:
            values: (B, J, k, s^3).
            attention: (B, J, s^3).
            pooled: (B, J, k, 1), given where a limb says nothing.

        Returns:
            (B, 2 L, k, s^3) of L limbs.
        """
        batch, _, each, places = values.shape
        s, limbs = self.size, len(self.blocks)
        sources = torch.tensor(self._sources, device=values.device)
        weighted = torch.cat([values * attention[:, :, None], attention[:, :, None]], dim=2)  # k + 1 rows
        # (limbs, s^2 in a plane, columns: plane, sample, end, row)
        columns = weighted[:, sources].reshape(batch, limbs, 2, each + 1, s, s * s)
        columns = columns.permute(1, 5, 4, 0, 2, 3)
        rest = columns.shape[3:]
        columns = columns.reshape(limbs, s * s, -1)
        blocks = self.blocks.to(values.dtype)
        products = blocks.flatten(1, 2) @ columns  # every distance with every plane
        products = products.reshape(limbs, s, s * s, s, -1)
        planes = torch.arange(s, device=values.device)
        sums = products.new_zeros(limbs, s, s * s, products.shape[-1])
        for plane in range(s):  # plane the context comes from
            sums = sums + products[:, (planes - plane).abs(), :, plane]
        sums = sums.reshape(limbs, places, *rest).permute(2, 0, 3, 4, 1)
        sums = sums.reshape(batch, 2 * limbs, each + 1, places)
        numerator, denominator = sums[:, :, :each], sums[:, :, each:]
        known = denominator > NO_EVIDENCE
        ratio = numerator / torch.where(known, denominator, torch.ones_like(denominator))
        return torch.where(known, ratio, pooled[:, sources].expand_as(ratio))


def _pointwise(conv: nn.Conv3d, x: Tensor) -> Tensor:
    """A 1x1x1 convolution in the precision of ``x``, whatever that of the weights."""
    return nn.functional.conv3d(x, conv.weight.to(x.dtype), groups=conv.groups)
