from __future__ import annotations

import threading
from pathlib import Path

import pytest

from configs.errors import BadInputError
from configs.loading import parse_config
from models.keypoints.blazepose.model import BlazePose, BlazePoseConfig
from models.keypoints.registry import KEYPOINT_MODELS
from models.zoo import ModelStore


def test_registered_and_named(blazepose_store: ModelStore) -> None:
    assert KEYPOINT_MODELS.load("blazepose") is BlazePose
    before = threading.active_count()
    model = BlazePose(BlazePoseConfig(models=blazepose_store.folder, threads=2), ["left", "right"])
    assert model.name == "blazepose"
    assert model.skeleton.name == blazepose_store.info("blazepose").entry.skeleton
    assert len(model.skeleton) == 33
    files = blazepose_store.info("blazepose").entry.files
    assert model.hashes == {name: entry.sha256 for name, entry in files.items()}
    model.close()
    model.close()
    assert threading.active_count() == before


def test_absent_networks_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"launch\.py models fetch blazepose"):
        BlazePose(BlazePoseConfig(models=tmp_path), ["a"])


def test_a_wrong_file_is_not_run(tmp_path: Path, blazepose_store: ModelStore) -> None:
    store = ModelStore(tmp_path)
    store.import_files("blazepose", [blazepose_store.folder / "blazepose"])
    path = store.model_file("blazepose", "pose_landmark_full.tflite")
    content = bytearray(path.read_bytes())
    content[1_000_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        BadInputError, match=r"pose_landmark_full\.tflite: has SHA-256 \w{64}, expected e9a5c5cb"
    ):
        BlazePose(BlazePoseConfig(models=tmp_path), ["a"])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"max_people": 0}, "max_people = 0"),
        ({"threads": 0}, "threads = 0"),
        ({"min_detection_score": 1.0}, "min_detection_score = 1.0"),
        ({"max_peple": 2}, 'did you mean "max_people"'),
    ],
)
def test_configuration_errors(data: dict[str, object], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        parse_config(BlazePoseConfig, data)
