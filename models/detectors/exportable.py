"""A person detector, tensors in, tensors out, with what ``OnnxDetector`` does around the network in numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.detectors.letterbox import GREY
from models.detectors.onnx_detector import PERSON
from models.detectors.onnx_graph import OnnxGraph
from models.detectors.rtmdet import DEVIATION, MEAN
from models.detectors.yolox import grid_cells

Family = Literal["rtmdet", "yolox"]

CANDIDATES: Final = 64
"""Boxes that are compared with each other; weaker ones are people in a crowd that nobody can count."""


class ExportableDetector(nn.Module):
    """A picture to boxes of people, best first.

    Args:
        path: ONNX file.
        family: How its network is used.
        size: Width and height of its input.
        threshold: Least score.
        overlap: Of two boxes that share more than this of their union, the better one stays; a file that does
            the same inside with a lower limit keeps that.
        most: Boxes that are told at most.

    Raises:
        BadInputError: See ``OnnxGraph``.
    """

    offset: Tensor
    factor: Tensor
    cells: Tensor
    strides: Tensor

    def __init__(
        self,
        path: Path,
        family: Family,
        size: tuple[int, int],
        *,
        threshold: float = 0.3,
        overlap: float = 0.7,
        most: int = 16,
    ) -> None:
        super().__init__()
        self.graph = OnnxGraph(path, size)
        self.size, self.family, self.most = size, family, most
        within = self.graph.suppression or (1.0, 0.0)
        self.overlap, self.threshold = min(overlap, within[0]), max(threshold, within[1])
        rtmdet = family == "rtmdet"
        colours = torch.from_numpy(MEAN) if rtmdet else torch.zeros(3)
        widths = torch.from_numpy(DEVIATION) if rtmdet else torch.ones(3)
        self.register_buffer("offset", colours[:, None, None].clone())
        self.register_buffer("factor", widths[:, None, None].clone())
        cells, strides = grid_cells(size)
        self.register_buffer("cells", torch.from_numpy(cells).float())
        self.register_buffer("strides", torch.from_numpy(strides).float()[:, None])

    def forward(self, image: Tensor) -> Tensor:
        """(3, H, W) uint8 RGB to (n, 5) left, top, width, height, px, and score; n is 1 to ``most``.

        Where nobody is seen, one box has a score below ``threshold``: programs that know nothing of numbers
        but that they are positive cannot be told of none.
        """
        canvas, scale = self._fitted(image)
        boxes, scores = self._candidates(self.graph((canvas - self.offset) / self.factor))
        height, width = image.shape[1] * 1.0, image.shape[2] * 1.0
        corners = boxes / scale
        low = torch.stack([corners[:, 0].clamp(0.0, width), corners[:, 1].clamp(0.0, height)], dim=1)
        high = torch.stack([corners[:, 2].clamp(0.0, width), corners[:, 3].clamp(0.0, height)], dim=1)
        extent = high - low
        scores = torch.where((extent >= 1.0).all(dim=1), scores, torch.zeros_like(scores))
        kept = self._distinct(torch.cat([low, high], dim=1), scores)
        best, order = (scores * kept).topk(self.most)
        first = torch.arange(self.most, device=best.device) == 0
        places = ((best >= self.threshold) | first).nonzero()[:, 0]
        torch._check(places.shape[0] >= 1)  # type: ignore[no-untyped-call]
        chosen = order[places]
        shown = extent[chosen].clamp_min(1.0)
        return torch.cat([low[chosen], shown, best[places, None].clamp(0.0, 1.0)], dim=1)

    def _fitted(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(1, 3, h, w) BGR levels in the upper left corner of the input, grey elsewhere; its scale."""
        wide, tall = self.size
        one = self.offset.new_ones(())
        height, width = one * image.shape[1], one * image.shape[2]
        scale = torch.minimum(wide / width, tall / height)
        across, down = (width * scale).round().clamp_min(1.0), (height * scale).round().clamp_min(1.0)
        x = torch.arange(wide, dtype=torch.float32, device=image.device)
        y = torch.arange(tall, dtype=torch.float32, device=image.device)
        # The middle of a pixel of the input in the picture, from -1 to 1 between its outer borders.
        grid_x = ((x + 0.5) / across * 2.0 - 1.0)[None, :].expand(tall, wide)
        grid_y = ((y + 0.5) / down * 2.0 - 1.0)[:, None].expand(tall, wide)
        found = functional.grid_sample(
            image.flip(0)[None].float(),
            torch.stack([grid_x, grid_y], dim=-1)[None],
            "bilinear",
            "border",
            align_corners=False,
        )
        inside = (x < across)[None, :] & (y < down)[:, None]
        return torch.where(inside, found.round(), float(GREY)), scale

    def _candidates(self, outputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """(N, 4) corners in px of the input and (N,) scores, at most ``CANDIDATES``, best first."""
        if self.graph.suppression is not None:
            boxes, scores = outputs[0][0], outputs[1][0, PERSON]
        else:
            rows = outputs[0][0]
            scores = rows[:, 4] * rows[:, 5 + PERSON]
            middle = (rows[:, :2] + self.cells) * self.strides
            half = rows[:, 2:4].exp() * self.strides / 2.0
            boxes = torch.cat([middle - half, middle + half], dim=1)
        best, order = scores.topk(min(CANDIDATES, len(self.cells)))
        return boxes[order], best

    def _distinct(self, corners: Tensor, scores: Tensor) -> Tensor:
        """(N,) 1 for boxes that stay, 0 for those that overlap a better one that stays; best first."""
        size = (corners[:, 2:] - corners[:, :2]).clamp_min(0.0)
        area = size.prod(dim=1)
        low = torch.maximum(corners[:, None, :2], corners[None, :, :2])
        high = torch.minimum(corners[:, None, 2:], corners[None, :, 2:])
        shared = (high - low).clamp_min(0.0).prod(dim=2)
        union = (area[:, None] + area[None] - shared).clamp_min(1e-6)
        rivals = (shared / union > self.overlap).to(scores.dtype).triu(1)
        alive = (scores >= self.threshold).to(scores.dtype)
        # Row by row, best first. The number is fixed, so that this can be written down without a loop.
        for row in range(CANDIDATES - 1):
            alive = alive * (1.0 - alive[row] * rivals[row])
        return alive
