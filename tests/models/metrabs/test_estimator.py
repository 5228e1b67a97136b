"""The whole way, with a network whose answers can be checked: it finds coloured dots."""

import logging

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import cv2  # noqa: E402

from configs.errors import BadInputError  # noqa: E402
from models.metrabs.absolute import normalised_points, on_rays  # noqa: E402
from models.metrabs.crop_model import MetrabsConfig, MetrabsCropModel  # noqa: E402
from models.metrabs.estimator import PoseEstimator  # noqa: E402
from models.metrabs.first_release import Combined, MultiPerson  # noqa: E402
from models.metrabs.heads import HeatmapReading  # noqa: E402
from models.metrabs.joint_layout import JointLayout, JointSelection, mirrored  # noqa: E402
from models.metrabs.multi_person import EstimationSettings  # noqa: E402
from models.metrabs.picture_camera import UNKNOWN  # noqa: E402

DEPTH = 3000.0
K = np.array([[620.0, 0.0, 322.0], [0.0, 630.0, 236.0], [0.0, 0.0, 1.0]])
LENS = np.array([-0.1, 0.02, 0.001, -0.001, 0.0])
DOTS = np.array(
    [[[200.0, 150.0], [240.0, 210.0], [190.0, 300.0]], [[410.0, 180.0], [450.0, 260.0], [400.0, 330.0]]]
)
BOXES = np.array([[160.0, 120.0, 120.0, 220.0], [370.0, 150.0, 120.0, 220.0]])

TIGHT = np.array([[176.0, 136.0, 78.0, 178.0], [386.0, 166.0, 78.0, 178.0]])
SHIFT = np.array([1.0, 1.0, 0.0, 0.0])
SCORES = np.array([[0.9], [0.8], [0.7]])


class DotFinder(MetrabsCropModel):
    """Joint j is the centre of what is bright in colour j, 3 m along the line of sight."""

    def __init__(self):
        super().__init__(MetrabsConfig(proc_side=128, points=3, mix_3d_inside_fov=None))
        self.batches = []

    def read(self, images):
        self.batches.append(len(images))
        light = images.clamp_min(0.0) ** 4
        place = torch.arange(128.0)
        total = light.sum(dim=(2, 3))
        x = (light * place).sum(dim=(2, 3)) / total
        y = (light * place[:, None]).sum(dim=(2, 3)) / total
        pixels = torch.stack([x, y], dim=-1)
        return HeatmapReading(pixels, torch.zeros(*pixels.shape[:2], 3), total / total.max())

    def absolute(self, reading, intrinsics):
        points = normalised_points(reading.pixels, intrinsics)
        return on_rays(points, torch.full_like(points[..., :1], DEPTH))


def picture(dots=DOTS):
    """(480, 640, 3) black with one soft dot per joint and colour; its centre is known to 0.01 px."""
    light = np.zeros((480, 640, 3))
    columns, rows = np.meshgrid(np.arange(640.0), np.arange(480.0))
    for person in dots:
        for colour, (x, y) in enumerate(person):
            light[..., colour] += np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 4.0**2))
    return np.rint(255 * np.clip(light, 0, 1) ** (1 / 2.2)).astype(np.uint8)


@pytest.fixture(scope="module")
def finder():
    torch.set_num_threads(1)
    return DotFinder()


@pytest.fixture
def estimator(finder):
    finder.batches.clear()
    return PoseEstimator(finder, JointLayout(("a", "b", "c"), ((0, 1), (1, 2))))


def extrinsics():
    place = np.eye(4)
    place[:3, :3] = cv2.Rodrigues(np.array([0.2, -0.4, 0.1]))[0]
    place[:3, 3] = (300.0, -200.0, 900.0)
    return place


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("antialias", [1, 2, 3])
def test_dots_are_found_where_they_are(estimator, count, antialias):
    poses3d, poses2d = estimator.estimate_poses(
        picture(),
        BOXES,
        K,
        LENS,
        extrinsics(),
        num_aug=count,
        antialias_factor=antialias,
    )
    assert isinstance(poses3d, np.ndarray) and poses3d.shape == (2, 3, 3)
    # A dot of 4 px, cut into pixels of about 2 px, weighed by a power of its light.
    np.testing.assert_allclose(poses2d, DOTS, atol=0.4)
    world_to_camera = extrinsics()
    vector = cv2.Rodrigues(world_to_camera[:3, :3])[0]
    for pose, dots in zip(poses3d, DOTS, strict=True):
        seen = cv2.projectPoints(pose, vector, world_to_camera[:3, 3], K, LENS)[0][:, 0]
        np.testing.assert_allclose(seen, dots, atol=0.4)
    # 3 m along the line of sight of a box whose middle is the joints' middle, give or take the box's size.
    camera = poses3d @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]
    assert np.abs(np.linalg.norm(camera, axis=-1) - DEPTH).max() < 0.05 * DEPTH


def test_torch_gives_the_same_as_numpy(estimator):
    image = picture()
    ours = estimator.estimate_poses(image, BOXES, K, LENS, num_aug=2)
    tensor = estimator.estimate_poses(
        torch.from_numpy(image).permute(2, 0, 1),
        torch.from_numpy(BOXES),
        torch.from_numpy(K),
        LENS,
        num_aug=2,
    )
    assert isinstance(tensor.poses3d, torch.Tensor)
    np.testing.assert_array_equal(tensor.poses3d.numpy(), ours.poses3d)
    np.testing.assert_array_equal(tensor.poses2d.numpy(), ours.poses2d)


def test_ragged_pictures_and_boxes(estimator):
    images = [picture(), picture()[:, :500], picture()[:400]]
    boxes = [BOXES, [], BOXES[:1].tolist()]
    found = estimator.estimate_poses_batched(images, boxes, K, LENS, num_aug=2, internal_batch_size=4)
    assert [people.poses3d.shape for people in found] == [(2, 3, 3), (0, 3, 3), (1, 3, 3)]
    assert [people.poses2d.shape for people in found] == [(2, 3, 2), (0, 3, 2), (1, 3, 2)]
    # Two people of two variants at a time, across pictures.
    assert estimator.crop_model.batches == [4, 2]
    np.testing.assert_allclose(found[0].poses2d[0], found[2].poses2d[0], atol=1e-3)


@pytest.mark.parametrize("together", [0, 1, 3, 64])
def test_batches_do_not_matter(estimator, together):
    expected = estimator.estimate_poses(picture(), BOXES, K, LENS, num_aug=3)
    got = estimator.estimate_poses(picture(), BOXES, K, LENS, num_aug=3, internal_batch_size=together)
    np.testing.assert_allclose(got.poses3d, expected.poses3d, atol=1e-2)


def test_intrinsics_for_each_picture_or_none(estimator):
    images = [picture(), picture()]
    both = np.stack([K, UNKNOWN])
    found = estimator.estimate_poses_batched(images, [BOXES, BOXES], both, num_aug=1, default_fov_degrees=60)
    focal = 640 / (2 * np.tan(np.radians(30)))
    assumed = np.array([[focal, 0, 320], [0, focal, 240], [0, 0, 1.0]])
    for people, matrix in zip(found, (K, assumed), strict=True):
        flat = people.poses3d @ matrix.T
        np.testing.assert_allclose(flat[..., :2] / flat[..., 2:], DOTS, atol=0.4)


def test_variants_can_be_kept(estimator):
    poses3d, poses2d = estimator.estimate_poses(picture(), BOXES, K, LENS, num_aug=4, average_aug=False)
    assert poses3d.shape == (2, 4, 3, 3)
    mean = estimator.estimate_poses(picture(), BOXES, K, LENS, num_aug=4)
    np.testing.assert_allclose(poses3d.mean(axis=1), mean.poses3d, atol=1e-2)
    np.testing.assert_allclose(poses2d, np.repeat(DOTS[:, None], 4, axis=1), atol=0.6)


def test_skeletons_transforms_and_mirrors():
    names = ("lwri", "rwri", "pelv")
    transform = torch.tensor([[1.0, 0.0, 0.0, 0.5], [0.0, 1.0, 0.0, 0.5], [0.0, 0.0, 1.0, 0.0]])
    every = JointSelection((0, 1, 2, 3), (*names, "between"), ())
    layout = JointLayout(names, (), transform, {"": every, "few": JointSelection((3, 0), ("m", "l"), ())})
    estimator = PoseEstimator(DotFinder(), layout)
    assert estimator.per_skeleton_joint_names["few"] == ("m", "l")
    raw = estimator.estimate_poses(
        picture(), BOXES, K, LENS, num_aug=2, average_aug=False, skeleton="few"
    ).poses2d
    # A mirrored crop is another person to a network: what it calls left is right.
    np.testing.assert_allclose(raw[:, 1, 1], DOTS[:, 0], atol=0.6)
    np.testing.assert_allclose(raw[:, 0, 1], DOTS[:, 1], atol=0.6)
    assert np.linalg.norm(raw[:, :, 0] - DOTS[:, None, :2].mean(axis=2), axis=-1).max() < 2.0


def test_mirrored_joints():
    assert mirrored(("pelv", "lhip", "rhip", "lear_coco", "rear_coco")) == (0, 2, 1, 4, 3)
    with pytest.raises(BadInputError, match="'rhip'"):
        mirrored(("lhip", "pelv"))


def test_upwards_turns_crops_but_not_people(estimator):
    level = estimator.estimate_poses(picture(), BOXES, K, LENS, num_aug=1)
    rolled = estimator.estimate_poses(picture(), BOXES, K, LENS, num_aug=1, world_up_vector=(0.5, -0.8, 0.0))
    np.testing.assert_allclose(rolled.poses2d, level.poses2d, atol=0.4)


class Detections:
    """A detector that always finds the same."""

    def __init__(self, boxes):
        self.boxes, self.asked = boxes, []

    def __call__(self, pictures, **arguments):
        self.asked.append(([each.shape for each in pictures], arguments))
        return [np.asarray(self.boxes, np.float32)[: len(self.boxes)] for _ in pictures]


def test_people_are_found_and_doubles_dropped(finder):
    # The second box is the first person again, seen a little less surely.
    found = np.concatenate([np.concatenate([TIGHT[:1], TIGHT[:1] + SHIFT, TIGHT[1:]]), SCORES], axis=1)
    detector = Detections(found)
    estimator = PoseEstimator(finder, JointLayout(("a", "b", "c")), detector=detector)
    boxes, poses3d, poses2d = estimator.detect_poses(
        picture(), K, LENS, num_aug=2, detector_threshold=0.2, max_detections=7
    )
    assert detector.asked == [
        (
            [(480, 640, 3)],
            {"threshold": 0.2, "nms_iou_threshold": 0.7, "max_detections": 7, "flip_aug": False},
        )
    ]
    np.testing.assert_array_equal(boxes, found[[0, 2]].astype(np.float32))
    np.testing.assert_allclose(poses2d, DOTS, atol=0.4)
    assert poses3d.shape == (2, 3, 3)
    everything = estimator.detect_poses(picture(), K, LENS, num_aug=2, suppress_implausible_poses=False)
    assert len(everything.boxes) == 3


def test_given_boxes_can_be_filtered_too(estimator):
    wide = np.array([[100.0, 60.0, 240.0, 400.0]])
    boxes = np.concatenate([TIGHT[:1], TIGHT[:1] + SHIFT, TIGHT[1:], wide])
    settings = EstimationSettings(num_aug=2, suppress_implausible_poses=True)
    people = estimator.people([picture()], [boxes], settings, K, LENS)[0]
    assert people.kept.tolist() == [0, 2]  # the second is a double, the last far larger than the pose in it
    assert people.boxes.shape == (2, 4)
    assert people.in_front.all()
    assert people.confidence.shape == people.spread_mm.shape == (2, 3)
    assert (people.spread_mm < 0.05 * DEPTH).all()


def test_one_straight_variant_leaves_the_crop_alone(estimator):
    settings = EstimationSettings(num_aug=1, straight=True)
    people = estimator.people([picture()], [BOXES], settings, K, LENS)[0]
    np.testing.assert_allclose(people.poses2d.numpy(), DOTS, atol=0.4)
    assert people.spread_mm.isnan().all()
    with pytest.raises(BadInputError, match="single variant"):
        EstimationSettings(num_aug=2, straight=True)


def test_verbs_of_the_first_release(finder):
    detector = Detections(np.concatenate([TIGHT, SCORES[:2]], axis=1))
    estimator = PoseEstimator(finder, JointLayout(("a", "b", "c")), detector=detector)
    given = MultiPerson(estimator)
    alone = given.predict_single_image(picture(), K, TIGHT, n_aug=2)
    np.testing.assert_array_equal(alone, estimator.estimate_poses(picture(), TIGHT, K, num_aug=2).poses3d)
    several = given.predict_multi_image([picture()] * 2, K[None], [TIGHT, TIGHT[:1]], n_aug=2)
    assert [len(poses) for poses in several] == [2, 1]
    boxes, poses3d, poses2d = Combined(estimator).predict_single_image(picture(), n_aug=1)
    assert boxes.shape == (2, 5)
    focal = 640 / (2 * np.tan(np.radians(25)))
    flat = poses3d @ np.array([[focal, 0, 320], [0, focal, 240], [0, 0, 1.0]]).T
    np.testing.assert_allclose(flat[..., :2] / flat[..., 2:], poses2d, atol=1e-2)
    known = Combined(estimator).predict_multi_image([picture()], K, n_aug=1)[0].poses3d @ K.T
    np.testing.assert_allclose(known[..., :2] / known[..., 2:], DOTS, atol=0.6)


def test_nobody_is_no_error(finder):
    estimator = PoseEstimator(finder, JointLayout(("a", "b", "c")), detector=Detections(np.zeros((0, 5))))
    boxes, poses3d, poses2d = estimator.detect_poses(picture())
    assert (boxes.shape, poses3d.shape, poses2d.shape) == ((0, 5), (0, 3, 3), (0, 3, 2))
    raw = estimator.detect_poses(picture(), average_aug=False, num_aug=2)
    assert raw.poses3d.shape == (0, 2, 3, 3)


def test_without_a_detector(estimator):
    with pytest.raises(BadInputError, match="no person detector"):
        estimator.detect_poses(picture())


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((10, 10, 3), np.float32), "holds float32"),
        (np.zeros((10, 10), np.uint8), r"shape \(10, 10\)"),
        (np.zeros((10, 10, 4), np.uint8), r"shape \(10, 10, 4\)"),
        (np.zeros((10, 10, 1), np.uint8), r"shape \(10, 10, 1\)"),
        (np.zeros((0, 10, 3), np.uint8), r"shape \(0, 10, 3\)"),
        (np.zeros((2, 10, 10, 3), np.uint8), r"shape \(2, 10, 10, 3\)"),
        (np.zeros((10, 10, 3), np.uint16), "holds uint16"),
        (np.zeros((10, 10, 3), bool), "holds bool"),
        ([[0, 1], [2, 3]], "not list"),
        ("picture.jpg", "not str"),
        (None, "not NoneType"),
    ],
)
def test_bad_pictures(estimator, image, words):
    with pytest.raises(BadInputError, match=words):
        estimator.estimate_poses(image, BOXES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"intrinsic_matrix": np.eye(4)}, r"\(4, 4\)"),
        ({"intrinsic_matrix": np.zeros((3, 3))}, "no intrinsic matrix"),
        ({"intrinsic_matrix": -K}, "no intrinsic matrix"),
        ({"intrinsic_matrix": K.T}, "no intrinsic matrix"),
        ({"intrinsic_matrix": np.stack([K, K])}, "shape"),
        ({"intrinsic_matrix": np.full((3, 3), np.nan)}, "not finite"),
        ({"intrinsic_matrix": np.full((3, 3), np.inf)}, "not finite"),
        ({"intrinsic_matrix": K * 2.0}, "no intrinsic matrix"),
        ({"intrinsic_matrix": K[:2]}, r"\(2, 3\)"),
        ({"intrinsic_matrix": "camera.yaml"}, "no array of numbers"),
        ({"distortion_coeffs": np.zeros(3)}, "has 3 numbers"),
        ({"distortion_coeffs": np.zeros(14)}, "has 14 numbers"),
        ({"extrinsic_matrix": np.eye(3)}, "no map of points"),
        ({"extrinsic_matrix": np.diag([1.0, 1.0, -1.0, 1.0])}, "rotation"),
        ({"extrinsic_matrix": np.diag([1.1, 1.1, 1.1, 1.0])}, "rotation"),
        ({"world_up_vector": (0.0, 0.0, 0.0)}, "no direction"),
        ({"default_fov_degrees": 190.0}, "field of view"),
        ({"num_aug": 0}, "num_aug"),
        ({"antialias_factor": 0}, "antialias_factor"),
        ({"internal_batch_size": -1}, "internal_batch_size"),
        ({"skeleton": "coco"}, "unknown skeleton"),
        ({"boxes": np.zeros((2, 4))}, "no size"),
        ({"boxes": np.ones((2, 3))}, "shape"),
        ({"boxes": [[1.0, 2.0, np.nan, 4.0]]}, "no size"),
        ({"boxes": "all"}, "no array"),
    ],
)
def test_bad_arguments(estimator, arguments, words):
    with pytest.raises(BadInputError, match=words):
        estimator.estimate_poses(picture(), **({"boxes": BOXES} | arguments))


def test_metres_are_noticed(estimator, caplog):
    place = np.eye(4)
    place[:3, 3] = (1.0, 2.0, 3.0)
    with caplog.at_level(logging.WARNING):
        estimator.estimate_poses(picture(), BOXES, K, LENS, place, num_aug=1)
    assert "metres" in caplog.text


def test_layouts_must_fit(finder):
    with pytest.raises(BadInputError, match="predicts 3 joints"):
        PoseEstimator(finder, JointLayout(("a", "b")))
    with pytest.raises(BadInputError, match="skeleton"):
        JointLayout(("a", "b"), (), None, {"far": JointSelection((5,), ("f",), ())})
    with pytest.raises(BadInputError, match="2 bone lengths for 1 bones"):
        PoseEstimator(finder, JointLayout(("a", "b", "c"), ((0, 1),)), mean_bone_lengths=torch.ones(2))
