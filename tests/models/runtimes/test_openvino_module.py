"""Networks that OpenVINO runs against the same networks in torch."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import pytest

torch = pytest.importorskip("torch", reason="the extra 'learned' is not installed")
if find_spec("openvino") is None:  # importing it here would let its telemetry in, which the module keeps out
    pytest.skip("the extra 'openvino' is not installed", allow_module_level=True)

from models.backbones.pose_resnet import PoseResNet  # noqa: E402
from models.backbones.studio_lite import StudioLite  # noqa: E402
from models.runtimes.fast_parts import openvino_backbone, openvino_volume_net  # noqa: E402
from models.runtimes.openvino_module import OpenVinoModule  # noqa: E402
from models.triangulation.v2v import V2VModel  # noqa: E402

RELATIVE = 2e-5
"""Another order of float32 sums over some thousand terms (2304 in a 3x3 convolution of 256 channels), layer
by layer: 1e-7 * sqrt(2304) = 5e-6 each, a few of which add up."""


def randomised(network: torch.nn.Module) -> torch.nn.Module:
    """Weights that keep activations near one, and batch statistics that are not the identity."""
    generator = torch.Generator().manual_seed(3)
    for name, value in network.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            value.copy_(torch.randn(value.shape, generator=generator) * 0.1)
        elif name.endswith("running_var"):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
        elif value.dim() > 1:
            fan = value[0].numel()
            value.copy_(torch.randn(value.shape, generator=generator) * (2.0 / fan) ** 0.5)
    return network.eval()


CONFIDENCE = 2e-4
"""Of a sigmoid whose argument is a few tens with random weights: a quarter of RELATIVE of that."""


def agree(ours: torch.Tensor, theirs: torch.Tensor, limit: float = RELATIVE) -> None:
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) < limit * float(theirs.abs().max())


@pytest.mark.parametrize(("alg", "vol"), [(True, False), (False, True), (False, False)])
def test_backbone(alg: bool, vol: bool) -> None:
    network = randomised(PoseResNet(18, alg_confidences=alg, vol_confidences=vol))
    assert isinstance(network, PoseResNet)
    fast = openvino_backbone(network, threads=1)
    with torch.no_grad():
        for views in (2, 3):  # two shapes, compiled separately
            images = torch.randn(views, 3, 128, 128)
            expected, found = network(images), fast(images)
            agree(found.heatmaps, expected.heatmaps)
            agree(found.features, expected.features)
            assert (found.alg_confidences is None) == (not alg)
            assert (found.vol_confidences is None) == (not vol)
            if alg:
                agree(found.alg_confidences, expected.alg_confidences, CONFIDENCE)
            if vol:
                agree(found.vol_confidences, expected.vol_confidences, CONFIDENCE)


def test_it_is_translated_once_for_all_numbers_of_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    translated = []
    monkeypatch.setattr(OpenVinoModule, "_translated", spied(OpenVinoModule._translated, translated))
    network = randomised(StudioLite(5))
    assert isinstance(network, StudioLite)
    fast = openvino_backbone(network, threads=1)
    with torch.no_grad():
        for shape in ((1, 3, 64, 64), (4, 3, 64, 64), (3, 3, 96, 96)):
            images = torch.randn(shape)
            expected, found = network(images), fast(images)
            agree(found.heatmaps, expected.heatmaps)
            agree(found.alg_confidences, expected.alg_confidences, CONFIDENCE)
    assert translated == [(3, 64, 64), (3, 96, 96)]


def spied(method: Callable[..., object], calls: list[object]) -> Callable[..., object]:
    """The method, which notes what it is called with."""

    def noted(self: object, argument: object) -> object:
        calls.append(argument)
        return method(self, argument)

    return noted


def test_results_are_kept_when_the_next_call_comes() -> None:
    network = randomised(PoseResNet(18))
    assert isinstance(network, PoseResNet)
    fast = openvino_backbone(network, threads=1)
    with torch.no_grad():
        first = fast(torch.zeros(1, 3, 128, 128)).heatmaps
        before = first.clone()
        fast(torch.ones(1, 3, 128, 128))
    assert torch.equal(first, before)


def test_volume_net() -> None:
    network = randomised(V2VModel(32, 17))
    fast = openvino_volume_net(network, threads=1)
    volume = torch.randn(1, 32, 32, 32, 32)
    with torch.no_grad():
        agree(fast(volume), network(volume))


def test_no_gradients() -> None:
    fast = openvino_volume_net(randomised(V2VModel(32, 17)), threads=1)
    with pytest.raises(RuntimeError, match="no gradients"):
        fast(torch.zeros(1, 32, 32, 32, 32, requires_grad=True))
