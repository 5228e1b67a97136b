"""The landmark network with and without the outputs nobody asks for."""

from __future__ import annotations

import numpy as np
import pytest

from models.keypoints.blazepose.landmarks import OUTPUTS
from models.keypoints.blazepose.network import Network, load_network, without_unused_outputs
from models.zoo import ModelStore


def test_the_reduced_network_computes_the_same_bits(blazepose_store: ModelStore) -> None:
    content = blazepose_store.model_file("blazepose", "pose_landmark_full.tflite").read_bytes()
    whole, reduced = Network(content), Network(without_unused_outputs(content, OUTPUTS))
    picture = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    for network in (whole, reduced):
        network.feed(picture, scale=1 / 255, offset=0.0)
        network.run()
    for name in OUTPUTS:
        np.testing.assert_array_equal(reduced.output(name), whole.output(name))
    with pytest.raises(KeyError):
        reduced.output("Identity_2")


def test_an_output_that_is_not_there(blazepose_store: ModelStore) -> None:
    path = blazepose_store.model_file("blazepose", "pose_detection.tflite")
    with pytest.raises(ValueError, match="no output heat"):
        load_network(path, ["heat"])
