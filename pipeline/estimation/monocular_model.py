"""The model for one camera that a pipeline names."""

from __future__ import annotations

import time

import numpy as np

from calibration.rig import Rig
from configs.loading import parse_config
from models.monocular.base import MonocularModel
from models.monocular.registry import MONOCULAR_MODELS
from models.skeleton import Skeleton
from pipeline.estimation.pipeline_config import PipelineConfig


def build_monocular_model(config: PipelineConfig, skeleton: Skeleton) -> MonocularModel:
    """Load it, with its settings checked.

    Args:
        config: A pipeline with ``monocular``.
        skeleton: Of the keypoints that it will be given.

    Raises:
        BadInputError: Unknown model, wrong setting, weights missing or not fitting.
        MissingExtraError: torch is not installed.
    """
    assert config.monocular is not None
    source = f"pipeline {config.name}: monocular"
    MONOCULAR_MODELS.check(config.monocular.type, key=source)
    model_class = MONOCULAR_MODELS.load(config.monocular.type)
    settings = parse_config(model_class.Config, config.monocular.model, source=source)
    model: MonocularModel = model_class(settings, skeleton, source=source)
    return model


def warm_up_monocular(model: MonocularModel, rig: Rig, skeleton: Skeleton) -> float:
    """Run it twice, so that no frame waits for what happens once; seconds of the second."""
    camera = rig.cameras[0]
    picture = np.zeros((camera.size[1], camera.size[0], 3), np.uint8)
    # Somebody has to be seen; where does not matter.
    width, height = camera.size
    places = np.linspace(0.3, 0.7, len(skeleton))
    keypoints = np.column_stack([places * width, places[::-1] * height])
    spent = 0.0
    for _ in range(2):
        started = time.perf_counter()
        model(picture, camera, keypoints, np.ones(len(skeleton)))
        spent = time.perf_counter() - started
    return spent
