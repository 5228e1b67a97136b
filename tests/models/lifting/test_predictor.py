"""The predictor gives back the poses its network has learnt, from the pixels of any camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor, nn

from calibration.camera import Camera
from configs.errors import BadInputError
from models.checkpoints.writing import ModelCard, write_checkpoint
from models.detections import Detections
from models.lifting.gridconv import GridConv, GridConvConfig
from models.lifting.keypoint_order import TARGET, to_human36m
from models.lifting.predictor import LiftingConfig, LiftingPredictor
from models.lifting.simple_baseline import SimpleBaseline, SimpleBaselineConfig
from models.lifting.statistics import WITHOUT_NOSE, PoseStatistics
from models.lifting.virtual_camera import CENTRE_PX, FOCAL_PX, place, to_virtual
from models.simulation.studio import Studio, StudioConfig
from models.skeletons import SKELETONS, get_skeleton

POSES = 12
TURN = Rotation.from_euler("xyz", [95.0, 8.0, -20.0], degrees=True).as_matrix()
CAMERA = Camera(
    name="webcam",
    size=(1280, 720),
    model="pinhole",
    K=np.array([[900.0, 0.0, 660.0], [0.0, 910.0, 350.0], [0.0, 0.0, 1.0]]),
    distortion=np.array([-0.1, 0.02, 0.001, -0.001, 0.0]),
    R=TURN,
    t=-TURN @ np.array([300.0, -4500.0, 1200.0]),
)


@pytest.fixture(scope="module")
def performance() -> tuple[np.ndarray, np.ndarray]:
    """Joints of a moving person in world (POSES, 17, 3) mm, and their pixels in ``CAMERA``."""
    studio = Studio(StudioConfig(seed=4))
    halpe = np.stack([studio.truth(0.7 * at)[0] for at in range(POSES)])
    names = get_skeleton("halpe_26")
    built = np.empty((POSES, 17, 3))
    for at, name in enumerate(TARGET.joints):
        if name == "spine":
            built[:, at] = (halpe[:, names.index("pelvis")] + halpe[:, names.index("neck")]) / 2
        else:
            built[:, at] = halpe[:, names.index(name)]
    return built, CAMERA.project(built)


def relative_of(joints: np.ndarray) -> np.ndarray:
    in_camera = joints @ CAMERA.R.T + CAMERA.t
    return in_camera - in_camera[:, :1]


def fit(network: nn.Module, x: Tensor, truth: Tensor, steps: int) -> None:
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(steps):
        loss = (network.train()(x) - truth).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def saved(path: Path, kind: str, network: SimpleBaseline | GridConv) -> LiftingPredictor:
    settings = network.config.model_dump(mode="json")
    card = ModelCard(architecture=kind, settings=settings, skeleton="human36m_17", source="a test")
    write_checkpoint(path, network.state_dict(), card)
    return LiftingPredictor(LiftingConfig(weights=str(path)))


def detected(pixels: np.ndarray) -> Detections:
    people = len(pixels)
    return Detections(pixels, np.full(pixels.shape[:2], 0.8), np.ones(people), np.arange(people))


def check(predictor: LiftingPredictor, joints: np.ndarray, pixels: np.ndarray) -> None:
    found = predictor(detected(pixels), TARGET, CAMERA)
    assert found.skeleton.name == "human36m_17" and found.lifted.all()
    error = np.linalg.norm(found.relative - relative_of(joints), axis=2)
    # What training left; an axis, a scale or a joint in the wrong place is some hundred millimetres.
    assert error.mean() < 15.0
    # Depth follows from size in the picture: 4.5 m away, a person of 1.7 m errs 4.5 / 1.7 times as far.
    assert np.linalg.norm(found.joints - joints, axis=2).mean() < 80.0
    np.testing.assert_array_equal(found.relative[:, 0], 0.0)
    np.testing.assert_allclose(CAMERA.project(found.joints[:, 0]), pixels[:, 0], atol=15.0)


def test_the_baseline_lifts_what_it_learnt(
    performance: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    joints, pixels = performance
    keypoints = to_virtual(CAMERA, pixels)[:, list(WITHOUT_NOSE)].reshape(POSES, -1)
    poses = relative_of(joints)[:, 1:].reshape(POSES, -1)
    statistics = PoseStatistics(
        mean_2d=tuple(keypoints.mean(axis=0)),
        std_2d=tuple(keypoints.std(axis=0)),
        mean_3d=tuple(poses.mean(axis=0)),
        std_3d=tuple(poses.std(axis=0)),
    )
    torch.manual_seed(0)
    network = SimpleBaseline(SimpleBaselineConfig(width=96, stages=1, dropout=0.0, statistics=statistics))
    x = (keypoints - keypoints.mean(axis=0)) / keypoints.std(axis=0)
    truth = (poses - poses.mean(axis=0)) / poses.std(axis=0)
    fit(network, torch.from_numpy(x).float(), torch.from_numpy(truth).float(), 200)
    check(saved(tmp_path / "baseline.safetensors", "simple_baseline", network), joints, pixels)


@pytest.mark.parametrize("layout", ["handcrafted", "learnable"])
def test_grids_lift_what_they_learnt(
    layout: str, performance: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    joints, pixels = performance
    torch.manual_seed(0)
    config = GridConvConfig(
        channels=32,
        blocks=1,
        dropout=0.0,
        padding=("c", "z"),
        layout=layout,  # type: ignore[arg-type]
        layout_training="frozen",
        attention_temperature=1.0,
    )
    network = GridConv(config)
    x = torch.from_numpy((to_virtual(CAMERA, pixels) - 500.0) / 500.0).float()
    fit(network, x, torch.from_numpy(relative_of(joints) / 1000.0).float(), 250)
    check(saved(tmp_path / "grid.safetensors", "gridconv", network), joints, pixels)


def test_who_is_seen_in_part_is_not_lifted(performance: tuple[np.ndarray, np.ndarray]) -> None:
    pixels = performance[1][:3].copy()
    pixels[1, TARGET.index("left_wrist")] = np.nan
    settings = {"padding": ["c", "z"], "channels": 8, "blocks": 1}
    predictor = LiftingPredictor(LiftingConfig(kind="gridconv", settings=settings))
    scores = np.where(np.isnan(pixels).any(axis=2), 0.0, 0.5)
    found = predictor(Detections(pixels, scores, np.ones(3), np.arange(3)), TARGET, CAMERA)
    assert found.lifted.tolist() == [True, False, True]
    assert np.isnan(found.relative[1]).all() and np.isnan(found.joints[1]).all() and not found.scores[1].any()
    assert np.isfinite(found.relative[[0, 2]]).all()
    nobody = predictor(Detections.none(17), TARGET, CAMERA)
    assert nobody.joints.shape == (0, 17, 3)


def test_a_joint_without_a_cell_is_missing(
    tmp_path: Path, performance: tuple[np.ndarray, np.ndarray]
) -> None:
    config = GridConvConfig(channels=8, blocks=1, padding=("c", "r"), layout="learnable")
    network = GridConv(config)
    with torch.no_grad():
        network.sgt_layer.sgt_trans_mat[..., 9] = -1.0
    found = saved(tmp_path / "g.safetensors", "gridconv", network)(detected(performance[1]), TARGET, CAMERA)
    assert np.isnan(found.relative[:, 9]).all() and not found.scores[:, 9].any()
    assert np.isfinite(np.delete(found.relative, 9, axis=1)).all()


def test_networks_that_cannot_be_used_are_sentences(tmp_path: Path) -> None:
    baseline = SimpleBaseline(SimpleBaselineConfig(width=8))
    with pytest.raises(BadInputError, match="normalised with"):
        saved(tmp_path / "a.safetensors", "simple_baseline", baseline)
    short = PoseStatistics(mean_2d=(0.0,), std_2d=(1.0,), mean_3d=(0.0,), std_3d=(1.0,))
    with pytest.raises(BadInputError, match="statistics are of 1 and 1"):
        saved(
            tmp_path / "b.safetensors",
            "simple_baseline",
            SimpleBaseline(SimpleBaselineConfig(width=8, statistics=short)),
        )
    with pytest.raises(BadInputError, match="joints in"):
        saved(
            tmp_path / "c.safetensors",
            "simple_baseline",
            SimpleBaseline(SimpleBaselineConfig(width=8, joints_in=3)),
        )


def test_the_virtual_camera_sees_with_its_own_lens() -> None:
    points = np.array([[[100.0, 0.0, 4000.0], [0.0, -500.0, 5000.0], [1200.0, 300.0, 3000.0]]])
    pixels = CAMERA.project((points - CAMERA.t) @ CAMERA.R)
    expected = points[..., :2] / points[..., 2:] * FOCAL_PX + CENTRE_PX
    # Undistortion is iterative; it ends at a hundredth of a pixel.
    np.testing.assert_allclose(to_virtual(CAMERA, pixels), expected, atol=0.02)


def test_a_pose_is_placed_where_it_stands() -> None:
    pose = np.random.default_rng(1).normal(scale=300.0, size=(2, 17, 3))
    where = np.array([[200.0, -100.0, 4200.0], [-900.0, 300.0, 6000.0]])
    seen = (pose + where[:, None])[..., :2] / (pose + where[:, None])[..., 2:] * FOCAL_PX + CENTRE_PX
    seen[0, 3] = np.nan
    np.testing.assert_allclose(place(pose, seen, np.ones((2, 17))), where, rtol=1e-8)
    assert np.isnan(place(pose, np.full_like(seen, np.nan), np.ones((2, 17)))).all()
    assert np.isnan(place(pose[:1], seen[:1], np.zeros((1, 17)))).all()


@pytest.mark.parametrize("name", ["coco_17", "halpe_26", "blazepose_33", "human36m_lt17", "cmu_19"])
def test_detectors_become_human36m(name: str) -> None:
    """A person drawn upright: derived joints are where the body has them, others are moved as they are."""
    skeleton = SKELETONS[name]
    places = {
        "shoulder": (18.0, 143.0),
        "ear": (7.0, 162.0),
        "hip": (10.0, 93.0),
        "knee": (10.0, 50.0),
        "ankle": (10.0, 8.0),
        "elbow": (25.0, 115.0),
        "wrist": (28.0, 90.0),
    }
    middle = {"pelvis": 93.0, "neck": 143.0, "spine": 118.0, "head_top": 175.0, "nose": 160.0}
    drawn = np.zeros((1, len(skeleton), 2))
    for at, joint in enumerate(skeleton.joints):
        side, _, kind = joint.partition("_")
        if joint in middle:
            drawn[0, at] = 0.0, middle[joint]
        elif kind in places:
            x, y = places[kind]
            drawn[0, at] = (x if side == "left" else -x), y
    scores = np.linspace(0.5, 0.9, len(skeleton))[None]
    found, trusted = to_human36m(drawn, scores, skeleton)
    for joint, height in middle.items():
        # The head's rule comes from rounded heights.
        np.testing.assert_allclose(found[0, TARGET.index(joint)], [0.0, height], atol=0.2)
    wrist = TARGET.index("left_wrist")
    np.testing.assert_array_equal(found[0, wrist], [28.0, 90.0])
    assert trusted[0, wrist] == scores[0, skeleton.index("left_wrist")]
    hips = scores[0, [skeleton.index("left_hip"), skeleton.index("right_hip")]]
    if "pelvis" not in skeleton.joints:
        assert trusted[0, 0] == hips.min()


def test_what_rules_need_and_nobody_found_stays_missing() -> None:
    skeleton = SKELETONS["coco_17"]
    drawn, scores = np.ones((1, 17, 2)), np.ones((1, 17))
    drawn[0, skeleton.index("left_ear")], scores[0, skeleton.index("left_ear")] = np.nan, 0.0
    found, trusted = to_human36m(drawn, scores, skeleton)
    lost = np.isnan(found[0]).any(axis=1)
    assert [TARGET.joints[at] for at in np.flatnonzero(lost)] == ["head_top"]
    np.testing.assert_array_equal(trusted[0] == 0.0, lost)
