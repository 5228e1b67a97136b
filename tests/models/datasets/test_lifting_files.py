"""Published files of poses: what is read is what was written, and nothing in them runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from configs.errors import BadInputError
from models.datasets.lifting_files import layout_of, read_normalised, read_pixels
from tests.models.datasets.tiny_lifting import TAKES, hostile, normalised_files, pixel_files, poses, saved


def test_pixels_and_millimetres_come_back(tmp_path: Path) -> None:
    folder = pixel_files(tmp_path / "gt", 4)
    assert layout_of(folder) == "pixels"
    for split, source in (("train", "train"), ("test", "val")):
        found = read_pixels(folder, split, drop_drifted=False)
        keypoints, joints = poses(4 * len(TAKES), source)
        # takes are sorted by name, as they were written; single precision keeps 7 digits
        np.testing.assert_allclose(found.keypoints * 500.0 + 500.0, keypoints, atol=1e-3)
        np.testing.assert_allclose(found.joints * 1000.0, joints, atol=1e-3)


def test_normalised_poses_come_back(tmp_path: Path) -> None:
    folder = normalised_files(tmp_path / "data", 4)
    assert layout_of(folder) == "normalised"
    found = read_normalised(folder, "test")
    assert sorted(set(found.action)) == [action for action, _ in TAKES]
    rows = found.statistics.unnormalise(found.wanted).reshape(len(found), -1, 3)
    _, joints = poses(4 * len(TAKES), "val")
    np.testing.assert_allclose(rows[:, 27], joints[:, 16], atol=1e-2)  # raw joint 27 is the right wrist
    np.testing.assert_allclose(rows[:, 0], 0.0, atol=1e-9)
    hourglass = read_normalised(folder, "test", detected=True, action="walking")
    np.testing.assert_array_equal(hourglass.given, found.given[found.action == "Walking"])


def test_wrong_files_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such folder"):
        layout_of(tmp_path / "nowhere")
    with pytest.raises(BadInputError, match="no poses for lifting"):
        layout_of(tmp_path)
    folder = normalised_files(tmp_path / "data", 2)
    with pytest.raises(BadInputError, match="no pose of Flying"):
        read_normalised(folder, "test", action="Flying")
    table = torch.load(folder / "test_3d.pth.tar", weights_only=False)
    first = next(iter(table))
    saved({**table, first: table[first][:1]}, folder / "test_3d.pth.tar")
    with pytest.raises(BadInputError, match="shapes"):
        read_normalised(folder, "test")
    saved({name: rows for name, rows in table.items() if name != first}, folder / "test_3d.pth.tar")
    with pytest.raises(BadInputError, match="no 3D pose"):
        read_normalised(folder, "test")
    saved([1, 2], folder / "test_2d.pth.tar")
    with pytest.raises(BadInputError, match="no table of poses"):
        read_normalised(folder, "test")
    (folder / "test_2d.pth.tar").write_bytes(b"nonsense")
    with pytest.raises(BadInputError, match="damaged"):
        read_normalised(folder, "test")
    hostile(folder / "test_2d.pth.tar")
    with pytest.raises(BadInputError):
        read_normalised(folder, "test")
    assert not (folder / "test_2d.pth.ran").exists()
