import pytest

torch = pytest.importorskip("torch")

from models.metrabs.heads import HeatmapScale, MetrabsHeads, expected_points  # noqa: E402


def test_a_single_hot_cell_is_where_it_is():
    logits = torch.full((1, 1, 3, 5, 9), -100.0)
    logits[0, 0, 2, 1, 6] = 100.0
    points, peak = expected_points(logits)
    torch.testing.assert_close(points[0, 0], torch.tensor([6 / 8, 1 / 4, 2 / 2]))
    assert peak.item() == pytest.approx(1.0)


def test_no_idea_is_the_middle_and_says_so():
    points, peak = expected_points(torch.zeros(2, 3, 4, 8))
    torch.testing.assert_close(points, torch.full((2, 3, 2), 0.5))
    torch.testing.assert_close(peak, torch.full((2, 3), 1 / 32))


def test_an_axis_with_one_cell_is_the_middle():
    assert expected_points(torch.zeros(1, 1, 1, 1))[0].tolist() == [[[0.5, 0.5]]]


def test_half_precision_is_read_in_full():
    logits = torch.zeros(1, 1, 64, 64, dtype=torch.float16)
    points, _ = expected_points(logits)
    assert points.dtype == torch.float32
    torch.testing.assert_close(points, torch.full((1, 1, 2), 0.5))


@pytest.mark.parametrize(
    ("side", "centered", "legacy", "first", "last"),
    [
        (256, True, False, 16, 240),
        (256, False, True, 16, 240),
        (256, False, False, 0, 224),
        (384, True, False, 16, 368),
    ],
)
def test_cells_have_known_pixels(side, centered, legacy, first, last):
    scale = HeatmapScale(side, 32, 2200.0, centered, legacy)
    corners = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    assert scale.to_pixels(corners).tolist() == [[first] * 2, [last] * 2]
    expected = torch.tensor([[first * 2200 / side] * 2 + [0.0], [last * 2200 / side] * 2 + [2200.0]])
    torch.testing.assert_close(scale.to_millimetres(corners), expected)


def test_channels_are_flat_maps_first_then_slices():
    joints, depth = 2, 3
    heads = MetrabsHeads(joints, depth, inputs=1)
    logits = torch.full((1, joints * (1 + depth), 4, 4), -50.0)
    logits[0, 1, 3, 0] = 50.0  # flat map of joint 1
    logits[0, joints + 2 * joints + 1, 0, 3] = 50.0  # slice 2 of joint 1
    reading = heads.read(logits, HeatmapScale(128, 32, 1000.0, centered_stride=False))
    torch.testing.assert_close(reading.pixels[0, 1], torch.tensor([0.0, 96.0]))
    torch.testing.assert_close(reading.metric[0, 1], torch.tensor([750.0, 0.0, 1000.0]))
