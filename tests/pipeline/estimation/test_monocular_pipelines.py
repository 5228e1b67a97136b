"""Pipelines for one camera: by name, against truth, without a calibration, and as fillers of gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'learned' is not installed")

from calibration.assumed_camera import NO_CALIBRATION, NO_PLACE, assumed_camera, assumption, with_place
from calibration.camera import Camera
from calibration.rig import Rig
from configs.errors import BadInputError
from models.simulation.studio import Studio, StudioConfig
from models.skeletons import get_skeleton, joint_map
from models.triangulation.predictors.base import UNTRAINED_LABEL
from pipeline.estimation import monocular_estimator, pose_estimator
from pipeline.estimation.assumed_calibration import assumed_for, can_assume
from pipeline.estimation.estimator import Estimator, build_estimator
from pipeline.estimation.pipeline_config import PipelineConfig, load_pipeline, pipeline_names
from pipeline.rigs.rig_config import RigConfig
from pipeline.rigs.simulated_rig import simulated_rig
from pipeline.session.session import Session
from pipeline.take.take import Take
from tests.models.monocular.oracle import HALPE, Oracle

SIZE = (320, 240)
FPS = 20


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(StudioConfig(seed=1, cameras=4, size=SIZE))


def pipeline(studio: Studio, monocular: Any, **settings: Any) -> PipelineConfig:
    return PipelineConfig(
        name="test",
        keypoints={
            "type": "noisy_truth",
            "noise_px": 0.0,
            "studio": studio.config.model_dump(mode="json"),
        },
        monocular=monocular,
        smoothing=None,
        **settings,
    )


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> Oracle:
    model = Oracle()
    for module in (monocular_estimator, pose_estimator):
        monkeypatch.setattr(module, "build_monocular_model", lambda config, skeleton: model)
    return model


def play(
    estimator: Estimator,
    studio: Studio,
    oracle: Oracle | None,
    times_s: list[float],
    sees: Callable[[str, float], bool] = lambda camera, t_s: True,
) -> list[Any]:
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    frames = []
    for t_s in times_s:
        ns = round(t_s * 1e9)
        if oracle is not None:
            for camera in estimator.rig.cameras:
                oracle.saw(camera, studio.truth(t_s)[0])
        images = [picture if sees(name, t_s) else None for name in estimator.rig.names]
        frames.append(estimator.estimate(images, [ns if i is not None else -1 for i in images], ns))
    return frames


# Names


def test_names_are_joined() -> None:
    joined = load_pipeline("blazepose+gridconv")
    assert joined.name == "blazepose+gridconv"
    assert joined.keypoints == load_pipeline("blazepose").keypoints
    assert joined.monocular is not None
    assert (joined.monocular.type, joined.monocular.use) == ("gridconv", "gaps")
    for name in ("blazepose+simple_baseline", "blazepose+gridconv", "rtmpose+gridconv", "metrabs"):
        assert name in pipeline_names()
    light = load_pipeline("rtmpose_light+metrabs", ("monocular.num_aug=5", "monocular.use=always"))
    assert light.monocular is not None
    assert light.monocular.model["num_aug"] == 5


def test_the_option_names_a_model_or_says_off() -> None:
    chosen = load_pipeline("blazepose", ("monocular=gridconv",)).monocular
    assert chosen == load_pipeline("blazepose+gridconv").monocular
    assert load_pipeline("blazepose+gridconv", ("monocular=off",)).monocular is None
    again = PipelineConfig.model_validate(load_pipeline("blazepose+metrabs").model_dump(mode="json"))
    assert again == load_pipeline("blazepose+metrabs"), "as a take keeps it"


def test_untrained_networks_say_so() -> None:
    untrained = load_pipeline("blazepose+gridconv", ("monocular.weights=untrained",))
    assert untrained.label == UNTRAINED_LABEL
    assert load_pipeline("blazepose+gridconv", ("monocular.weights=some.pth",)).label == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gridconv+blazepose", "such as blazepose[+]gridconv"),
        ("gridconv", "such as blazepose[+]gridconv"),
        ("blazpose+gridconv", 'did you mean "blazepose"'),
        ("blazepose+gridcon", 'did you mean "gridconv"'),
        ("blazepose+", "unknown model for one camera"),
        ("+gridconv", "unknown pipeline"),
        ("blazepose+gridconv+metrabs", "unknown model for one camera"),
        ("algebraic+gridconv", "its own way.*allowed: blazepose[+]gridconv"),
        ("metrabs+gridconv", "its own way"),
        ("nowhere.yaml+gridconv", "no such file|unknown"),
    ],
)
def test_names_that_cannot_be_joined(name: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        load_pipeline(name)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("monocular=gridcon", "unknown model for one camera"),
        ("monocular.use=sometimes", "monocular.use"),
        ("monocular.gaps.distance_s=0", "distance_s"),
        ("monocular.type=lifter", "unknown model for one camera"),
        ("monocular.weight=some.pth", "weight: unknown key"),
        ("monocular.weights=/nowhere/some.pth", "/nowhere/some.pth: no such file"),
        ("monocular.weights=somebody", "no network of this name"),
        ("monocular.settings.layout=round", "layout"),
        ("monocular.uncertainty.distance=1.5", "uncertainty.distance"),
        ("monocular.threads=0", "threads"),
        ("monocular.type=metrabs", "MeTRAbs|settings"),
        ("network.type=algebraic", "does not go with monocular"),
    ],
)
def test_settings_that_make_no_sense(studio: Studio, setting: str, words: str) -> None:
    one = studio.rig.subset(["cam1"])
    overrides = ("monocular.settings={}", "monocular.weights=untrained", setting)
    with pytest.raises(BadInputError, match=words):
        config = load_pipeline("noisy_truth+gridconv", overrides)
        known = {**config.keypoints, "studio": studio.config.model_dump(mode="json")}
        build_estimator(config.model_copy(update={"keypoints": known}), one)


def test_a_metrabs_folder_that_is_none(studio: Studio, tmp_path: Any) -> None:
    for place in (tmp_path / "absent", tmp_path):
        with pytest.raises(BadInputError, match=r"folder of a MeTRAbs model|config\.yaml: no such file"):
            build_estimator(pipeline(studio, {"type": "metrabs", "weights": str(place)}), studio.rig)


def test_two_cameras_are_not_needed_with_one_that_lifts(studio: Studio) -> None:
    one = studio.rig.subset(["cam1"])
    with pytest.raises(BadInputError, match=r"blazepose[+]simple_baseline"):
        build_estimator(pipeline(studio, None), one)


# Poses


def test_one_camera_is_a_rig(studio: Studio, oracle: Oracle) -> None:
    estimator = build_estimator(pipeline(studio, {"type": "gridconv"}), studio.rig.subset(["cam2"]))
    assert estimator.skeleton.name == "human36m_17"
    order = joint_map(HALPE, estimator.skeleton)
    for frame, t_s in zip(play(estimator, studio, oracle, [1.0, 1.05]), (1.0, 1.05), strict=True):
        truth = studio.truth(t_s)[0][order]
        known = (order >= 0) & np.isfinite(frame.joints[0, :, 0])
        # The filter of the distance follows a person who walks: off by some mm at the second instant.
        np.testing.assert_allclose(frame.joints[0][known], truth[known], atol=40.0)
        assert frame.one_camera[0].all()
        assert (frame.scores[0] > 0.0).all()
    assert estimator.description()["monocular"] == {"name": "oracle", "sha256": oracle.hashes}
    (nobody,) = play(estimator, studio, oracle, [1.1], lambda camera, t_s: False)
    assert len(nobody.person) == 0
    estimator.close()


def test_cameras_on_their_own_make_one_pose(studio: Studio, oracle: Oracle) -> None:
    config = pipeline(studio, {"type": "gridconv", "use": "always"})
    estimator = build_estimator(config, studio.rig)
    order = joint_map(HALPE, estimator.skeleton)
    oracle.factor = 1.1  # each camera sees the person 10 % too far away, four of them agree where
    (frame,) = play(estimator, studio, oracle, [1.0])
    error = np.linalg.norm(frame.joints[0] - studio.truth(1.0)[0][order], axis=1)
    # Each alone is off by 10 % of 4 m along its line of sight; across it nothing is. Between lines of sight
    # at right angles such an error weighs (across / along)^2, here below 1 %.
    assert np.nanmedian(error[order >= 0]) < 15.0
    assert (frame.used[0].sum(axis=0) == 4).all()
    assert not frame.one_camera.any()
    estimator.close()


def test_gaps_are_filled_and_marked(studio: Studio, oracle: Oracle) -> None:
    two = studio.rig.subset(["cam1", "cam2"])
    times_s = [1.0 + k / FPS for k in range(3 * FPS)]

    def sees(camera: str, t_s: float) -> bool:
        return camera == "cam1" or not 2.0 <= t_s < 3.0

    def covered(t_s: float) -> bool:
        return not sees("cam2", t_s)

    estimator = build_estimator(pipeline(studio, {"type": "gridconv"}), two)
    assert estimator.skeleton is get_skeleton("halpe_26")
    frames = play(estimator, studio, oracle, times_s, sees)
    without = play(build_estimator(pipeline(studio, None), two), studio, None, times_s, sees)
    body = list(HALPE.body)
    for frame, plain, t_s in zip(frames, without, times_s, strict=True):
        found = np.isfinite(frame.joints[0, :, 0])
        seen = frame.keypoints[0, 0, :, 2] >= 0.3
        assert found[body].sum() == seen[body].sum() or found[body].all()
        if covered(t_s):
            assert frame.one_camera[0, body].sum() == seen[body].sum()
            assert np.isnan(plain.joints).all(), "which is what there was before"
            error = np.linalg.norm(frame.joints[0] - studio.truth(t_s)[0], axis=1)[body]
            assert np.nanmean(error) < 80.0  # the oracle is exact; the followed distance lags behind steps
        else:
            both = np.isfinite(plain.joints[0, :, 0])
            np.testing.assert_array_equal(frame.joints[0, both], plain.joints[0, both])
    pelvis = np.array([frame.joints[0, HALPE.index("pelvis")] for frame in frames])
    true = np.array([studio.truth(t_s)[0, HALPE.index("pelvis")] for t_s in times_s])
    steps, true_steps = (np.linalg.norm(np.diff(way, axis=0), axis=1) for way in (pelvis, true))
    assert steps.max() < true_steps.max() + 80.0, "no jump into the gap or out of it"
    estimator.close()


@pytest.mark.parametrize("kind", ["simple_baseline", "gridconv", "metrabs"])
def test_every_network_runs_untrained(studio: Studio, kind: str) -> None:
    settings: dict[str, Any] = {"weights": "untrained"}
    if kind == "metrabs":
        settings |= {"crop_px": 64, "device": "cpu"}
    config = pipeline(studio, {"type": kind, **settings, "use": "always"})
    assert config.label == UNTRAINED_LABEL
    estimator = build_estimator(config, studio.rig.subset(["cam1", "cam3"]))
    (frame,) = play(estimator, studio, None, [1.0])
    assert frame.joints.shape[1:] == (17, 3)
    names = {model["name"] for model in estimator.description().values()}
    assert any("untrained" in name for name in names)
    estimator.close()


# Without a calibration


def test_an_assumed_camera_stands_where_it_says() -> None:
    camera = assumed_camera("webcam", (1280, 720))
    np.testing.assert_allclose(camera.position, [0.0, 0.0, 1500.0])
    ahead = camera.project(np.array([[0.0, 3000.0, 1500.0], [0.0, 3000.0, 0.0]]))
    np.testing.assert_allclose(ahead[0], [639.5, 359.5])
    assert ahead[1, 1] > ahead[0, 1], "the floor is below"
    # 55 degrees from border to border of the longer side.
    half = 3000.0 * np.tan(np.radians(27.5))
    np.testing.assert_allclose(camera.project(np.array([[half, 3000.0, 1500.0]]))[0, 0], 639.5 + 640.0)


def test_only_one_camera_may_be_assumed() -> None:
    lifts, triangulates = load_pipeline("blazepose+gridconv"), load_pipeline("blazepose")
    one, two = (simulated_rig(count, SIZE, 30.0, 0) for count in (1, 2))
    assert can_assume(one, lifts)
    assert not can_assume(one, triangulates)
    assert not can_assume(two, lifts)
    assert not can_assume(one, None)
    camera = one.cameras[0]
    unsized = RigConfig(
        cameras=(camera.model_copy(update={"size": None, "driver": {"type": "simulated", "studio": {}}}),)
    )
    assert assumed_for(unsized).cameras[0].size == Studio(StudioConfig()).rig.cameras[0].size
    with pytest.raises(BadInputError, match="needs calibrated cameras"):
        Session(two, None, lifts)


def test_a_lens_without_a_place_is_put_where_one_is_assumed() -> None:
    lens = assumed_camera("webcam", (640, 480))
    own = Camera(
        "cam1", lens.size, "pinhole", lens.K * [[1.2], [1.2], [1.0]], np.zeros(5), np.eye(3), np.zeros(3)
    )
    there = with_place(Rig((own,)))
    np.testing.assert_array_equal(there.cameras[0].K, own.K)
    np.testing.assert_allclose(there.cameras[0].position, [0.0, 0.0, 1500.0])
    assert assumption(there) == NO_PLACE
    assert with_place(there) is there
    pair = Rig((own, replace(own, name="cam2")))
    assert with_place(pair) is pair, "two cameras that coincide are another problem"
    assert assumption(pair) == assumption(None) == ""


@pytest.mark.timeout(120)
def test_a_live_camera_that_nobody_calibrated(tmp_path: Any) -> None:
    """Real processes: chosen while it runs, recorded, marked, and said in the take."""
    rig = simulated_rig(1, SIZE, 15.0, 0)
    with Session(rig, None, None) as session:
        session.go()
        session.set_pipeline(load_pipeline("noisy_truth+gridconv", ("stream.address=''",)))
        poses = session.subscribe_poses()
        session.record(tmp_path / "take")
        seen = 0
        while seen < 5:
            session.poll(20)
            seen += len(poses.receive_all())
        summary = session.stop_recording()
    assert summary.poses > 0
    take = Take.open(tmp_path / "take")
    assert NO_CALIBRATION in take.header.label
    assert UNTRAINED_LABEL not in take.header.label
    assert take.calibration is not None
    np.testing.assert_allclose(take.calibration.cameras[0].position, [0.0, 0.0, 1500.0])
    assert take.header.skeleton == "human36m_17"
    found = take.poses()
    assert found is not None
    assert found.one_camera.any()
    assert take.header.one_camera["joints_percent"] == 100.0
    assert not [event for event in take.events() if event.kind == "one_camera"], "no news with one camera"
