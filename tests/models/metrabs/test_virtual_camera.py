import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from calibration.camera import Camera  # noqa: E402
from models.metrabs.augmentation import GAMMA, spread_out, unchanged  # noqa: E402
from models.metrabs.crops import cut_crops  # noqa: E402
from models.metrabs.geometry import look_at  # noqa: E402
from models.metrabs.lens import distort, undistort  # noqa: E402
from models.metrabs.virtual_camera import straight_cameras, virtual_cameras  # noqa: E402

K = torch.tensor([[700.0, 0.0, 321.0], [0.0, 710.0, 238.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
LENS = torch.tensor([-0.2, 0.05, 0.001, -0.002, 0.01], dtype=torch.float64)
UP = torch.tensor([[0.05, -1.0, 0.1]], dtype=torch.float64)
BOX = torch.tensor([[60.0, 90.0, 130.0, 240.0]], dtype=torch.float64)


def rays_of(pixels):
    """(..., 2) px to (..., 3) directions with z = 1."""
    camera = Camera("c", (640, 480), "pinhole", K.numpy(), LENS.numpy(), np.eye(3), np.zeros(3))
    ideal = camera.undistort(pixels)
    homogeneous = np.concatenate([ideal, np.ones((*ideal.shape[:-1], 1))], axis=-1)
    return homogeneous @ np.linalg.inv(K.numpy()).T


@pytest.mark.parametrize("count", [4, 5, 8, 12])
def test_lens_is_that_of_opencv(count):
    generator = np.random.default_rng(3)
    points = generator.uniform(-0.4, 0.4, (50, 2))
    coefficients = generator.uniform(-0.05, 0.05, count)
    rays = np.concatenate([points, np.ones((50, 1))], axis=1)
    expected = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), np.eye(3), coefficients)[0][:, 0]
    got = distort(torch.from_numpy(points), torch.from_numpy(coefficients))
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)


def test_undistortion_comes_close_to_the_inverse():
    points = torch.rand(40, 2, dtype=torch.float64) * 0.6 - 0.3
    back = undistort(distort(points, LENS), LENS)
    # Five steps of an iteration that shrinks errors by about |k1| 3 r^2 = 0.1 each.
    torch.testing.assert_close(back, points, atol=2e-6, rtol=0.0)


def test_boxes_fill_the_crop_and_stand_in_its_middle():
    cameras = virtual_cameras(BOX, K[None], LENS[None], UP, unchanged(), 256)
    left, top, width, height = BOX[0].tolist()
    pixels = np.array(
        [
            [left + width / 2, top + height / 2],
            [left + width / 2, top],
            [left + width / 2, top + height],
            [left, top + height / 2],
            [left + width, top + height / 2],
        ]
    )
    rays = rays_of(pixels)
    seen = rays @ (cameras.intrinsics[0, 0] @ cameras.rotation[0, 0]).numpy().T
    seen = seen[:, :2] / seen[:, 2:]
    # The five-step undistortion is good for 0.01 px here.
    np.testing.assert_allclose(seen[0], [128.0, 128.0], atol=0.05)
    assert np.linalg.norm(seen[1] - seen[2]) == pytest.approx(256.0, abs=0.05)
    assert np.linalg.norm(seen[3] - seen[4]) < 256.0


def test_rotations_are_rotations_and_keep_up():
    rotation, _ = straight_cameras(BOX, K[None], LENS[None], UP, 256)
    torch.testing.assert_close(rotation[0] @ rotation[0].T, torch.eye(3, dtype=torch.float64))
    assert torch.linalg.det(rotation[0]).item() == pytest.approx(1.0)
    up = rotation[0] @ UP[0]
    assert up[0].item() == pytest.approx(0.0, abs=1e-12)
    assert up[1].item() < 0.0


@pytest.mark.parametrize("forward", [(0.0, 2.0, 0.0), (0.0, -1.0, 0.0), (0.0, -0.05, 1.0)])
def test_up_along_the_view_still_gives_a_rotation(forward):
    z = torch.tensor([forward], dtype=torch.float64)
    up = -z
    rotation = look_at(z, up)[0]
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(3, dtype=torch.float64))
    torch.testing.assert_close(rotation[2], z[0] / z[0].norm())


def test_variants_are_the_published_ones():
    five = spread_out(5)
    torch.testing.assert_close(five.gamma, torch.tensor([0.6, 0.7, 0.8, 0.9, 1.0], dtype=torch.float64))
    torch.testing.assert_close(five.scale, torch.tensor([0.8, 0.9, 1.0, 1.05, 1.1], dtype=torch.float64))
    assert five.mirrored.tolist() == [False, True, False, True, False]
    one = spread_out(1)
    assert (one.gamma.item(), one.scale.item(), one.mirrored.item()) == (0.8, 1.0, False)
    torch.testing.assert_close(one.rotation[0], torch.eye(3, dtype=torch.float64))
    assert torch.linalg.det(five.rotation).round().tolist() == [1.0, -1.0, 1.0, -1.0, 1.0]


def scene(rays):
    """Smooth light of three colours, by direction."""
    x, y = rays[..., 0] / rays[..., 2], rays[..., 1] / rays[..., 2]
    return np.stack(
        [0.5 + 0.4 * np.sin(9 * x + 2), 0.5 + 0.4 * np.cos(8 * y), 0.4 + 0.3 * np.sin(7 * (x + y))]
    )


def photograph():
    """(3, 480, 640) of the scene through the lens, stored with gamma."""
    columns, rows = np.meshgrid(np.arange(640.0), np.arange(480.0))
    rays = rays_of(np.stack([columns, rows], axis=-1))
    return torch.from_numpy(np.rint(scene(rays) ** (1 / GAMMA) * 255).astype(np.uint8))


@pytest.mark.parametrize("antialias", [1, 2, 3])
@pytest.mark.parametrize("side", [32, 256])
def test_crops_show_what_their_cameras_would_see(antialias, side):
    augmentation = spread_out(4)
    cameras = virtual_cameras(BOX, K[None], LENS[None], UP, augmentation, side)
    crops = cut_crops(photograph(), cameras, K, LENS, augmentation.gamma, side, antialias)
    columns, rows = np.meshgrid(np.arange(float(side)), np.arange(float(side)))
    pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    for variant in range(4):
        matrix = (cameras.intrinsics[0, variant] @ cameras.rotation[0, variant]).numpy()
        rays = pixels @ np.linalg.inv(matrix).T
        expected = scene(rays) ** (augmentation.gamma[variant].item() / GAMMA)
        inside = crops[0, variant].min(dim=0).values.numpy() > 0.05
        # Pixels at the border of the picture are partly black.
        inside = cv2.erode(inside.astype(np.uint8), np.ones((3, 3))).astype(bool)
        assert inside.mean() > 0.6
        error = np.abs(crops[0, variant].numpy() - expected)[:, inside]
        # One stored step of 1/255, pyramid pixels up to 10 px of the picture wide, black beside the picture.
        assert np.quantile(error, 0.98) < 0.012


def test_regions_do_not_change_crops():
    """A crop that reads a small part equals the same crop of a picture of which nothing was cut away."""
    picture = torch.randint(0, 256, (3, 211, 307), dtype=torch.uint8)
    augmentation = spread_out(3)
    boxes = torch.tensor([[40.0, 30.0, 20.0, 44.0], [-30.0, 5.0, 330.0, 190.0]], dtype=torch.float64)
    intrinsics, lens, up = K.expand(2, 3, 3), LENS.expand(2, 5), UP.expand(2, 3)
    cameras = virtual_cameras(boxes, intrinsics, lens, up, augmentation, 48)
    both = cut_crops(picture, cameras, K, LENS, augmentation.gamma, 48)
    small = virtual_cameras(boxes[:1], intrinsics[:1], lens[:1], up[:1], augmentation, 48)
    torch.testing.assert_close(
        cut_crops(picture, small, K, LENS, augmentation.gamma, 48)[0], both[0], atol=2e-4, rtol=0.0
    )


def test_boxes_beside_the_picture_are_black():
    box = torch.tensor([[5000.0, 100.0, 50.0, 80.0]], dtype=torch.float64)
    none = torch.zeros(5, dtype=torch.float64)
    cameras = virtual_cameras(box, K[None], none[None], UP, unchanged(), 32)
    crops = cut_crops(torch.full((3, 480, 640), 255, dtype=torch.uint8), cameras, K, none, torch.ones(1), 32)
    assert crops.abs().max().item() == 0.0
