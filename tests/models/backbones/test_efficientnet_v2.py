import pytest

torch = pytest.importorskip("torch")

from models.backbones.efficientnet_v2 import ShiftedConv, efficientnet_v2  # noqa: E402


@pytest.mark.parametrize(
    ("size", "parameters", "entries"),
    [("s", 20_177_488, 780), ("m", 52_858_356, 1118), ("l", 117_234_272, 1546)],
)
@pytest.mark.parametrize("centered", [True, False])
def test_sizes_are_the_published_ones(size, parameters, entries, centered):
    with torch.device("meta"):
        network = efficientnet_v2(size, centered_stride=centered)
    assert sum(each.numel() for each in network.parameters()) == parameters
    assert len(network.state_dict()) == entries


def test_unknown_size():
    with pytest.raises(ValueError, match="s, m, l"):
        efficientnet_v2("xl", centered_stride=True)


def test_shifted_convolutions_look_at_odd_pixels():
    convolution = ShiftedConv(1, 1, 3, 2, bias=False)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.weight[0, 0, 1, 1] = 1.0
    image = torch.arange(64.0).reshape(1, 1, 8, 8)
    torch.testing.assert_close(convolution(image), image[:, :, 1::2, 1::2])


def test_pictures_become_features_and_training_drops_branches():
    torch.manual_seed(0)
    network = efficientnet_v2("s", centered_stride=True)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        network.eval()
        features = network(images)
        assert features.shape == (2, 1280, 2, 2)
        torch.testing.assert_close(network(images), features)
        network.train()
        assert not torch.allclose(network(images), network(images))
