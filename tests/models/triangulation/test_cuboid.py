"""The cube of voxels: positions, folding into projections, nearest voxels."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from configs.errors import BadInputError  # noqa: E402
from models.triangulation.cuboid import (  # noqa: E402
    Cuboid,
    pelvis,
    rotation_about,
    unit_grid,
    vertical_rotation,
)

CENTRES = torch.tensor([[120.0, -3400.0, 950.0], [0.0, 10.0, 800.0]], dtype=torch.float64)


def turned(size: int = 6, *, transfer: bool = False) -> Cuboid:
    rotation = vertical_rotation("mpii", torch.tensor([0.4, -2.0], dtype=torch.float64))
    return Cuboid.around(CENTRES, 2500.0, size, rotation=rotation, transfer=transfer)


def test_corners_and_middle_of_an_upright_cube() -> None:
    points = Cuboid.around(CENTRES, 2000.0, 5).coordinates()
    assert points.shape == (2, 5, 5, 5, 3)
    torch.testing.assert_close(points[:, 0, 0, 0], CENTRES - 1000.0)
    torch.testing.assert_close(points[:, 2, 2, 2], CENTRES)
    torch.testing.assert_close(
        points[0, 4, 0, 1] - points[0, 0, 0, 0], torch.tensor([2000.0, 0, 500]).double()
    )


def test_rotations_turn_counter_clockwise_about_their_axis() -> None:
    axis = torch.tensor([0.0, 0.0, 2.0], dtype=torch.float64)
    quarter = rotation_about(axis, torch.tensor([math.pi / 2, 0.0], dtype=torch.float64))
    torch.testing.assert_close(
        quarter[0] @ torch.tensor([1.0, 0, 0]).double(), torch.tensor([0.0, 1, 0]).double()
    )
    torch.testing.assert_close(quarter[1], torch.eye(3, dtype=torch.float64))
    skew = rotation_about(torch.tensor([1.0, -2.0, 0.5]).double(), torch.tensor([1.3]).double())[0]
    torch.testing.assert_close(skew @ skew.T, torch.eye(3, dtype=torch.float64))
    assert float(torch.linalg.det(skew)) == pytest.approx(1.0)


def test_transfer_lays_the_second_axis_along_the_vertical() -> None:
    plain = Cuboid.around(CENTRES, 2500.0, 5).coordinates()
    moved = Cuboid.around(CENTRES, 2500.0, 5, transfer=True).coordinates()
    for i, j, k in ((0, 0, 0), (1, 2, 3), (4, 0, 2)):
        torch.testing.assert_close(moved[:, i, j, k], plain[:, i, k, 4 - j])


def test_folding_into_projections_keeps_the_pixels() -> None:
    generator = torch.Generator().manual_seed(1)
    projections = torch.randn(2, 3, 3, 4, generator=generator, dtype=torch.float64)
    cuboid = turned()
    folded = cuboid.into_projections(projections)
    grid = unit_grid(cuboid.size, torch.device("cpu")).double()
    ours = folded[..., :3] @ grid.T + folded[..., 3:]
    world = cuboid.coordinates().flatten(1, 3)
    direct = projections[..., :3] @ world[:, None].transpose(2, 3) + projections[..., 3:]
    # The shared grid is float32: 3e-8 of a cube of 2500 mm, times projections of order 1.
    torch.testing.assert_close(ours, direct, rtol=0, atol=1e-3)


@pytest.mark.parametrize("transfer", [False, True])
def test_voxels_and_world_are_inverse(transfer: bool) -> None:
    cuboid = turned(transfer=transfer)
    voxels = torch.rand(2, 9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) * 5
    torch.testing.assert_close(cuboid.to_voxels(cuboid.to_world(voxels)), voxels)
    index = torch.tensor([[[1.0, 4.0, 2.0]], [[0.0, 5.0, 3.0]]], dtype=torch.float64)
    points = cuboid.coordinates()
    expected = torch.stack([points[0, 1, 4, 2], points[1, 0, 5, 3]])[:, None]
    torch.testing.assert_close(cuboid.to_world(index), expected, rtol=0, atol=1e-3)


def test_the_nearest_voxel_is_the_one_a_search_finds() -> None:
    cuboid = turned(7, transfer=True)
    generator = torch.Generator().manual_seed(3)
    points = CENTRES[:, None] + (torch.rand(2, 200, 3, generator=generator, dtype=torch.float64) - 0.5) * 4000
    search = torch.cdist(points, cuboid.coordinates().flatten(1, 3)).argmin(dim=2)
    assert torch.equal(cuboid.nearest_voxel(points), search)


def test_half_way_the_first_voxel_wins() -> None:
    cuboid = Cuboid.around(torch.zeros(1, 3), 4.0, 5)
    assert int(cuboid.nearest_voxel(torch.tensor([[[0.5, -1.5, 1.0]]]))) == (2 * 5 + 0) * 5 + 3


def test_the_coarse_grid_takes_every_fourth_voxel() -> None:
    fine = turned(16, transfer=True)
    torch.testing.assert_close(
        fine.coarse(4).coordinates(), fine.coordinates()[:, ::4, ::4, ::4], rtol=0, atol=1e-3
    )
    with pytest.raises(BadInputError, match="multiple of 5 voxels"):
        fine.coarse(5)


def test_the_pelvis_by_kind() -> None:
    joints = torch.arange(17.0)[None, :, None].expand(1, 17, 3)
    assert float(pelvis(joints, "mpii")[0, 0]) == 6
    assert float(pelvis(joints, "coco")[0, 0]) == 11.5


def test_the_unit_grid_is_made_once() -> None:
    with torch.inference_mode():
        first = unit_grid(9, torch.device("cpu"))
    assert unit_grid(9, torch.device("cpu")) is first
    assert not first.is_inference()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(3), 1.0, 4, None), r"\(B, 3\)"),
        ((torch.zeros(1, 3), 1.0, 1, None), "at least two voxels"),
        ((torch.zeros(2, 3), 1.0, 4, torch.eye(3)[None]), "one per centre"),
    ],
)
def test_wrong_input(arguments: tuple[object, ...], message: str) -> None:
    *rest, rotation = arguments
    with pytest.raises(BadInputError, match=message):
        Cuboid.around(*rest, rotation=rotation)
