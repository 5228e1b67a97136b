"""RTMDet as MMDeploy exports it: Lyu et al., RTMDet, arXiv 2212.07784."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.detectors.base import Image
from models.detectors.onnx_detector import OnnxDetector

MEAN: Final = np.array([103.53, 116.28, 123.675], np.float32)
DEVIATION: Final = np.array([57.375, 57.12, 58.395], np.float32)
"""Of the pictures it was trained on: blue, green, red."""


class RtmDet(OnnxDetector):
    """Boxes come finished out of the file; see ``OnnxDetector``."""

    def normalised(self, canvas: Image) -> NDArray[np.float32]:
        """See ``OnnxDetector.normalised``."""
        return (canvas.astype(np.float32) - MEAN) / DEVIATION
