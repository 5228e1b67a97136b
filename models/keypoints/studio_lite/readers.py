"""From small pictures of people to keypoints in them: the network and the reading of its maps."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.crops.network_input import normalised
from models.keypoints.studio_lite.peak_kernel import read_probabilities
from models.keypoints.studio_lite.reading import read_peaks

Floats = NDArray[np.float64]


class Reader(Protocol):
    """Says where the joints are in pictures of one size."""

    def __call__(self, pictures: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Read pictures.

        Args:
            pictures: (N, S, S, 3) BGR.

        Returns:
            (N, J, 2) px of the pictures and (N, J) scores in [0, 1].
        """
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

    def __call__(self, pictures: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """See ``Reader``."""
        with torch.inference_mode():
            images = normalised(torch.from_numpy(pictures).to(self._device))
            heatmaps = self.network(images).heatmaps
            cells, scores = read_peaks(heatmaps)
            points = cells * _cell_px(pictures, heatmaps.shape)
        return points.double().cpu().numpy(), scores.double().cpu().numpy()


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

        self._probabilities = OpenVinoPictures(_Probabilities(network), threads)

    def __call__(self, pictures: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """See ``Reader``."""
        maps = self._probabilities(pictures)
        points, scores = np.empty((*maps.shape[:2], 2)), np.empty(maps.shape[:2])
        read_probabilities(maps, points, scores)
        points *= _cell_px(pictures, maps.shape)
        return points, scores


class _Probabilities(nn.Module):
    """The heatmaps as probabilities of the place; nothing else of the network is computed."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        heatmaps: Tensor = self.network(images).heatmaps
        return heatmaps.flatten(2).softmax(dim=2).reshape(heatmaps.shape)


def _cell_px(pictures: NDArray[np.uint8], maps: tuple[int, ...]) -> float:
    # In training a cell of the heatmap is the pixel at its upper left corner.
    width: int = pictures.shape[2]
    return width / maps[3]
