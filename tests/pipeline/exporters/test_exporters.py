from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from configs.errors import BadInputError
from models.skeletons import get_skeleton
from pipeline.exporters.base import ExportError
from pipeline.exporters.export import export_take
from pipeline.exporters.registry import EXPORTERS, SENTENCES
from pipeline.take.take import Take
from tests.pipeline.take.synthetic_take import ORIGIN_NS, SKELETON, make_take


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Take:
    folder = tmp_path_factory.mktemp("takes") / "walk"
    # Two people, one, none; the last joint of the first person is made to be missing.
    make_take(folder, frames=9, people=lambda index: index % 3)
    with np.load(folder / "poses.npz") as data:
        arrays = {name: data[name] for name in data.files}
    arrays["joints"][:, 0, 25] = np.nan
    arrays["covariance"][:, 0, 25] = np.nan
    arrays["scores"][:, 0, 25] = 0.0
    np.savez(folder / "poses.npz", **arrays)
    return Take.open(folder)


PEOPLE_ROWS = 3 * (0 + 1 + 2)


@pytest.mark.parametrize("name", list(EXPORTERS))
def test_every_exporter_writes_and_finds_a_damaged_value(take: Take, tmp_path: Path, name: str):
    (path,) = export_take(take.folder, [name], tmp_path)
    assert path == tmp_path / f"walk{EXPORTERS.load(name).suffix}"
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
    poses = take.poses()
    assert poses is not None
    exporter = EXPORTERS.load(name)()
    exporter.verify(take, poses, path)
    # A hundredth of a millimetre in one number, a missing value invented, a person lost.
    poses.joints[1, 0, 3, 2] += 0.01
    with pytest.raises(ExportError):
        exporter.verify(take, poses, path)
    poses.joints[1, 0, 3, 2] = np.nan
    with pytest.raises(ExportError):
        exporter.verify(take, poses, path)
    poses = take.poses()
    assert poses is not None
    poses.person[1, 0] = -1
    with pytest.raises(ExportError):
        exporter.verify(take, poses, path)


def test_every_format_says_what_it_is_good_for():
    assert set(SENTENCES) == set(EXPORTERS)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


def test_smoothed_joints_on_request(take: Take, tmp_path: Path):
    poses = take.poses()
    assert poses is not None
    poses.smoothed[...] = poses.joints + 1.0
    measured = {"times_ns": poses.times_ns, "joints": poses.joints, "smoothed": poses.smoothed}
    folder = tmp_path / "walk"
    shutil.copytree(take.folder, folder)
    with np.load(folder / "poses.npz") as data:
        np.savez(folder / "poses.npz", **{name: measured.get(name, data[name]) for name in data.files})
    for smoothed in (False, True):
        (path,) = export_take(folder, ["npz"], tmp_path / str(smoothed), smoothed=smoothed)
        with np.load(path) as data:
            np.testing.assert_array_equal(data["joints"], poses.smoothed if smoothed else poses.joints)


def test_csv_is_tidy_and_has_units(take: Take, tmp_path: Path):
    (path,) = export_take(take.folder, ["csv"], tmp_path)
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == (
        [
            "time_s",
            "time_ns",
            "person",
            "joint",
            "x_mm",
            "y_mm",
            "z_mm",
            "score",
            "x_std_mm",
            "y_std_mm",
            "z_std_mm",
        ]
    )
    assert len(rows) == PEOPLE_ROWS * len(SKELETON)
    poses = take.poses()
    assert poses is not None
    assert [row["joint"] for row in rows[: len(SKELETON)]] == list(SKELETON.joints)
    first = rows[3]  # first instant with a person is the second one
    assert int(first["time_ns"]) == poses.times_ns[1]
    assert float(first["time_s"]) == pytest.approx((poses.times_ns[1] - ORIGIN_NS) / 1e9, abs=1e-6)
    for axis, letter in enumerate("xyz"):
        assert float(first[f"{letter}_mm"]) == pytest.approx(poses.joints[1, 0, 3, axis], abs=1e-6)
        assert float(first[f"{letter}_std_mm"]) == pytest.approx(5.0)
    missing = rows[25]
    assert missing["x_mm"] == missing["y_mm"] == missing["z_mm"] == missing["x_std_mm"] == ""
    assert float(missing["score"]) == 0.0
    assert {row["person"] for row in rows} == {"0", "1"}


def test_parquet_schema_says_units_and_origin(take: Take, tmp_path: Path):
    (path,) = export_take(take.folder, ["parquet"], tmp_path)
    schema = pq.read_schema(path)
    assert schema.field("x_mm").metadata[b"unit"] == b"mm"
    assert schema.field("time_s").metadata[b"unit"] == b"s"
    assert schema.metadata[b"skeleton"] == b"halpe_26"
    assert schema.metadata[b"take"] == b"synthetic walk"
    table = pq.read_table(path)
    assert table.num_rows == PEOPLE_ROWS * len(SKELETON)
    assert table.column("x_mm").null_count == 6  # one joint of the first person, six instants with one


def test_npz_stands_alone(take: Take, tmp_path: Path):
    (path,) = export_take(take.folder, ["npz"], tmp_path)
    with np.load(path, allow_pickle=False) as data:
        assert data["joints"].shape == (9, 2, 26, 3)
        assert tuple(data["joint_names"]) == get_skeleton("halpe_26").joints
        assert data["time_s"][0] == pytest.approx(0.001)


def test_several_formats_at_once_into_the_take(take: Take):
    seen: list[tuple[str, float]] = []
    paths = export_take(
        take.folder, ["csv", " Parquet ", "csv"], progress=lambda what, part: seen.append((what, part))
    )
    assert [path.name for path in paths] == ["walk.csv", "walk.parquet"]
    assert all(path.parent == take.folder / "exports" for path in paths)
    assert seen == [("walk.csv", 0.0), ("walk.parquet", 0.5), ("done", 1.0)]


def test_existing_files_are_kept_unless_asked(take: Take, tmp_path: Path):
    (tmp_path / "walk.csv").write_text("mine")
    with pytest.raises(BadInputError, match="exists already; add --overwrite"):
        export_take(take.folder, ["npz", "csv"], tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ["walk.csv"], "nothing is written half"
    export_take(take.folder, ["csv"], tmp_path, overwrite=True)
    assert (tmp_path / "walk.csv").read_text().startswith("time_s,")


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        (
            ["cvs"],
            r"--format = 'cvs': unknown export format; allowed: .*; did you mean .csv",
        ),
        (["csv", "bmp"], "unknown export format"),
        ([], "no export format is given"),
    ],
)
def test_unknown_formats_are_bad_input(take: Take, tmp_path: Path, formats: list[str], message: str):
    with pytest.raises(BadInputError, match=message):
        export_take(take.folder, formats, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_bad_takes_and_targets_are_bad_input(take: Take, tmp_path: Path):
    with pytest.raises(BadInputError, match="is not a take"):
        export_take(tmp_path, ["csv"], tmp_path)
    without = make_take(tmp_path / "plain", frames=2, poses=False)
    with pytest.raises(BadInputError, match="holds no poses to export; make some"):
        export_take(without, ["csv"])
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="is a file"):
        export_take(take.folder, ["csv"], tmp_path / "file")


def test_a_file_that_reads_back_wrong_is_removed(take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    exporter = EXPORTERS.load("npz")
    good = exporter.write

    def bad(self, take, poses, path):
        good(self, take, poses, path)
        with np.load(path) as data:
            arrays = {name: data[name] for name in data.files}
        arrays["joints"][0] += 1e-9
        arrays["joints"][1] += 1e-9
        np.savez_compressed(path, **arrays)

    monkeypatch.setattr(exporter, "write", bad)
    with pytest.raises(ExportError, match="array joints does not hold what was written"):
        export_take(take.folder, ["npz"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_take_where_nobody_was_seen(tmp_path: Path):
    folder = make_take(tmp_path / "empty", frames=2, people=lambda _: 0)
    # An animation file has no way to hold no skeleton; its own test is that it says so.
    for path in export_take(folder, [name for name in EXPORTERS if name not in {"bvh", "glb", "gltf"}]):
        assert path.is_file()
    assert len((folder / "exports/empty.csv").read_text().splitlines()) == 1
