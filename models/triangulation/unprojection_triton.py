"""Unprojection on CUDA: one Triton program projects, samples and merges a block of voxels.

Like the kernel for the CPU it never stores the sampled views. The softmax over the views is a running one
(Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018), so any number of views works.
``AVAILABLE`` is false where Triton is not installed; plain torch then does the work.
"""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor

AVAILABLE = find_spec("triton") is not None
MODES = {"sum": 0, "max": 1, "softmax": 2, "conf": 3, "conf_norm": 4}
BLOCK = 32
"""Voxels per program: with 32 channels 1024 values, 8 for each thread of four warps."""

if AVAILABLE:
    import triton  # type: ignore[import-not-found,unused-ignore]
    import triton.language as tl  # type: ignore[import-not-found,unused-ignore]

    @triton.jit  # type: ignore[untyped-decorator,unused-ignore]
    def _kernel(  # type: ignore[no-untyped-def]  # noqa: ANN202
        maps,  # noqa: ANN001
        projections,  # noqa: ANN001
        points,  # noqa: ANN001
        confidences,  # noqa: ANN001
        present,  # noqa: ANN001
        volume,  # noqa: ANN001
        views,  # noqa: ANN001
        height,  # noqa: ANN001
        width,  # noqa: ANN001
        count,  # noqa: ANN001
        points_stride,  # noqa: ANN001
        CHANNELS: tl.constexpr,
        PADDED: tl.constexpr,
        SIZE: tl.constexpr,
        MODE: tl.constexpr,
        MASK_UNSEEN: tl.constexpr,
    ):
        """Maps (B, V, h, w, C), projections (B, V, 3, 4), points (N, 3), present (B, V), volume (B, N, C)."""
        sample = tl.program_id(1).to(tl.int64)
        n = tl.program_id(0) * SIZE + tl.arange(0, SIZE)
        inside = n < count
        at = points + sample * points_stride + n * 3
        px = tl.load(at, mask=inside, other=0.0)
        py = tl.load(at + 1, mask=inside, other=0.0)
        pz = tl.load(at + 2, mask=inside, other=0.0)
        c = tl.arange(0, PADDED)
        channel = c < CHANNELS

        merged = tl.zeros((SIZE, PADDED), dtype=tl.float32)
        total = tl.zeros((SIZE, PADDED), dtype=tl.float32)
        # Not minus infinity, whose difference to itself is not a number.
        top = tl.full((SIZE, PADDED), -3.0e38, dtype=tl.float32)
        taken = tl.zeros((SIZE,), dtype=tl.int32)

        for v in range(views):
            view = sample * views + v
            P = projections + view * 12
            depth = tl.load(P + 8) * px + tl.load(P + 9) * py + tl.load(P + 10) * pz + tl.load(P + 11)
            front = depth > 0
            safe = tl.where(front, depth, 1.0)
            x = (tl.load(P) * px + tl.load(P + 1) * py + tl.load(P + 2) * pz + tl.load(P + 3)) / safe
            y = (tl.load(P + 4) * px + tl.load(P + 5) * py + tl.load(P + 6) * pz + tl.load(P + 7)) / safe
            touched = front & (x > -1) & (x < width) & (y > -1) & (y < height)
            x = tl.where(touched, x, 0.0)
            y = tl.where(touched, y, 0.0)
            column = tl.floor(x)
            line = tl.floor(y)
            right = x - column
            below = y - line
            x0 = column.to(tl.int32)
            y0 = line.to(tl.int32)
            here = tl.load(present + view + 0 * n) != 0
            usable = inside & touched & here
            row = maps + view * height * width * CHANNELS

            value = tl.zeros((SIZE, PADDED), dtype=tl.float32)
            for corner in tl.static_range(4):
                xc = x0 + corner % 2
                yc = y0 + corner // 2
                weight_x = right if corner % 2 == 1 else 1 - right
                weight_y = below if corner // 2 == 1 else 1 - below
                exists = usable & (xc >= 0) & (xc < width) & (yc >= 0) & (yc < height)
                address = row + (yc * width + xc)[:, None] * CHANNELS + c[None, :]
                picked = tl.load(address, mask=exists[:, None] & channel[None, :], other=0.0).to(tl.float32)
                value += (weight_x * weight_y)[:, None] * picked

            takes_part = here & inside
            if MASK_UNSEEN:
                within = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
                takes_part = takes_part & touched & within
            part = takes_part[:, None]
            taken += takes_part.to(tl.int32)
            if MODE == 0:
                merged += tl.where(part, value, 0.0)
            elif MODE == 1:
                top = tl.where(part, tl.maximum(top, value), top)
            elif MODE == 2:
                higher = tl.where(part, tl.maximum(top, value), top)
                old = tl.exp(top - higher)
                new = tl.where(part, tl.exp(value - higher), 0.0)
                merged = merged * old + new * value
                total = total * old + new
                top = higher
            else:
                weight = tl.load(confidences + view * CHANNELS + c, mask=channel, other=0.0)
                weights = tl.where(part, weight[None, :], 0.0)
                merged += weights * value
                total += weights

        if MODE == 1:
            merged = tl.where(taken[:, None] > 0, top, 0.0)
        if MODE == 2 or MODE == 4:  # noqa: PLR1714  (Triton compiles no "in")
            merged = merged / tl.maximum(total, 1.1754944e-38)
        out = volume + (sample * count + n)[:, None] * CHANNELS + c[None, :]
        tl.store(out, merged, mask=inside[:, None] & channel[None, :])


def unproject_cuda(
    features: Tensor,
    projections: Tensor,
    points: Tensor,
    aggregation: str,
    confidences: Tensor | None,
    present: Tensor | None,
    mask_unseen: bool,
) -> Tensor:
    """``unprojection.unproject`` without gradients; only where ``AVAILABLE``.

    Args:
        features: (B, V, C, h, w), float32, float16 or bfloat16; sums are kept in float32.
        projections: (B, V, 3, 4) from points to positions in the map.
        points: (N, 3) or (B, N, 3).
        aggregation: A key of ``MODES``.
        confidences: (B, V, C) for the modes that need them.
        present: (B, V) bool, None for all.
        mask_unseen: Leave out views in which the point is not visible.

    Returns:
        (B, C, N) float32; in memory the channels run fastest, which ``channels_last_3d`` networks take as is.
    """
    batch, views, channels, height, width = features.shape
    device = features.device
    count = points.shape[-2]
    if present is None:
        present = torch.ones(batch, views, dtype=torch.bool, device=device)
    if confidences is None:
        confidences = torch.ones(batch, views, channels, device=device)
    volume = torch.empty(batch, count, channels, device=device)
    _kernel[(triton.cdiv(count, BLOCK), batch)](
        features.permute(0, 1, 3, 4, 2).contiguous(),
        projections.float().contiguous(),
        points.float().contiguous(),
        confidences.float().contiguous(),
        present.to(torch.int8).contiguous(),
        volume,
        views,
        height,
        width,
        count,
        count * 3 if points.ndim == 3 else 0,
        CHANNELS=channels,
        PADDED=triton.next_power_of_2(channels),
        SIZE=BLOCK,
        MODE=MODES[aggregation],
        MASK_UNSEEN=mask_unseen,
    )
    return volume.transpose(1, 2)
