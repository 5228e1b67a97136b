"""Learned triangulation in the pipeline: boxes, crops and cameras against truth; every network end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'learned' is not installed")

from calibration.rig import Rig  # noqa: E402
from configs.errors import BadInputError  # noqa: E402
from models.crops.cropper import Crops  # noqa: E402
from models.keypoints.retiming import RetimingConfig  # noqa: E402
from models.simulation.studio import Studio, StudioConfig  # noqa: E402
from models.skeletons import get_skeleton  # noqa: E402
from models.triangulation.dlt import triangulate_linear  # noqa: E402
from models.triangulation.predictors.base import UNTRAINED_LABEL, MultiviewPoses, NetworkConfig  # noqa: E402
from pipeline.estimation import learned_estimator  # noqa: E402
from pipeline.estimation.estimator import build_estimator  # noqa: E402
from pipeline.estimation.pipeline_config import PipelineConfig, pipeline_names  # noqa: E402

HALPE = get_skeleton("halpe_26")


class Oracle:
    """Sees exactly what is true, but only through the cameras of the crops."""

    def __init__(self, needs_centre: bool = False) -> None:
        self.config = NetworkConfig(crop_px=128)
        self.skeleton = HALPE
        self.name, self.hashes, self.device, self.needs_centre = "oracle", {}, "cpu", needs_centre
        self.truth = np.zeros((26, 3))
        self.trusted = True
        self.seen: list[tuple[Crops, np.ndarray, np.ndarray | None]] = []

    def __call__(self, crops: Crops, present: np.ndarray, centres: np.ndarray | None) -> MultiviewPoses:
        self.seen.append((crops, present, centres))
        truth = np.broadcast_to(self.truth, (present.shape[1], 26, 3))  # the same for all views, or one each
        homogeneous = np.concatenate([truth, np.ones((*truth.shape[:2], 1))], axis=-1)
        points = np.full((*present.shape, 26, 2), np.nan)
        projections = np.zeros((*present.shape, 3, 4))
        projections[present] = crops.projections
        for view in np.flatnonzero(present[0]):
            x = homogeneous[view] @ projections[0, view].T
            points[0, view] = x[:, :2] / x[:, 2:]
        solution = triangulate_linear(
            torch.from_numpy(points), torch.from_numpy(projections), present=torch.from_numpy(present)
        )
        joints = solution.points.numpy()
        covariance = np.broadcast_to(np.eye(3), (1, 26, 3, 3)).copy()
        scores = np.isfinite(points[..., 0]).astype(float)
        return MultiviewPoses(
            joints, np.ones((1, 26)), covariance, points, scores, np.array([self.trusted]), {}
        )


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(StudioConfig(seed=1, cameras=4, size=(320, 240)))


def pipeline(studio: Studio, **network: Any) -> PipelineConfig:
    return PipelineConfig(
        name="test",
        keypoints={"type": "noisy_truth", "studio": studio.config.model_dump(mode="json")},
        network={"type": "algebraic", **network},
        smoothing=None,
    )


def images_at(studio: Studio, t_s: float) -> list[np.ndarray]:
    return [studio.render(name, t_s) for name in studio.rig.names]


def estimator_with(
    oracle: Oracle, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> learned_estimator.LearnedEstimator:
    monkeypatch.setattr(learned_estimator, "build_predictor", lambda config, part=None: oracle)
    estimator = learned_estimator.LearnedEstimator(pipeline(studio), studio.rig)
    assert oracle.seen, "it is warmed up"
    oracle.seen.clear()
    return estimator


def run(estimator: Any, studio: Studio, oracle: Oracle, times_s: Sequence[float]) -> list[Any]:
    frames = []
    for t_s in times_s:
        oracle.truth = studio.truth(t_s)[0]
        ns = round(t_s * 1e9)
        frames.append(estimator.estimate(images_at(studio, t_s), [ns] * 4, ns))
    return frames


def test_cameras_of_crops_lead_back_to_the_world(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = Oracle()
    estimator = estimator_with(oracle, studio, monkeypatch)
    frames = run(estimator, studio, oracle, [0.5, 0.55])
    for frame, t_s in zip(frames, [0.5, 0.55], strict=True):
        truth = studio.truth(t_s)[0]
        np.testing.assert_allclose(frame.joints[0], truth, atol=1e-5)
        np.testing.assert_allclose(frame.keypoints[0, :, :, :2], studio.rig.project(truth), atol=1e-6)
    estimator.close()


def test_boxes_come_from_the_finder_then_from_the_pose(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle = Oracle()
    estimator = estimator_with(oracle, studio, monkeypatch)
    found: list[int] = []
    detect = estimator._finder.detect

    def counted(images: Any, times_ns: Any) -> Any:
        found.append(1)
        return detect(images, times_ns)

    monkeypatch.setattr(estimator._finder, "detect", counted)
    run(estimator, studio, oracle, [0.5, 0.55, 0.6])
    assert len(found) == 1
    oracle.trusted = False
    run(estimator, studio, oracle, [0.65, 0.7])
    assert len(found) == 2  # the untrusted pose of 0.65 sends 0.7 back to the finder
    for crops, present, _ in oracle.seen:
        assert present.all()
        assert crops.images.shape == (4, 3, 128, 128)
    estimator.close()


def test_a_view_that_is_missing_takes_no_part(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = Oracle()
    estimator = estimator_with(oracle, studio, monkeypatch)
    oracle.truth = studio.truth(0.5)[0]
    images: list[Any] = images_at(studio, 0.5)
    images[2] = None
    frame = estimator.estimate(images, [500_000_000, 500_000_000, -1, 500_000_000], 500_000_000)
    assert oracle.seen[-1][1].tolist() == [[True, True, False, True]]
    np.testing.assert_allclose(frame.joints[0], oracle.truth, atol=1e-5)
    assert np.isnan(frame.keypoints[0, 2, :, :2]).all()
    assert not frame.used[0, 2].any()
    estimator.close()


def test_lags_of_cameras_are_made_up_for(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures with one stamp show moments up to 24 ms apart. With true keypoints, what is left after moving
    them is the bend of the path over the last three pictures; half of the error is a bound with room."""
    lags_ms = [0.0, 16.0, -8.0, 12.0]
    cameras = [replace(camera, lag_ms=lag) for camera, lag in zip(studio.rig.cameras, lags_ms, strict=True)]
    errors = {}
    for retiming in (None, RetimingConfig()):
        oracle = Oracle()
        monkeypatch.setattr(learned_estimator, "build_predictor", lambda config, part=None, o=oracle: o)
        config = pipeline(studio).model_copy(update={"retiming": retiming})
        estimator = learned_estimator.LearnedEstimator(config, Rig(tuple(cameras)))
        pictures, found = [np.zeros((240, 320, 3), np.uint8)] * 4, []
        for k in range(45):
            t_s = 1.0 + k / 30
            oracle.truth = np.stack([studio.truth(t_s - lag / 1e3)[0] for lag in lags_ms])
            ns = round(t_s * 1e9)
            frame = estimator.estimate(pictures, [ns] * 4, ns)
            if k > 2:
                found.append(np.linalg.norm(frame.joints[0] - studio.truth(t_s)[0], axis=1))
        estimator.close()
        errors[retiming is None] = np.array(found)
    wrists = [HALPE.joints.index(name) for name in ("left_wrist", "right_wrist")]
    without, moved = (np.percentile(errors[key][:, wrists], 90) for key in (True, False))
    assert without > 5.0
    assert moved < 0.5 * without


def test_the_pelvis_comes_from_the_finder_then_from_the_pose(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle = Oracle(needs_centre=True)
    estimator = estimator_with(oracle, studio, monkeypatch)
    run(estimator, studio, oracle, [0.5, 0.55])
    pelvis = HALPE.index("pelvis")
    first, second = (seen[2][0] for seen in oracle.seen)  # type: ignore[index]
    # noisy_truth is off by a few px at 3 to 4 m; hips and pelvis are some 10 cm apart.
    assert np.linalg.norm(first - studio.truth(0.5)[0][pelvis]) < 150
    np.testing.assert_allclose(second, studio.truth(0.5)[0][pelvis], atol=1e-5)
    estimator.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["algebraic", "ransac", "volumetric", "contextpose"])
def test_every_network_runs_untrained_and_says_so(studio: Studio, kind: str) -> None:
    settings: dict[str, Any] = {"layers": 18}
    if kind in {"volumetric", "contextpose"}:
        settings["voxels"] = 32
    if kind == "volumetric":
        settings["small"] = True
    if kind == "contextpose":
        settings |= {"limb_mean": [250.0] * 16, "limb_deviation": [20.0] * 16}
    config = pipeline(studio, type=kind, crop_px=128, settings=settings)
    assert config.label == UNTRAINED_LABEL
    estimator = build_estimator(config, studio.rig)
    assert estimator.skeleton.name == "human36m_lt17"
    frame = estimator.estimate(images_at(studio, 0.5), [500_000_000] * 4, 500_000_000)
    assert frame.joints.shape == (1, 17, 3)
    assert np.isfinite(frame.joints).all()
    assert (frame.scores >= 0).all() and (frame.scores <= 1).all()
    values = np.linalg.eigvalsh(frame.covariance)
    assert (values > -1e-6 * values.max()).all()
    assert estimator.description()["network"]["name"] == f"{kind} (untrained)"
    again = build_estimator(config, studio.rig).estimate(
        images_at(studio, 0.5), [500_000_000] * 4, 500_000_000
    )
    np.testing.assert_allclose(again.joints, frame.joints, atol=1e-3)
    estimator.close()


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        ({"type": "algebraik"}, "unknown triangulation network"),
        ({"crop_px": 100}, "crop_px"),
        ({"weights": "nobody"}, "no network of this name was imported"),
        ({"precision": "float16", "device": "cpu"}, "needs a GPU"),
        ({"settings": {"layers": 19}}, "layers"),
    ],
)
def test_bad_settings(studio: Studio, network: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        build_estimator(pipeline(studio, **network), studio.rig)


def test_all_networks_have_a_pipeline() -> None:
    assert {"algebraic", "ransac", "volumetric", "contextpose"} <= set(pipeline_names())
