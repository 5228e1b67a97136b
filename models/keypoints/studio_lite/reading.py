"""Where the joints are according to heatmaps that are probabilities."""

from __future__ import annotations

import torch
from torch import Tensor

REACH = 2
"""Cells to each side of a peak that belong to it: the network learnt peaks of one cell's deviation, of which
95 % lie within."""


def read_peaks(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """The most likely place of every joint, to a fraction of a cell, and how likely it is.

    The place is the mean of the probability round the peak: unlike the mean of the whole map it does not end
    between two people, or between a left and a right foot.

    Args:
        heatmaps: (N, J, h, w); their softmax is the probability of the place.

    Returns:
        (N, J, 2) x and y in cells, and (N, J) the probability, in [0, 1], that the joint lies within
        ``REACH`` cells of the peak.
    """
    rows, columns = heatmaps.shape[2:]
    probability = heatmaps.float().flatten(2).softmax(dim=2).reshape(heatmaps.shape)
    # Rounded peaks would prefer a cell by its noise: the best window is sought, not the best cell.
    window = 2 * REACH + 1
    mass = torch.nn.functional.avg_pool2d(probability, 3, stride=1, padding=1)
    peak = mass.flatten(2).argmax(dim=2)
    row, column = peak // columns, peak % columns
    steps = torch.arange(-REACH, REACH + 1, device=heatmaps.device)
    at_rows = row[..., None] + steps
    at_columns = column[..., None] + steps
    inside_rows = (at_rows >= 0) & (at_rows < rows)
    inside_columns = (at_columns >= 0) & (at_columns < columns)
    places = (
        at_rows.clamp(0, rows - 1)[..., :, None] * columns + at_columns.clamp(0, columns - 1)[..., None, :]
    )
    near = probability.flatten(2).gather(2, places.flatten(2)).reshape(*peak.shape, window, window)
    near = near * (inside_rows[..., :, None] & inside_columns[..., None, :])
    total = near.sum(dim=(2, 3))
    safe = total.clamp(min=torch.finfo(total.dtype).tiny)
    y = (near.sum(dim=3) * at_rows).sum(dim=2) / safe
    x = (near.sum(dim=2) * at_columns).sum(dim=2) / safe
    return torch.stack([x, y], dim=-1), total.clamp(max=1.0)
