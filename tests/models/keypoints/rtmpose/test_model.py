"""Detector, keypoint network and tracker together, on people made of dots."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
pytest.importorskip("onnx")

from configs.errors import BadInputError, MissingExtraError
from configs.loading import parse_config
from models.keypoints.registry import KEYPOINT_MODELS
from models.keypoints.rtmpose.model import RtmPose, RtmPoseConfig
from models.zoo import ModelStore
from models.zoo.checksum import sha256_of
from models.zoo.manifest import Manifest
from tests.models.keypoints.rtmpose.dots import JOINTS, PICTURE, RADIUS, SIZE, draw, make_model, person_at
from tests.support.onnx_networks import constant_detector, dot_simcc

FIRST, SECOND = (60.0, 60.0, 180.0, 260.0), (300.0, 100.0, 460.0, 380.0)
CROP_PX = 1.25 * 280 / SIZE[1]
"""Side of a crop pixel for the larger of the two."""

OFF = RADIUS + 1.25 * CROP_PX
"""A keypoint may lie at the edge of its dot, a crop pixel off; boxes from keypoints are 1.25 times larger."""


def test_two_views_several_people(tmp_path: Path) -> None:
    model = make_model(tmp_path, [(*FIRST, 0.9), (*SECOND, 0.8)], cameras=2, max_people=2)
    both, one = draw([person_at(FIRST), person_at(SECOND)]), draw([person_at(FIRST)])
    for time_ns in range(4):
        left, right = model.detect([both, one], [time_ns, time_ns])
        assert (len(left), len(right)) == (2, 1)
        assert left.track.tolist() == [0, 1] and right.track.tolist() == [0]
        np.testing.assert_allclose(left.keypoints[0], person_at(SECOND), atol=OFF)  # the larger first
        np.testing.assert_allclose(left.keypoints[1], person_at(FIRST), atol=OFF)
        np.testing.assert_allclose(right.keypoints[0], person_at(FIRST), atol=OFF)
        assert (left.scores > 0.9).all() and (left.person_scores > 0.9).all()
    model.reset()
    assert model.detect([both, one], [9, 9])[0].track.tolist() == [2, 3]
    model.close()
    model.close()


def test_it_follows_far_away_from_where_the_detector_looks(tmp_path: Path) -> None:
    model = make_model(tmp_path, [(*FIRST, 0.9)])
    for step in range(30):
        person = person_at(FIRST) + np.array([8.0 * step, 0])
        (found,) = model.detect([draw([person])], [step])
        assert found.track.tolist() == [0]
        np.testing.assert_allclose(found.keypoints[0], person, atol=OFF)


def test_views_without_a_picture_see_nobody_and_keep_their_people(tmp_path: Path) -> None:
    model = make_model(tmp_path, [(*FIRST, 0.9)], cameras=2)
    image = draw([person_at(FIRST)])
    assert [len(found) for found in model.detect([image, None], [0, -1])] == [1, 0]
    assert [len(found) for found in model.detect([None, None], [-1, -1])] == [0, 0]
    assert [found.track.tolist() for found in model.detect([image, image], [1, 1])] == [[0], [0]]


def test_a_hidden_keypoint_is_missing(tmp_path: Path) -> None:
    model = make_model(tmp_path, [(*FIRST, 0.9)])
    (found,) = model.detect([draw([person_at(FIRST)], hidden=(16,))], [0])
    assert found.scores[0, 16] < 0.5 and (found.scores[0, :16] > 0.9).all()


def test_files_of_ones_own_are_described(tmp_path: Path) -> None:
    model = make_model(tmp_path, [(*FIRST, 0.9)])
    assert model.name == "pose + detector" and model.device == "cpu"
    assert model.skeleton.name == "coco_17"
    assert model.hashes == {f"{n}.onnx": sha256_of(tmp_path / f"{n}.onnx") for n in ("pose", "detector")}


def test_pictures_that_are_none(tmp_path: Path) -> None:
    model = make_model(tmp_path, [(*FIRST, 0.9)])
    with pytest.raises(BadInputError, match="grey"):
        model.detect([np.zeros(PICTURE, np.uint8)], [0])
    with pytest.raises(ValueError, match="2 pictures and 1 times for 1 views"):
        model.detect([None, None], [0])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"skeleton": None}, "does not say what its keypoints are"),
        ({"skeleton": "halpe_26"}, "has 17 keypoints, halpe_26 has 26"),
        ({"skeleton": "coco17"}, 'did you mean "coco_17"'),
        ({"detector_family": None}, "detector_family: a file does not say"),
        ({"detector": "nowhere.onnx"}, "detector = 'nowhere.onnx': no such file"),
        ({"detector": "yolox-tini"}, 'did you mean "yolox-tiny"'),
        ({"detector": "blazepose"}, "another kind of model; allowed: rtmdet-nano"),
        ({"pose": "rtmpose-q"}, 'did you mean "rtmpose-'),
        ({"detector_input": (320, 320)}, "takes 640x640 px"),
        ({"device": "cuda"}, "device = 'cuda'"),
    ],
)
def test_settings_that_do_not_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], words: str
) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(BadInputError, match=words):
        make_model(tmp_path, [(*FIRST, 0.9)], **settings)


def test_without_weights_one_sentence_says_how_to_get_them(tmp_path: Path) -> None:
    model_class = KEYPOINT_MODELS.load("rtmpose")
    config = parse_config(model_class.Config, {"models": str(tmp_path)})
    with pytest.raises(BadInputError) as caught:
        model_class(config, ["cam1"])
    assert str(caught.value) == (
        "rtmpose-m and rtmdet-nano are not on this machine yet; run: python launch.py models fetch rtmpose-m "
        "&& python launch.py models fetch rtmdet-nano"
    )


def test_models_of_the_zoo_bring_skeleton_family_and_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zoo on this machine, whose files are the small networks."""
    given = tmp_path / "given"
    given.mkdir()
    detector = constant_detector(given / "d.onnx", np.array([[*FIRST, 0.9]]), 640)
    pose = dot_simcc(given / "p.onnx", JOINTS, SIZE)
    licence = {"name": "X", "url": "https://example.org", "holder": "somebody", "must_accept": False}

    def entry(name: str, path: Path, network: dict[str, object], skeleton: str | None) -> dict[str, object]:
        file = f"{name}.onnx"
        return {
            "title": name,
            "licence": licence,
            "skeleton": skeleton,
            "network": network,
            "files": {file: {"size": path.stat().st_size, "sha256": sha256_of(path)}},
            "sources": [{"type": "url", "name": "web", "urls": {file: "https://example.org/x"}}],
        }

    manifest = parse_config(
        Manifest,
        {
            "version": 1,
            "models": {
                "dots": entry("dots", pose, {"family": "simcc", "input": list(SIZE)}, "coco_17"),
                "constant": entry("constant", detector, {"family": "yolox", "input": [640, 640]}, None),
            },
        },
    )
    monkeypatch.setattr("models.zoo.store.read_manifest", lambda: manifest)
    store = ModelStore(tmp_path / "store")
    store.import_files("dots", [pose])
    config = RtmPoseConfig(pose="dots", detector="constant", device="cpu", threads=1, models=store.folder)
    with pytest.raises(BadInputError, match=r"^constant is not on this machine yet; run: .* fetch constant$"):
        RtmPose(config, ["cam1"])
    store.import_files("constant", [detector])
    model = RtmPose(config, ["cam1"])
    assert model.name == "dots + constant" and model.skeleton.name == "coco_17"
    assert model.hashes == {"dots.onnx": sha256_of(pose), "constant.onnx": sha256_of(detector)}
    (found,) = model.detect([draw([person_at(FIRST)])], [0])
    np.testing.assert_allclose(found.keypoints[0], person_at(FIRST), atol=OFF)
    with pytest.raises(BadInputError, match="has the skeleton coco_17"):
        RtmPose(config.model_copy(update={"skeleton": "halpe_26"}), ["cam1"])
    (store.folder / "dots" / "dots.onnx").write_bytes(b"something else")
    with pytest.raises(BadInputError, match=r"dots\.onnx: has 14 bytes, expected .* models fetch dots"):
        RtmPose(config, ["cam1"])


def test_without_onnx_runtime_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [
        name for name in sys.modules if name.startswith(("models.keypoints.rtmpose", "models.runtimes.onnx"))
    ]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r'"rtmpose" needs the package onnxruntime; .*"\.\[onnx\]"'):
        KEYPOINT_MODELS.load("rtmpose")
