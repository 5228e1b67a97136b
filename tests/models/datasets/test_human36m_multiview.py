"""Samples, selections and matched predictions on the tiny data set."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("h5py", reason="h5py is not installed")

from configs.errors import BadInputError
from models.datasets.batch import ViewChoice, batches, collate
from models.datasets.human36m_labels import CAMERA_DTYPE, Labels, read_labels, table_dtype, write_labels
from models.datasets.human36m_multiview import Human36MMultiview, SampleOptions
from models.datasets.human36m_names import ACTION_TRIALS, CAMERAS, SUBJECTS
from models.datasets.human36m_preparation import LABEL_FILE
from models.datasets.results_file import Results, match_rows, read_results, recordings_of, write_results
from models.datasets.single_view import SingleViews
from tests.models.datasets.tiny_human36m import camera, truth

SMALL = SampleOptions(image_shape=(64, 64))


@pytest.fixture(scope="module")
def labels(root: Path) -> Labels:
    return read_labels(root / "extra" / LABEL_FILE)


@pytest.fixture(scope="module")
def dataset(root: Path, labels: Labels) -> Human36MMultiview:
    return Human36MMultiview(root / "processed", labels, "val", SMALL)


def test_selections(labels: Labels) -> None:
    assert len(labels) == 12
    assert len(labels.selected_rows("train")) == 3
    assert len(labels.selected_rows("val")) == 9
    clean = labels.selected_rows("val", with_damaged=False)
    assert {name for _, name, _ in recordings_of(labels, clean)} == {"Directions-1", "Walking-1"}
    np.testing.assert_array_equal(labels.selected_rows("val", every=4), labels.split_rows("val")[::4])
    # Training rows are neither thinned nor cleaned.
    assert len(labels.selected_rows("train", with_damaged=False, every=2)) == 3


def test_a_missing_view_keeps_the_others_in_place(dataset: Human36MMultiview) -> None:
    assert dataset.pictures == "on_the_fly"
    sample = dataset[6]  # Walking-1, whose first camera has no pictures
    assert sample.present.tolist() == [False, True, True, True]
    assert [each.name for each in sample.cameras] == list(CAMERAS)
    assert not sample.images[0].any()
    assert np.isfinite(sample.projections).all()
    np.testing.assert_array_equal(dataset.present()[6], sample.present)


def test_cameras_see_the_truth_where_the_box_says(dataset: Human36MMultiview) -> None:
    sample = dataset[1]
    points = truth("S9", "Directions-1")[3]
    for view in range(4):
        R, position = camera(view)
        ideal = (points - position) @ R.T
        pixels = ideal[:, :2] / ideal[:, 2:] * (140.0, 141.0) + (60.5, 58.0)
        left, top, right, _ = sample.boxes[view, :4]
        expected = (pixels - (left, top)) * 64 / (right - left)
        # Single precision: 1e-7 of products of 4000 mm and 200 px.
        np.testing.assert_allclose(sample.cameras[view].project(points), expected, atol=2e-2)


def test_undistorting_while_reading_equals_pictures_undistorted_before(
    root: Path, labels: Labels, dataset: Human36MMultiview, tmp_path: Path
) -> None:
    from models.datasets.human36m_lens import undistorted_part

    sample = dataset[1]
    for view, name in enumerate(CAMERAS):
        original = root / "processed/S9/Directions-1/imageSequence" / name / "img_000004.jpg"
        picture = cv2.imread(str(original))
        lens = labels.camera(SUBJECTS.index("S9"), view)
        straight = undistorted_part(picture, lens.K, lens.dist, (0, 0, 120, 120))
        folder = tmp_path / "S9/Directions-1/imageSequence-undistorted" / name
        folder.mkdir(parents=True)
        # Without loss, only the name says otherwise.
        (folder / "img_000004.jpg").write_bytes(cv2.imencode(".png", straight)[1].tobytes())
    before = Human36MMultiview(tmp_path, labels, "val", SMALL)
    assert before.pictures == "undistorted"
    np.testing.assert_array_equal(before[1].images, sample.images)
    distorted = SampleOptions(image_shape=(64, 64), undistort=False)
    raw = Human36MMultiview(root / "processed", labels, "val", distorted)[1]
    assert np.abs(raw.images - sample.images).max() > 0.02


def test_single_views_follow_rows_then_cameras(dataset: Human36MMultiview) -> None:
    views = SingleViews(dataset)
    assert len(views) == 9 * 4 - 3
    assert views.samples.tolist() == sorted(views.samples.tolist())
    sample, full = views[5], dataset[1]
    assert (sample.index, views.cameras[5]) == (1, 1)
    np.testing.assert_array_equal(sample.images[0], full.images[1])
    parts = [SingleViews(dataset, rank, 4) for rank in range(4)]
    assert [len(part) for part in parts] == [8, 8, 8, 9]
    np.testing.assert_array_equal(np.concatenate([part.samples for part in parts]), views.samples)


def test_batches_come_in_order(dataset: Human36MMultiview) -> None:
    found = list(batches(dataset, 4, threads=3, ahead=1))
    assert [batch.indexes.tolist() for batch in found] == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    assert found[0].images.shape == (4, 4, 3, 64, 64)
    np.testing.assert_array_equal(found[0].images[2, 3, 1], dataset[2].images[3, :, :, 1])
    # The last sample lacks a camera, which nothing needs to compute.
    assert found[2].present.tolist() == [[True] * 3]
    np.testing.assert_array_equal(found[2].projections[0], dataset[8].projections[1:])


def test_view_subsets_change_with_the_epoch_and_with_nothing_else(dataset: Human36MMultiview) -> None:
    samples = [dataset[at] for at in (0, 1, 6)]

    def seen(epoch: int, **more: bool) -> list[list[bool]]:
        choice = ViewChoice(1, 3, seed=5, epoch=epoch, **more)
        present = np.stack([sample.present for sample in samples])
        return choice.apply(present, np.array([0, 1, 6])).tolist()

    runs = [seen(epoch) for epoch in range(20)]
    assert runs == [seen(epoch) for epoch in range(20)]
    assert len({str(run) for run in runs}) > 4
    for run in runs:
        assert run[0] == run[1] == run[2]
        assert not run[0][0]  # the third sample does not have it
        assert 1 <= sum(run[0]) <= 3
    own = [seen(epoch, per_sample=True) for epoch in range(20)]
    assert any(run[0] != run[1] for run in own)
    assert any(run[0][0] for run in own)
    assert not any(run[2][0] for run in own)
    batch = collate(samples, ViewChoice(2, 2, seed=5))
    assert batch.images.shape[1] == 2
    assert batch.present.all()


def test_results_survive_and_match_by_recording(labels: Labels, tmp_path: Path) -> None:
    whole = labels.split_rows("val")
    poses = np.random.default_rng(1).normal(size=(9, 17, 3)).astype(np.float32)
    # Only every third frame, in another order.
    order = np.array([6, 0, 3])
    path = tmp_path / "results.pkl"
    write_results(path, Results(poses[order], np.arange(3), recordings_of(labels, whole[order])))
    found = read_results(path)
    rows = labels.selected_rows("val", every=3)
    np.testing.assert_array_equal(match_rows(found, labels, "val", rows), poses[[0, 3, 6]])
    with pytest.raises(BadInputError, match="no prediction for 6 of 9 rows, the first of them S9"):
        match_rows(found, labels, "val", whole)


def test_published_results_match_by_their_indexes(labels: Labels, tmp_path: Path) -> None:
    poses = np.random.default_rng(2).normal(size=(9, 17, 3)).astype(np.float32)
    order = np.random.default_rng(3).permutation(9)
    path = tmp_path / "val.pkl"
    path.write_bytes(pickle.dumps({"keypoints_3d": poses[order], "indexes": order}, protocol=2))
    found = read_results(path)
    for rows, wanted in (
        (labels.split_rows("val"), poses),
        (labels.selected_rows("val", every=2), poses[::2]),
        (labels.selected_rows("val", with_damaged=False), poses[[0, 1, 2, 6, 7, 8]]),
    ):
        np.testing.assert_array_equal(match_rows(found, labels, "val", rows), wanted)
    clean = Results(poses[:6], np.arange(6))
    rows = labels.selected_rows("val", with_damaged=False)
    np.testing.assert_array_equal(match_rows(clean, labels, "val", rows), poses[:6])
    with pytest.raises(BadInputError, match="5 instants; the split val has 9 and 9"):
        match_rows(Results(poses[:5], np.arange(5)), labels, "val", labels.split_rows("val"))


def test_predictions_of_other_frames_are_noticed(labels: Labels, caplog: pytest.LogCaptureFixture) -> None:
    rows = labels.split_rows("val")
    exact = labels.table["keypoints"][rows]
    match_rows(Results(exact, np.arange(9)), labels, "val", rows)
    assert not caplog.records
    match_rows(Results(exact + 600, np.arange(9)), labels, "val", rows)
    # 600 mm along three axes.
    assert "off by 1039 mm" in caplog.text


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.unlink, ("never",)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (pickle.dumps(Evil()), "neither an array nor plain data"),
        (b"not a pickle", "cannot be read|damaged"),
        (b"", "damaged"),
        (pickle.dumps([1]), "expected a dictionary"),
        (pickle.dumps({"indexes": np.arange(2)}), "keypoints_3d: is missing"),
        (pickle.dumps({"keypoints_3d": np.zeros((2, 17)), "indexes": np.arange(2)}), r"\(2, 17\)"),
        (pickle.dumps({"keypoints_3d": np.zeros((2, 17, 3), int), "indexes": np.arange(2)}), "int64"),
        (pickle.dumps({"keypoints_3d": np.zeros((2, 17, 3)), "indexes": np.arange(3)}), r"\(3,\)"),
        (pickle.dumps({"keypoints_3d": np.zeros((2, 17, 3)), "indexes": np.zeros(2)}), "whole numbers"),
    ],
)
def test_bad_results_files(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "results.pkl"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=part):
        read_results(path)
    with pytest.raises(BadInputError, match="no such file"):
        read_results(tmp_path / "none.pkl")


def test_labels_survive_writing(labels: Labels, tmp_path: Path) -> None:
    write_labels(tmp_path / "l.npy", labels)
    again = read_labels(tmp_path / "l.npy")
    np.testing.assert_array_equal(again.table, labels.table)
    np.testing.assert_array_equal(again.geometry, labels.geometry)
    # The originals' own way of reading.
    plain = np.load(tmp_path / "l.npy", allow_pickle=True).item()
    assert plain["camera_names"] == list(CAMERAS)
    assert plain["table"].dtype["frame_idx"] == np.int16


def _store(path: Path, **changes: object) -> Path:
    content = {
        "subject_names": list(SUBJECTS),
        "camera_names": list(CAMERAS),
        "action_names": list(ACTION_TRIALS),
        "cameras": np.zeros((7, 4), CAMERA_DTYPE),
        "table": np.zeros(3, table_dtype(4)),
    }
    content |= changes
    np.save(path, {key: value for key, value in content.items() if value is not None}, allow_pickle=True)
    return path


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"table": None}, "table: is missing"),
        ({"table": np.zeros((3, 5))}, "structured array"),
        ({"cameras": np.zeros((6, 4), CAMERA_DTYPE)}, r"shape \(6, 4\), expected \(7, 4\)"),
        ({"table": np.zeros(3, [("subject_idx", "i1")])}, "table.action_idx: is missing"),
        ({"table": np.zeros(3, table_dtype(3))}, r"bbox_by_camera_tlbr"),
        ({"action_names": ["Directions-1"], "table": np.full(1, 3, table_dtype(4))}, "counts to 3"),
        ({"camera_names": "54138969"}, "list of names"),
        ({"table": Evil()}, "neither an array nor plain data"),
    ],
)
def test_bad_label_files(tmp_path: Path, changes: dict[str, object], part: str) -> None:
    with pytest.raises(BadInputError, match=part):
        read_labels(_store(tmp_path / "labels.npy", **changes))


def test_wider_numbers_in_labels_are_fine_and_nan_is_not(tmp_path: Path) -> None:
    wide = np.zeros(2, [(name, np.dtype("f8") if name == "keypoints" else "i8", table_dtype(4)[name].shape)
                        for name in table_dtype(4).names])  # fmt: skip
    assert read_labels(_store(tmp_path / "wide.npy", table=wide)).table.dtype == table_dtype(4)
    wide["frame_idx"] = 70_000
    with pytest.raises(BadInputError, match="does not fit int16"):
        read_labels(_store(tmp_path / "wide.npy", table=wide))
    wide["frame_idx"] = 0
    wide["keypoints"][0, 0, 0] = np.nan
    with pytest.raises(BadInputError, match="not finite"):
        read_labels(_store(tmp_path / "wide.npy", table=wide))


def test_files_of_other_kinds_are_no_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros((3, 4)))
    with pytest.raises(BadInputError, match="float64 and shape"):
        read_labels(tmp_path / "array.npy")
    (tmp_path / "text.npy").write_text("hello")
    with pytest.raises(BadInputError, match=r"is not a \.npy file"):
        read_labels(tmp_path / "text.npy")


def test_missing_and_damaged_pictures_are_named(root: Path, labels: Labels, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such folder"):
        Human36MMultiview(tmp_path / "none", labels, "val", SMALL)
    empty = Human36MMultiview(tmp_path, labels, "val", SMALL)
    with pytest.raises(BadInputError, match=r"img_000001.jpg: no such picture"):
        empty[0]
    path = empty.picture_path(0, 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xd8 torn")
    with pytest.raises(BadInputError, match="not a picture"):
        empty[0]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (SampleOptions(ignore_cameras=(4,)), "0 to 3"),
        (SampleOptions(ignore_cameras=(0, 1, 2, 3)), "leaves no camera"),
        (SampleOptions(scale_box=0.0), "scale_box"),
        (SampleOptions(every=0), "every"),
    ],
)
def test_bad_options(root: Path, labels: Labels, options: SampleOptions, part: str) -> None:
    with pytest.raises(BadInputError, match=part):
        Human36MMultiview(root / "processed", labels, "val", options)
