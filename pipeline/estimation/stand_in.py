"""The stand-in for a keypoint network knows one studio; this tells it which one a rig films."""

from __future__ import annotations

from configs.errors import bad_input
from pipeline.estimation.pipeline_config import STAND_IN, PipelineConfig
from pipeline.rigs.rig_config import RigConfig


def fit_to_studio(pipeline: PipelineConfig, rig: RigConfig) -> PipelineConfig:
    """The pipeline with the rig's own studio among the settings of ``noisy_truth``.

    Pipelines with another keypoint model, or whose studio was stated, come back as they are.

    Raises:
        BadInputError: The rig films something else than the simulated studio's people.
    """
    if pipeline.keypoints["type"] != STAND_IN or "studio" in pipeline.keypoints:
        return pipeline
    for camera in rig.cameras:
        if camera.driver_type != "simulated" or camera.driver.get("board_studio") is not None:
            raise bad_input(
                f"pipeline {pipeline.name} knows the joints of the simulated studio's people only; "
                f'camera "{camera.name}" films something else',
                hint="choose a pipeline with a network, or none",
            )
    first = rig.cameras[0]
    studio = {"seed": first.driver.get("seed", 0), **first.driver.get("studio", {})}
    if first.size is not None:
        studio["size"] = list(first.size)
    views = {
        camera.name: camera.driver["camera"]
        for camera in rig.cameras
        if camera.driver.get("camera") is not None
    }
    keypoints = {**pipeline.keypoints, "studio": studio, **({"views": views} if views else {})}
    return pipeline.model_copy(update={"keypoints": keypoints})
