"""Files of predictions against files of annotations: exact ones score fully, shifted ones as calculated."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from configs.errors import BadInputError
from models.evaluation.mupots import FROM_2020
from models.evaluation.prediction_files import over_seeds, read_predictions
from models.evaluation.single_camera_run import evaluate_3dhp, evaluate_3dpw, evaluate_mupots
from tests.models.datasets.tiny_single_camera import mpi_inf_3dhp, mupots, threedpw

SHIFT = np.array([59.4, 79.2, 0.0])
"""Its length is 99 mm."""


def written(path: Path, names: list[str], poses: np.ndarray, **more: np.ndarray) -> Path:
    np.savez(path, image_path=np.array(names), coords3d_pred_cam=poses, **more)
    return path


def test_3dhp_from_annotations(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed")
    truth = mpi_inf_3dhp(tmp_path / "test")
    names = [f"mpi_inf_3dhp_test_set/TS{n}/imageSequence/img_{frame:06d}.jpg" for n, frame in truth]
    order = np.random.default_rng(0).permutation(len(names))  # rows come in any order
    poses = np.stack(list(truth.values()))
    poses[:, :14] += SHIFT  # the counted joints, not the pelvis
    path = written(tmp_path / "p.npz", [names[row] for row in order], poses[order])
    row = evaluate_3dhp(path, data=tmp_path / "test")
    assert row["pck"] == 100.0 and row["outdoor"] == 100.0
    # 99 mm is below 100, 105, ..., 150: eleven of 31 thresholds
    assert row["auc"] == pytest.approx(100.0 * 11 / 31)
    assert row["mpjpe"] == pytest.approx(99.0 * 14 / 17)
    assert row["extended|pck50"] == pytest.approx(100.0 * 3 / 17)
    assert np.isnan(row["Misc."]) and row["Exercise"] == 100.0  # the seventh of six frames has no pose
    universal = evaluate_3dhp(path, data=tmp_path / "test", universal=True)
    assert universal["mpjpe"] != pytest.approx(row["mpjpe"])
    with pytest.raises(BadInputError, match="one for each"):
        evaluate_3dhp(written(tmp_path / "q.npz", names[:-1], poses[:-1]), data=tmp_path / "test")


def test_3dhp_from_one_file(tmp_path: Path) -> None:
    truth = np.random.default_rng(1).normal(0.0, 300.0, (4, 17, 3))
    poses = truth.copy()
    poses[0, 3] += 2.0 * SHIFT
    path = tmp_path / "old.npz"
    np.savez(
        path,
        image_path=np.array([b"TS1/a.jpg"] * 4),  # bytes, as in 2020
        coords3d_pred=poses,
        coords3d_true=truth,
        activity_name=np.array([b"Exercise", b"Sports", b"Sports", b"Misc."]),
        scene_name=np.array([b"outdoor", b"green-screen", b"outdoor", b"no-green-screen"]),
    )
    row = evaluate_3dhp(path)
    assert row["Exercise"] == pytest.approx(100.0 * 13 / 14)
    assert row["Sports"] == row["green-screen"] == 100.0
    assert row["mpjpe"] == pytest.approx(198.0 / 68)
    with pytest.raises(BadInputError, match="--data"):
        evaluate_3dhp(path, universal=True)


def test_mupots_from_annotations(tmp_path: Path) -> None:
    truth = mupots(tmp_path / "MultiPersonTestSet")
    names, poses = [], []
    for (number, frame), people in truth.items():
        for person in people[::-1]:
            names.append(f"mupots/TS{number}/img_{frame:06d}.jpg")
            poses.append(person)
    path = written(tmp_path / "p.npz", names, np.stack(poses))
    scores = evaluate_mupots(path, tmp_path / "MultiPersonTestSet")
    assert scores["recall"] == 1.0
    assert scores["nonuniv|rootrel|norescale|pck_all_anno"] == 100.0
    # Exact: what is left is rounding of millimetres in the file.
    assert scores["nonuniv|nonrootrel|rescale|mpjpe17"] < 1e-6
    assert scores["univ|nonrootrel|norescale|mpjpe17"] > 200.0  # a tenth of metres
    moved = np.stack(poses) + np.array((0.0, 0.0, 100.0))
    far = evaluate_mupots(written(tmp_path / "q.npz", names, moved), tmp_path / "MultiPersonTestSet")
    assert far["nonuniv|nonrootrel|norescale|mpjpe14"] == pytest.approx(100.0)
    assert far["nonuniv|rootrel|norescale|mpjpe14"] == pytest.approx(0.0, abs=1e-6)
    first = written(tmp_path / "r.npz", names[:1], np.stack(poses[:1]))
    few = evaluate_mupots(first, tmp_path / "MultiPersonTestSet")
    assert few["recall"] == pytest.approx(1.0 / len(names))
    # a sequence without a match counts as zero, in the mean of two as half of the other
    share = 1.0 / sum(len(people) for (number, _), people in truth.items() if number == 1)
    assert few["nonuniv|rootrel|norescale|pck_all_anno"] == pytest.approx(50.0 * share)
    back = np.argsort(FROM_2020)
    old = written(tmp_path / "s.npz", names, np.stack(poses)[:, back])
    again = evaluate_mupots(old, tmp_path / "MultiPersonTestSet", pelvis_last=True)
    assert again == pytest.approx(scores, abs=1e-9)
    wrong = written(tmp_path / "t.npz", ["mupots/TS1/img_000099.jpg"], np.stack(poses[:1]))
    with pytest.raises(BadInputError, match="no such picture"):
        evaluate_mupots(wrong, tmp_path / "MultiPersonTestSet")


def test_3dpw_from_annotations(tmp_path: Path) -> None:
    truth = threedpw(tmp_path / "3dpw")
    folder = tmp_path / "predictions" / "test"
    folder.mkdir(parents=True)

    def predict(mm: np.ndarray) -> None:
        (folder / "downtown_00.pkl").write_bytes(pickle.dumps({"jointPositions": mm / 1000.0}, protocol=2))

    predict(truth)
    exact = evaluate_3dpw(tmp_path / "predictions", tmp_path / "3dpw")
    assert exact["poses"] == 13.0  # of 16: a frame without camera, a person who is not seen
    assert exact["mpjpe"] < 1e-6 and exact["pck"] == 100.0
    predict(truth + SHIFT)
    moved = evaluate_3dpw(tmp_path / "predictions", tmp_path / "3dpw")
    assert moved["mpjpe_abs"] == pytest.approx(99.0) and moved["mpjpe"] < 1e-6
    smooth = evaluate_3dpw(tmp_path / "predictions", tmp_path / "3dpw", smoothing="short")
    assert smooth["mpjpe"] > 10.0  # frames of these random people have nothing in common
    aligned = evaluate_3dpw(tmp_path / "predictions", tmp_path / "3dpw", procrustes=True)
    assert aligned["mpjpe_abs"] < 1e-6
    predict(truth[:, :-1])
    with pytest.raises(BadInputError, match="shape"):
        evaluate_3dpw(tmp_path / "predictions", tmp_path / "3dpw")
    (folder / "downtown_00.pkl").unlink()
    with pytest.raises(BadInputError, match="no such file"):
        evaluate_3dpw(tmp_path / "predictions", tmp_path / "3dpw")


def test_means_over_seeds(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"seed{number}").mkdir()
        np.save(tmp_path / f"seed{number}" / "x.npy", np.array(float(number)))
    read = lambda path: {"score": float(np.load(path))}  # noqa: E731
    means, deviations = over_seeds(tmp_path / "seed1" / "x.npy", 3, read)
    assert means == {"score": 2.0} and deviations["score"] == pytest.approx((2.0 / 3.0) ** 0.5)
    assert over_seeds(tmp_path / "seed1" / "x.npy", 1, read) == ({"score": 1.0}, {})
    with pytest.raises(BadInputError, match="number of the run"):
        over_seeds(Path("x.npy"), 3, read)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"coords3d_pred_cam": np.zeros((1, 17, 3))}, "which pictures"),
        ({"image_path": np.array(["a"])}, "no predictions"),
        ({"image_path": np.array(["a"]), "coords3d_pred_cam": np.zeros((2, 17, 3))}, "shape"),
        ({"image_path": np.array(["a"]), "coords3d_pred_cam": np.full((1, 17, 3), np.nan)}, "finite"),
        (
            {
                "image_path": np.array(["a"]),
                "coords3d_pred_cam": np.zeros((1, 17, 3)),
                "scene_name": np.array(["a", "b"]),
            },
            "2 names",
        ),
    ],
)
def test_files_that_do_not_fit(content: dict[str, np.ndarray], sentence: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", **content)
    with pytest.raises(BadInputError, match=sentence):
        read_predictions(tmp_path / "p.npz", 17)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such file"):
        read_predictions(tmp_path / "p.npz", 17)
    (tmp_path / "p.npz").write_bytes(b"nonsense")
    with pytest.raises(BadInputError, match="damaged"):
        read_predictions(tmp_path / "p.npz", 17)
