from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from configs.errors import BadInputError
from configs.loading import parse_config
from models.skeletons import get_skeleton
from models.zoo.manifest import MANIFEST, Manifest, read_manifest


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
