from __future__ import annotations

import copy
import re
from typing import Any

import pytest
import yaml

from configs.errors import BadInputError
from configs.loading import parse_config
from models.skeletons import get_skeleton
from models.zoo.manifest import MANIFEST, ArchiveSource, Manifest, read_manifest


def test_every_model_names_a_known_skeleton_and_https_sources() -> None:
    manifest = read_manifest()
    assert "blazepose" in manifest.models
    for entry in manifest.models.values():
        if entry.network is None or entry.network.family == "simcc":
            get_skeleton(entry.skeleton)
        else:
            assert entry.skeleton is None
        for source in entry.sources:
            if source.type != "wheel":
                urls = source.urls.values() if source.type == "url" else [source.url]
                assert all(url.startswith("https://") for url in urls)


def test_blazepose_is_the_published_pair() -> None:
    entry = read_manifest().model("blazepose")
    assert entry.licence.name == "Apache-2.0"
    assert not entry.licence.must_accept
    assert [source.type for source in entry.sources] == ["url", "wheel"]
    assert entry.size == 2_959_046 + 6_440_512


def test_nothing_is_taken_from_the_names_of_archives() -> None:
    """Their digits are those of checkpoints that were converted; SHA-256 are complete and others."""
    archives = [
        source
        for entry in read_manifest().models.values()
        for source in entry.sources
        if source.type == "archive"
    ]
    assert len(archives) >= 20
    for source in archives:
        digits = re.findall(r"-([0-9a-f]{8})[_.]", source.url)
        known = [
            source.archive.sha256,
            *(read_manifest().models[n].files[f].sha256 for n, f in _files(source)),
        ]
        assert digits and any(known)
        assert not any(sha256 and sha256.startswith(digits[0]) for sha256 in known)


def _files(source: ArchiveSource) -> list[tuple[str, str]]:
    models = read_manifest().models
    return [(name, file) for name, entry in models.items() if source in entry.sources for file in entry.files]


def test_every_detector_and_keypoint_network_says_how_it_is_used() -> None:
    for name, entry in read_manifest().models.items():
        if any(file.endswith(".onnx") for file in entry.files):
            assert list(entry.files) == [f"{name}.onnx"]
            assert entry.network is not None and min(entry.network.input) >= 192


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m["files"]["pose_detection.tflite"].update(sha256="abc"), "sha256"),
        (lambda m: m["files"]["pose_detection.tflite"].update(size=0), "size"),
        (lambda m: m["files"].update({"../up": {"size": 1, "sha256": "0" * 64}}), "plain file name"),
        (lambda m: m["sources"][0]["urls"].popitem(), 'source "official" must list exactly'),
        (lambda m: m["sources"][0]["urls"].update({"pose_detection.tflite": "file:///x"}), "https://"),
        (lambda m: m["sources"][1].update(name="official"), "share a name"),
        (lambda m: m["sources"][1].update(requirement="mediapipe --index-url x"), "requirement"),
        (lambda m: m.update(license="MIT"), 'did you mean "licence"'),
    ],
)
def test_mistakes_are_explained(change: Any, words: str) -> None:
    data = copy.deepcopy(yaml.safe_load(MANIFEST.read_text()))
    change(data["models"]["blazepose"])
    with pytest.raises(BadInputError, match=words):
        parse_config(Manifest, data, source="manifest.yaml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m["sources"][0].update(url="ftp://example.org/a.zip"), "https://"),
        (lambda m: m["sources"][0]["archive"].update(sha256="55b81170"), "sha256"),
        (lambda m: m["sources"][0].update(members={}), 'source "official" must list exactly'),
        (lambda m: m["network"].update(family="yolov9"), "family"),
        (lambda m: m["network"].update(input=[192]), "input"),
    ],
)
def test_mistakes_in_archives_are_explained(change: Any, words: str) -> None:
    data = copy.deepcopy(yaml.safe_load(MANIFEST.read_text()))
    change(data["models"]["rtmpose-m"])
    with pytest.raises(BadInputError, match=words):
        parse_config(Manifest, data, source="manifest.yaml")
