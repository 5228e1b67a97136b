import pytest

torch = pytest.importorskip("torch")

from models.metrabs import plausibility  # noqa: E402


@pytest.fixture
def pose():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(16, 3, generator=generator) * 1000 + torch.tensor([0.0, 0.0, 3000.0])


def test_similarity_of_a_shifted_pose(pose):
    assert plausibility.similarity(pose, pose).item() == pytest.approx(1.0)
    moved = pose.clone()
    moved[:4] += torch.tensor([0.0, 150.0, 0.0])  # a quarter of the joints by half of 300 mm
    # Both are brought to one size first, which moves the joints by a percent of the distance: 0.1 at most.
    assert plausibility.similarity(pose, moved).item() == pytest.approx(0.5, abs=0.1)
    assert plausibility.similarity(pose, moved, "smallest").item() > 0.9


def test_the_surest_of_two_stays(pose):
    other = pose + torch.tensor([900.0, 0.0, 0.0])
    poses = torch.stack([pose, other, pose + 1.0])
    everybody = torch.ones(3, dtype=torch.bool)
    assert plausibility.distinct(poses, torch.tensor([0.5, 0.6, 0.7]), everybody).tolist() == [1, 2]
    assert plausibility.distinct(poses, torch.tensor([0.7, 0.6, 0.5]), everybody).tolist() == [0, 1]
    without = torch.tensor([True, True, False])
    assert plausibility.distinct(poses, torch.tensor([0.5, 0.6, 0.7]), without).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("usual", "length", "fine"),
    [
        (400.0, 400.0, True),
        (400.0, 1190.0, True),
        (400.0, 1210.0, False),
        (340.0, 33.0, False),
        (340.0, 45.0, True),
        (100.0, 390.0, True),
        (320.0, 25.0, True),
    ],
)
def test_bones_are_wrong_in_proportion_and_by_300_mm(usual, length, fine):
    poses = torch.tensor([[[0.0, 0.0, 3000.0], [length, 0.0, 3000.0]]])
    edges = torch.tensor([[0, 1]])
    assert plausibility.bones_plausible(poses, edges, torch.tensor([usual])).tolist() == [fine]


def test_variants_that_disagree():
    generator = torch.Generator().manual_seed(0)
    base = torch.rand(2, 1, 8, 3, generator=generator) * 500 + torch.tensor([0.0, 0.0, 4000.0])
    noise = torch.randn(2, 5, 8, 3, generator=generator)
    # 20 mm along each axis is 35 mm in all, 600 mm more than a metre; the limit is 200 mm.
    poses = base + noise * torch.tensor([20.0, 600.0])[:, None, None, None]
    assert plausibility.variants_agree(poses).tolist() == [True, False]


def test_boxes_far_larger_than_the_pose():
    points = torch.tensor([[[10.0, 10.0], [30.0, 50.0], [torch.nan, torch.nan]]]).repeat(3, 1, 1)
    boxes = torch.tensor([[10.0, 10.0, 20.0, 40.0], [10.0, 10.0, 39.0, 40.0], [10.0, 10.0, 41.0, 40.0]])
    assert plausibility.fills_box(points, boxes).tolist() == [True, True, False]
