from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from configs.errors import MissingExtraError
from pipeline.exporters.export import export_take
from pipeline.exporters.registry import EXPORTERS
from pipeline.take.take import Take
from tests.pipeline.take.synthetic_take import SKELETON, make_take

FRAMES = 12


@pytest.fixture
def take(tmp_path: Path) -> Take:
    folder = make_take(tmp_path / "walk", frames=FRAMES, sizes=[(64, 48)] * 3, label="drawn")
    with np.load(folder / "poses.npz") as data:
        arrays = {name: data[name] for name in data.files}
    arrays["joints"][5:7, 0, 3] = np.nan
    np.savez(folder / "poses.npz", **arrays)
    return Take.open(folder)


def test_another_reader_finds_the_same_points(take: Take, tmp_path: Path):
    pytest.importorskip("ezc3d")
    c3d = pytest.importorskip("c3d", reason="the independent reader is not installed")
    (path,) = export_take(take.folder, ["c3d"], tmp_path)
    with path.open("rb") as stream, pytest.warns(UserWarning, match="No analog data"):
        reader = c3d.Reader(stream)
        frames = [points for _, points, _ in reader.read_frames(copy=True)]
    assert reader.point_rate == 30.0
    assert [label.strip() for label in reader.point_labels] == list(SKELETON.joints)
    assert reader.get_string("POINT:UNITS").strip() == "mm"
    assert reader.get_string("POSESTAGE:LABEL").strip() == "drawn"
    poses = take.poses()
    assert poses is not None
    assert len(frames) == FRAMES
    for number, points in enumerate(frames):
        there = points[:, 3] >= 0
        expected = poses.joints[number, 0]
        np.testing.assert_array_equal(there, np.isfinite(expected[:, 0]))
        # Steps of 32-bit floats below 4 m are 0.0002 mm; the grid's 3 ns are nothing beside that.
        np.testing.assert_allclose(points[there, :3], expected[there], atol=5e-4)


def test_residuals_tell_the_deviation_and_what_is_missing(take: Take, tmp_path: Path):
    ezc3d = pytest.importorskip("ezc3d")
    (path,) = export_take(take.folder, ["c3d"], tmp_path)
    residuals = ezc3d.c3d(str(path))["data"]["meta_points"]["residuals"][0]
    assert set(np.unique(residuals)) == {-1.0, 5.0}
    np.testing.assert_array_equal(np.argwhere(residuals < 0), [[3, 5], [3, 6]])


def test_a_missing_package_is_said_with_its_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "ezc3d", None)
    monkeypatch.delitem(__import__("sys").modules, "pipeline.exporters.c3d", raising=False)
    with pytest.raises(
        MissingExtraError, match=r'export format "c3d" needs the package ezc3d; run: .*formats'
    ):
        EXPORTERS.load("c3d")
