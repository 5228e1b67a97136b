"""Which pipeline a name stands for, on this rig and with the models that are here."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from calibration.rig import Rig
from configs.errors import PosestageError
from models.zoo.manifest import ModelEntry, read_manifest
from models.zoo.store import default_store
from pipeline.estimation.pipeline_config import STAND_IN, PipelineConfig, load_pipeline
from pipeline.rigs.rig_config import RigConfig

NONE = "none"
AUTO = "auto"
_BEST = "blazepose"
_BEST_FOR_ONE = "blazepose+gridconv"
_BEST_FOR_SIMULATED = "studio_lite"


def runs_own_networks() -> bool:
    """Whether the packages of the extra ``learned`` are installed."""
    return find_spec("torch") is not None and find_spec("safetensors") is not None


def films_simulated_people(rig: RigConfig) -> bool:
    """Whether every camera stands in the simulated studio with people."""
    return all(
        camera.driver_type == "simulated" and camera.driver.get("board_studio") is None
        for camera in rig.cameras
    )


def models_of(pipeline: PipelineConfig) -> tuple[str, ...]:
    """Names of the models of the zoo that a pipeline needs."""
    known = read_manifest().models
    parts = (pipeline.keypoints, pipeline.network or {}, pipeline.centre_network or {})
    named = [value for part in parts for value in part.values() if isinstance(value, str) and value in known]
    return tuple(dict.fromkeys(named))


def missing_models(pipeline: PipelineConfig) -> dict[str, ModelEntry]:
    """Models that a pipeline needs and that are not here.

    Looks at names and sizes only; the right bytes are checked by who loads them.
    """
    known, folder = read_manifest().models, default_store().folder
    missing = {}
    for name in models_of(pipeline):
        for file, expected in known[name].files.items():
            path = folder / name / file
            if not path.is_file() or expected.size not in (None, path.stat().st_size):
                missing[name] = known[name]
    return missing


def _one_camera() -> str:
    """The pipeline for a single camera, when all that it needs is here."""
    if not runs_own_networks():
        return NONE
    try:
        ready = not missing_models(_best())
    except PosestageError:
        ready = False
    return _BEST_FOR_ONE if ready else NONE


@cache
def _best() -> PipelineConfig:
    return load_pipeline(_BEST)


def resolve(name: str, rig: RigConfig, calibration: Rig | None) -> str:
    """What "auto" stands for; other names as they are.

    One camera needs no calibration, but a network that lifts what it sees. Several need a calibration; then
    the network for real people, when it is here. In the simulated studio the one that learnt there, or the
    stand-in where torch is not installed.
    """
    if name != AUTO:
        return name
    if len(rig.cameras) == 1:
        return _one_camera()
    if calibration is None:
        return NONE
    if films_simulated_people(rig):
        return _BEST_FOR_SIMULATED if runs_own_networks() else STAND_IN
    try:
        ready = not missing_models(_best())
    except PosestageError:
        ready = False
    return _BEST if ready else NONE
