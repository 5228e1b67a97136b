from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.takes.digest import THUMBNAIL, Digest, Finding, key_of, make_digests, read_digest
from app.takes.take_entry import stamp_of
from pipeline.take.quality import take_quality
from tests.app.takes.conftest import SIZE, age


def made(folders: list[Path], cache: Path) -> list[Digest | None]:
    told: list[tuple[float, str]] = []
    assert make_digests(lambda share, what: told.append((share, what)), folders, cache) == len(folders)
    assert [what for _, what in told] == [str(folder) for folder in folders]
    assert told[-1][0] == 1.0
    return [read_digest(cache, key_of(folder, stamp_of(folder))) for folder in folders]


def test_quality_is_that_of_the_report_and_the_picture_shows_the_take(walk: Path, tmp_path: Path):
    (digest,) = made([walk], tmp_path / "cache")
    assert digest is not None
    quality = take_quality(walk)
    assert quality is not None
    assert quality.body_reprojection_px is not None
    assert digest.figure == f"{quality.body_reprojection_px['mean']:.1f} px"
    titles = [finding.title for finding in digest.findings]
    assert {"Recorded frames", "Reprojection error", "Bone lengths", "Distance to the truth"} <= set(titles)
    assert digest.grade in {"warning", "bad"}, "two frames of 30 are lost, and keypoints have 1 px of noise"
    assert digest.words.split(" · ")[1] == digest.figure
    assert digest.thumbnail is not None
    picture = cv2.imread(str(digest.thumbnail))
    assert picture is not None
    height, width = picture.shape[:2]
    assert height == THUMBNAIL[1]
    assert width / height == SIZE[0] / SIZE[1]
    # A grey room; the skeleton is drawn in colours.
    assert (np.ptp(picture.astype(int), axis=2) > 80).sum() > 50


def test_a_changed_take_is_looked_at_anew(walk: Path, tmp_path: Path):
    age(walk)
    cache = tmp_path / "cache"
    made([walk], cache)
    (walk / "take.yaml").touch()
    assert read_digest(cache, key_of(walk, stamp_of(walk))) is None


def test_interrupted_and_damaged_takes_have_an_entry_too(walk: Path, interrupted: Path, tmp_path: Path):
    (interrupted / "poses.npz").rename(interrupted / "poses.log")
    (walk / "poses.npz").write_bytes(b"no zip")
    cut, damaged = made([interrupted, walk], tmp_path / "cache")
    assert cut is not None
    assert cut.thumbnail is not None
    assert (cut.findings, cut.problem) == ((), "")
    assert damaged is not None
    assert "poses.npz: is damaged" in damaged.problem
    assert damaged.words == "Cannot be judged"


def test_the_cache_does_not_grow_for_ever(walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cache = tmp_path / "cache"
    cache.mkdir()
    for number in range(4):
        (cache / f"{number}.json").write_text("{}")
        (cache / f"{number}.jpg").touch()
        os.utime(cache / f"{number}.json", (number, number))
    monkeypatch.setattr("app.takes.digest.MOST_ENTRIES", 2)
    (digest,) = made([walk], cache)
    assert digest is not None
    assert len(list(cache.glob("*.json"))) == len(list(cache.glob("*.jpg"))) == 2
    assert (cache / "3.json").exists()


def test_a_broken_cache_entry_counts_as_none(tmp_path: Path):
    (tmp_path / "key.json").write_text("{")
    assert read_digest(tmp_path, "key") is None
    assert read_digest(tmp_path, "other") is None


def test_words_name_what_is_not_good():
    good = Finding("Reprojection error", "good", "mean 1.0 px", "", "")
    bones = Finding("Bone lengths", "warning", "7.0 % variation", "", "")
    assert Digest("good", "1.0 px", (good,), None).words == "Good · 1.0 px"
    assert (
        Digest("warning", "1.0 px", (good, bones), None).words
        == "Fair · 1.0 px · bone lengths 7.0 % variation"
    )
    assert Digest("quiet", "", (), None).words == "No poses"
