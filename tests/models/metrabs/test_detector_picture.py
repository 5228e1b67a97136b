import pytest

torch = pytest.importorskip("torch")

from models.metrabs.detector_picture import detector_picture  # noqa: E402


def test_sizes_padding_and_the_way_back():
    picture = torch.full((3, 480, 640), 255, dtype=torch.uint8)
    ready = detector_picture(picture)
    assert ready.pixels.shape == (3, 320, 416)  # 416 x 312, four rows of grey above and below
    assert ready.before == (0, 4)
    torch.testing.assert_close(ready.pixels[:, 3], torch.full((3, 416), 0.5))
    torch.testing.assert_close(ready.pixels[:, 4:316], torch.ones(3, 312, 416), atol=1e-5, rtol=0.0)
    whole = ready.boxes(torch.tensor([[0.0, 4.0, 416.0, 316.0]]), torch.tensor([0.5]))
    torch.testing.assert_close(whole, torch.tensor([[0.0, 0.0, 640.0, 480.0, 0.5]]))


def test_mixtures_are_of_light():
    stripes = torch.zeros(3, 832, 832, dtype=torch.uint8)
    stripes[:, :, ::2] = 255
    middle = detector_picture(stripes).pixels[:, 100:300, 100:300]
    # Half of the light is stored as 0.5 to the power of 1 / 2.2 = 0.73, not as 0.5.
    torch.testing.assert_close(middle, torch.full_like(middle, 0.5 ** (1 / 2.2)), atol=2e-3, rtol=0.0)


def test_small_pictures_grow():
    assert detector_picture(torch.zeros(3, 30, 20, dtype=torch.uint8), 64).pixels.shape == (3, 64, 64)
