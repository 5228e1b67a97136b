"""RTMDet as MMDeploy exports it: Lyu et al., RTMDet, arXiv 2212.07784."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.detectors.base import Boxes, Image
from models.detectors.onnx_detector import OnnxDetector, Outputs
from models.runtimes.onnx_network import Shape

MEAN: Final = np.array([103.53, 116.28, 123.675], np.float32)
DEVIATION: Final = np.array([57.375, 57.12, 58.395], np.float32)
"""Of the pictures it was trained on: blue, green, red."""


class RtmDet(OnnxDetector):
    """Boxes come finished out of the file; see ``OnnxDetector``."""

    def normalised(self, canvas: Image) -> NDArray[np.float32]:
        """See ``OnnxDetector.normalised``."""
        return (canvas.astype(np.float32) - MEAN) / DEVIATION

    def decode_raw(self, outputs: Outputs, min_score: float) -> Boxes:
        """Not reached: such files are refused when they are opened."""
        raise NotImplementedError

    def _check_raw(self, outputs: dict[str, Shape], path: Path) -> None:
        raise bad_input(
            f"the outputs are {', '.join(outputs)}",
            file=path,
            allowed="dets (batch, n, 5) and labels (batch, n)",
            hint="export RTMDet with its suppression inside",
        )
