"""From small pictures of people to keypoints in them: the network and the reading of its maps."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.crops.network_input import normalised
from models.keypoints.studio_lite.peak_kernel import read_probabilities
from models.keypoints.studio_lite.reading import read_peaks

Floats = NDArray[np.float64]


class Reading(NamedTuple):
    """What N pictures show.

    Attributes:
        points: (N, J, 2) px of the pictures.
        scores: (N, J) in [0, 1], how likely the joint is near its point, by the heatmap.
        confidences: (N, J) in [0, 1], how much the point counts beside those of other views, by the network's
            own word: the root of its confidence, which is in proportion to one over the error it expects.
    """

    points: Floats
    scores: Floats
    confidences: Floats


class Reader(Protocol):
    """Says where the joints are in pictures of one size."""

    def __call__(self, pictures: NDArray[np.uint8]) -> Reading:
        """Read pictures (N, S, S, 3) BGR."""
        ...


class TorchReader:
    """Runs the network with torch.

    Args:
        network: Gives a ``BackboneOutput``; in evaluation mode.
        device: Where to run it.
    """

    def __init__(self, network: nn.Module, device: str) -> None:
        self._device = device
        memory = torch.channels_last
        self.network: nn.Module = network.to(device).to(memory_format=memory)  # type: ignore[call-overload]

    def __call__(self, pictures: NDArray[np.uint8]) -> Reading:
        """See ``Reader``."""
        with torch.inference_mode():
            images = normalised(torch.from_numpy(pictures).to(self._device))
            found = self.network(images)
            cells, scores = read_peaks(found.heatmaps)
            points = cells * _cell_px(pictures, found.heatmaps.shape)
            trust = scores if found.alg_confidences is None else found.alg_confidences.sqrt()
        return Reading(*(each.double().cpu().numpy() for each in (points, scores, trust)))


class OpenVinoReader:
    """Runs the network with OpenVINO on the CPU as far as its heatmaps; compiled code reads them.

    Args:
        network: Gives a ``BackboneOutput``.
        threads: CPU threads of OpenVINO; its own choice by default.

    Raises:
        MissingExtraError: OpenVINO is not installed.
    """

    def __init__(self, network: nn.Module, threads: int | None = None) -> None:
        from models.runtimes.openvino_pictures import OpenVinoPictures

        self._maps = OpenVinoPictures(_MapsAndConfidences(network), threads)

    def __call__(self, pictures: NDArray[np.uint8]) -> Reading:
        """See ``Reader``."""
        maps, *confidences = self._maps(pictures)
        points, scores = np.empty((*maps.shape[:2], 2)), np.empty(maps.shape[:2])
        read_probabilities(maps, points, scores)
        points *= _cell_px(pictures, maps.shape)
        return Reading(points, scores, np.sqrt(confidences[0].astype(float)) if confidences else scores)


class _MapsAndConfidences(nn.Module):
    """Heatmaps as probabilities of the place, and confidences; nothing else of the network is computed."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        found = self.network(images)
        maps = found.heatmaps.flatten(2).softmax(dim=2).reshape(found.heatmaps.shape)
        return (maps,) if found.alg_confidences is None else (maps, found.alg_confidences)


def _cell_px(pictures: NDArray[np.uint8], maps: tuple[int, ...]) -> float:
    # In training a cell of the heatmap is the pixel at its upper left corner.
    width: int = pictures.shape[2]
    return width / maps[3]
