"""OpenVINO on 8-bit pictures against torch on normalised ones."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'learned' is not installed")
if find_spec("openvino") is None:
    pytest.skip("the extra 'openvino' is not installed", allow_module_level=True)

from models.backbones.studio_lite import StudioLite  # noqa: E402
from models.checkpoints.opening import open_network  # noqa: E402
from models.keypoints.studio_lite.readers import OpenVinoReader, TorchReader  # noqa: E402
from models.runtimes.openvino_pictures import OpenVinoPictures  # noqa: E402
from models.simulation.studio import Studio, StudioConfig  # noqa: E402


@pytest.fixture(scope="module")
def pictures():
    """(3, 96, 96, 3) of somebody, as the network of the program sees people."""
    studio = Studio(StudioConfig(cameras=3, size=(128, 96)))
    return np.stack([studio.render(camera, 1.0)[:, 16:112] for camera in studio.rig.names])


def test_both_runtimes_read_the_same(pictures) -> None:
    network = open_network("studio_lite", "studio_lite", {}).network.eval()
    expected_points, expected_scores, expected_trust = TorchReader(network, "cpu")(pictures)
    reader = OpenVinoReader(network, threads=1)
    for count in (3, 1):  # two shapes, compiled separately
        points, scores, trust = reader(pictures[:count])
        # Heatmaps agree to 2e-5 of their range, some 20 (see the tests of OpenVinoModule): 4e-4 of each
        # probability, which moves a mean over five cells of 4 px by less than 4e-4 * 2 * 4 px.
        assert np.abs(scores - expected_scores[:count]).max() < 4e-4
        sure = expected_scores[:count] > 0.3  # of two windows as likely as each other either may be taken
        assert sure.sum() > 10 * count
        assert np.abs(points - expected_points[:count])[sure].max() < 4e-3
        # Features agree to 2e-5 of their range as well, and go through two small layers.
        assert np.abs(trust - expected_trust[:count]).max() < 2e-3
        assert np.ptp(trust) > 0.2


def test_heatmaps_speak_for_a_network_without_confidences(pictures) -> None:
    network = StudioLite(alg_confidences=False).eval()
    for reader in (TorchReader(network, "cpu"), OpenVinoReader(network, threads=1)):
        found = reader(pictures)
        assert (found.confidences == found.scores).all()


def test_channels_are_not_mixed_up() -> None:
    """Each channel is normalised by its own numbers, in the order in which it comes."""

    class Means(torch.nn.Module):
        def forward(self, images):
            return (images.mean(dim=(2, 3)),)

    from models.crops.network_input import normalised

    plain = np.zeros((2, 32, 32, 3), np.uint8)
    plain[0], plain[1] = (10, 100, 200), (250, 5, 60)
    (found,) = OpenVinoPictures(Means(), threads=1)(plain)
    expected = normalised(torch.from_numpy(plain)).mean(dim=(2, 3)).numpy()
    # float32 sums of 1024 numbers of about 2
    assert np.abs(found - expected).max() < 2e-5
