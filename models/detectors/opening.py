"""Person detectors by name."""

from __future__ import annotations

from typing import Literal

from configs.errors import bad_input
from models.detectors.base import PersonDetector
from models.detectors.registry import DETECTORS
from models.zoo.networks import network_file
from models.zoo.store import ModelStore, default_store


def open_detector(
    name: str,
    *,
    family: str | None = None,
    size: tuple[int, int] | None = None,
    device: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto",
    threads: int | None = None,
    store: ModelStore | None = None,
) -> PersonDetector:
    """A detector of the zoo, or one in a file of one's own.

    Args:
        name: Such as ``rtmdet-nano``, or the path of an ``.onnx`` file.
        family: ``rtmdet`` or ``yolox``; needed for a file only.
        size: Width and height of its input, where the file takes any.
        device: See ``models.runtimes.onnx_network.OnnxNetwork``.
        threads: See there.
        store: Fetched models; the user's own by default.

    Raises:
        BadInputError: Unknown, not fetched yet, wrong bytes, no such network, or the device is not to be had.
        MissingExtraError: ONNX Runtime is not installed.
    """
    file = network_file(name, tuple(DETECTORS), "detector", store or default_store())
    if not file.family and family is None:
        raise bad_input(
            "a file does not say how its network is used",
            key="detector_family",
            allowed=", ".join(DETECTORS),
        )
    detector_class = DETECTORS.load(file.family or str(family))
    detector: PersonDetector = detector_class(
        file.path,
        size or file.input,
        device=device,
        threads=threads,
        name=file.name,
        hashes={file.path.name: file.sha256},
    )
    return detector
