"""Our torch networks as ``MultiviewModel``: arrays in, joints out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from configs.errors import bad_input
from models.checkpoints.opening import open_network, untrained_network
from models.datasets.batch import Batch
from models.triangulation.predictors.device import choose_device

WITH_CENTRES: Final = ("volumetric", "contextpose")
KINDS: Final = ("ransac", "algebraic", *WITH_CENTRES)


class TorchModel:
    """A network of this project behind ``MultiviewModel``.

    Args:
        network: One of ``KINDS``.
        kind: Which.
        device: Where it runs.
    """

    def __init__(self, network: nn.Module, kind: str, device: str) -> None:
        self.kind = kind
        self._device = torch.device(device)
        self._network = network.eval().to(self._device)

    @property
    def needs_centres(self) -> bool:
        """See ``MultiviewModel``."""
        return self.kind in WITH_CENTRES

    def predict(self, batch: Batch, centres: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """See ``MultiviewModel``."""
        given = [torch.from_numpy(batch.images), torch.from_numpy(batch.projections)]
        if self.needs_centres:
            assert centres is not None
            given.append(torch.from_numpy(np.ascontiguousarray(centres)))
        with torch.inference_mode():
            found = self._network(
                *(tensor.to(self._device) for tensor in given),
                present=torch.from_numpy(batch.present).to(self._device),
            )
            if self.needs_centres:
                joints = found.joints
            else:
                joints = torch.where(found.determined[..., None], found.keypoints_3d, torch.nan)
        result: NDArray[np.float32] = joints.float().cpu().numpy()
        return result


def open_weights(
    source: str, kind: str | None, settings: Mapping[str, Any], device: Literal["auto", "cpu", "cuda"]
) -> TorchModel:
    """A network with trained weights.

    Args:
        source: Name of an imported network, or a file: one of ours with a card, or a published one.
        kind: What a file without a card holds; must agree with the card of one that has it.
        settings: Of a file without a card, where its names do not tell them.
        device: Where to run.

    Raises:
        BadInputError: There is no such network, or the file does not fit.
    """
    where = choose_device(device, source="--device")
    opened = open_network(source, kind, settings)
    if opened.kind not in KINDS:
        raise bad_input(
            f"holds a network of the kind {opened.kind}", file=opened.path, allowed=", ".join(KINDS)
        )
    return TorchModel(opened.network, opened.kind, where)


def build_untrained(
    kind: str, settings: Mapping[str, Any], device: Literal["auto", "cpu", "cuda"]
) -> TorchModel:
    """A network with random weights, to try an evaluation out; what it says about people means nothing."""
    where = choose_device(device, source="--device")
    opened = untrained_network(kind, settings, source=f"settings of {kind}")
    return TorchModel(opened.network, kind, where)
