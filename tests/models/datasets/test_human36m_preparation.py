"""From files in the layout of the downloads to labels whose truth is known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("h5py", reason="h5py is not installed")

import h5py

from configs.errors import BadInputError
from models.datasets.human36m_archive import read_boxes, square_boxes
from models.datasets.human36m_labels import read_labels
from models.datasets.human36m_lens import distort
from models.datasets.human36m_names import (
    ACTION_TRIALS,
    BOX_STEMS,
    CAMERAS,
    POSE_STEMS,
    SUBJECTS,
)
from models.datasets.human36m_preparation import LABEL_FILE, build_labels, extract_boxes, undistort_pictures
from models.datasets.limb_lengths import LIMB_FILE, LIMBS
from tests.models.datasets.tiny_human36m import ACTIONS, CENTRE, DIST, FOCAL, KEPT, box, camera, truth


def quiet(done: int, total: int, what: str) -> None:
    pass


def test_names_of_the_archives() -> None:
    assert len(ACTION_TRIALS) == 30
    assert len(POSE_STEMS) == len(BOX_STEMS) == 210
    assert POSE_STEMS["S1", "Directions-1"] == "Directions 1"
    assert POSE_STEMS["S11", "Phoning-1"] == "Phoning 3"
    assert POSE_STEMS["S8", "WalkingTogether-2"] == "WalkTogether 2"
    assert BOX_STEMS["S1", "TakingPhoto-1"] == "TakingPhoto 1"
    # Two recordings of a subject never share a file.
    for subject in SUBJECTS:
        assert len({POSE_STEMS[subject, action] for action in ACTION_TRIALS}) == 30


def test_rows_cameras_and_boxes_are_those_of_the_scene(root: Path) -> None:
    labels = read_labels(root / "extra" / LABEL_FILE)
    wanted = [(s, a, f) for s in ACTIONS for a in ACTIONS[s] for f in KEPT]
    rows = [
        (SUBJECTS[row["subject_idx"]], ACTION_TRIALS[row["action_idx"]], int(row["frame_idx"]))
        for row in labels.table
    ]
    assert rows == wanted
    for row, (subject, action, frame) in zip(labels.table, wanted, strict=True):
        # Stored as float32: half a unit in the last place of 2 m is 6e-5 mm.
        np.testing.assert_allclose(row["keypoints"], truth(subject, action)[frame], atol=1.3e-4)
        for view, name in enumerate(CAMERAS):
            if (action, view) == ("Walking-1", 0):
                assert not row["bbox_by_camera_tlbr"][view].any()
                continue
            top, left, bottom, right = row["bbox_by_camera_tlbr"][view]
            old = box(subject, action, name, frame)
            assert bottom - top == right - left == max(old[2] - old[0], old[3] - old[1])
            assert abs((top + bottom) - (old[0] + old[2])) <= 1
            assert abs((left + right) - (old[1] + old[3])) <= 1
    for at in range(4):
        R, position = camera(at)
        entry = labels.geometry[SUBJECTS.index("S9"), at]
        np.testing.assert_allclose(entry["R"], R, atol=1e-6)
        np.testing.assert_allclose(entry["t"].ravel(), -R @ position, atol=1e-3)
        np.testing.assert_allclose(entry["dist"], DIST, atol=1e-7)
        assert entry["K"][0, 0] == FOCAL[0]
        assert entry["K"][1, 2] == CENTRE[1]


def test_limb_lengths_are_those_of_the_training_poses(root: Path) -> None:
    poses = np.stack([truth("S1", "Directions-2")[frame] for frame in KEPT])
    lengths = np.stack([np.linalg.norm(poses[:, a] - poses[:, b], axis=1) for a, b in LIMBS], axis=1)
    with h5py.File(root / "extra" / LIMB_FILE) as file:
        np.testing.assert_allclose(file["mean"][()], lengths.mean(axis=0), atol=1e-3)
        np.testing.assert_allclose(file["std"][()], lengths.std(axis=0), atol=1e-3)


def test_limbs_are_those_of_the_network() -> None:
    prior = pytest.importorskip("models.triangulation.limb_prior")
    assert prior.LIMBS == LIMBS


def test_an_interrupted_run_keeps_what_is_done(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(path: Path) -> None:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr("models.datasets.human36m_preparation.read_boxes", never)
    before = (root / "extra" / "bboxes-Human36M-GT.npy").read_bytes()
    assert extract_boxes(root, quiet).read_bytes() == before
    gone = root / "extra" / ".boxes" / "S9" / f"Greeting-2.{CAMERAS[2]}.npy"
    kept = gone.read_bytes()
    gone.unlink()
    with pytest.raises(AssertionError, match=r"Greeting.*was read again"):
        extract_boxes(root, quiet)
    with pytest.raises(BadInputError, match="run the step boxes first"):
        build_labels(root, quiet)
    gone.write_bytes(kept)


def test_straight_lines_are_straight_after_undistortion(root: Path) -> None:
    labels = read_labels(root / "extra" / LABEL_FILE)
    count = 4 * 3 * 4 - 3
    assert undistort_pictures(root, labels, quiet) == count
    assert undistort_pictures(root, labels, quiet) == 0
    folder = root / "processed" / "S9" / "Directions-1"
    straight = cv2.imread(str(folder / "imageSequence-undistorted" / CAMERAS[1] / "img_000004.jpg"))
    original = cv2.imread(str(folder / "imageSequence" / CAMERAS[1] / "img_000004.jpg"))
    focal, centre = np.array(FOCAL), np.array(CENTRE)
    for pixel in ((20, 30), (60, 60), (100, 85)):
        ideal = (np.array(pixel) - centre) / focal
        x, y = np.rint(distort(ideal, DIST) * focal + centre).astype(int)
        # The picture changes by at most 5 grey levels per pixel, JPEG adds a few.
        assert np.abs(straight[pixel[1], pixel[0]].astype(int) - original[y, x]).max() <= 8
    for path in sorted(root.glob("processed/*/*/imageSequence-undistorted/*/*.jpg")):
        path.unlink()
    for path in sorted(root.glob("processed/*/*/imageSequence-undistorted/*")):
        path.rmdir()
    for path in sorted(root.glob("processed/*/*/imageSequence-undistorted")):
        path.rmdir()


def test_lens_against_opencv_where_both_models_agree() -> None:
    points = np.random.default_rng(0).uniform(-0.3, 0.3, (50, 2))
    radial = np.array([-0.2, 0.1, 0, 0, -0.05])
    theirs, _ = cv2.projectPoints(
        np.column_stack([points, np.ones(50)]), np.zeros(3), np.zeros(3), np.eye(3), radial
    )
    np.testing.assert_allclose(distort(points, radial), theirs[:, 0], atol=1e-12)
    tangential = np.array([0, 0, 0.01, 0.02, 0])
    x, y = points.T
    r2 = x**2 + y**2
    np.testing.assert_allclose(
        distort(points, tangential) - points,
        np.column_stack([0.01 * x * y + 0.02 * (x**2 + r2), 0.02 * x * y + 0.01 * (y**2 + r2)]),
        atol=1e-15,
    )


def test_squares_round_halves_to_even() -> None:
    boxes = square_boxes(np.array([[0, 0, 10, 5], [10, 20, 31, 60], [3, 3, 7, 7]]))
    # Centre 2.5, half side 5: left -2.5 is rounded to -2. Centre 20.5, half side 20: top 0.5 to 0.
    np.testing.assert_array_equal(boxes, [[0, -2, 10, 8], [0, 20, 40, 60], [3, 3, 7, 7]])


@pytest.mark.parametrize("content", ["missing", "damaged", "no masks", "nobody"])
def test_bad_archives_are_explained(tmp_path: Path, content: str) -> None:
    path = tmp_path / "Walking.54138969.mat"
    if content == "damaged":
        path.write_bytes(b"MATLAB 5.0 MAT-file" * 20)
    elif content != "missing":
        with h5py.File(path, "w") as file:
            if content == "nobody":
                references = np.empty((1, 1), h5py.ref_dtype)
                references[0, 0] = file.create_dataset("r", data=np.zeros((8, 8), np.uint8)).ref
                file.create_dataset("Masks", data=references, dtype=h5py.ref_dtype)
    sentence = {"missing": "no such file", "damaged": "HDF5", "no masks": "Masks", "nobody": "frame 0"}
    with pytest.raises(BadInputError, match=sentence[content]):
        read_boxes(path)
