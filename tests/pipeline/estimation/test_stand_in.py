"""The stand-in is told which studio a rig films."""

import numpy as np
import pytest

from configs.errors import BadInputError
from configs.loading import parse_config
from models.keypoints.noisy_truth import NoisyTruth
from pipeline.estimation.pipeline_config import STAND_IN_LABEL, load_pipeline
from pipeline.estimation.stand_in import fit_to_studio
from pipeline.rigs.rig_config import RigConfig
from pipeline.rigs.simulated_rig import simulated_rig


def keypoint_model(pipeline, cameras):
    settings = {key: value for key, value in pipeline.keypoints.items() if key != "type"}
    return NoisyTruth(parse_config(NoisyTruth.Config, settings, source="test"), cameras)


def test_the_rigs_own_studio_is_known():
    rig = simulated_rig(3, (160, 120), 30.0, seed=7)
    pipeline = fit_to_studio(load_pipeline("noisy_truth"), rig)
    config = keypoint_model(pipeline, rig.names).config
    assert (config.studio.seed, config.studio.cameras, config.studio.size) == (7, 3, (160, 120))
    assert pipeline.label == STAND_IN_LABEL, "whoever uses it must say so"


def test_cameras_may_have_other_names_than_in_the_studio():
    rig = simulated_rig(2, (160, 120), 30.0, 0)
    renamed = [
        camera.model_copy(update={"name": name, "driver": {**camera.driver, "camera": camera.name}})
        for camera, name in zip(rig.cameras, ("door", "window"), strict=True)
    ]
    other = rig.model_copy(update={"cameras": tuple(renamed)})
    pictures = [np.zeros((120, 160, 3), np.uint8)] * 2
    found = [
        keypoint_model(fit_to_studio(load_pipeline("noisy_truth"), r), r.names).detect(pictures, [0, 0])
        for r in (rig, other)
    ]
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one.keypoints, two.keypoints)


def test_other_pipelines_and_stated_studios_stay_as_they_are():
    rig = simulated_rig(2, (160, 120), 30.0, 0)
    other = load_pipeline("blazepose")
    assert fit_to_studio(other, rig) is other
    stated = load_pipeline("noisy_truth", ("keypoints.studio.seed=3",))
    assert fit_to_studio(stated, rig) is stated


@pytest.mark.parametrize(
    "driver",
    [{"type": "usb", "device": 0}, {"type": "simulated", "board_studio": {"cameras": 2}}],
)
def test_real_cameras_and_boards_are_refused(driver):
    rig = RigConfig.model_validate({"cameras": [{"name": "front", "driver": driver}]})
    with pytest.raises(BadInputError, match='camera "front" films something else'):
        fit_to_studio(load_pipeline("noisy_truth"), rig)
