"""A few frames in the layouts of the Human3.6M downloads, of a made-up scene with known truth."""

from __future__ import annotations

from pathlib import Path

import cv2
import h5py
import numpy as np

from models.datasets.human36m_names import BOX_STEMS, CAMERAS, POSE_STEMS, RAW_JOINTS

SIZE = 120
"""Pictures are square, px."""
ACTIONS = {"S1": ("Directions-2",), "S9": ("Directions-1", "Greeting-2", "Walking-1")}
KEPT = (0, 3, 5)
"""Frames with pictures; the archives hold frames 0 to 5."""
FRAMES = 6
DIST = np.array([-0.1, 0.05, 0.002, -0.001, 0.01])
"""k1 k2 p1 p2 k3."""
FOCAL, CENTRE = (140.0, 141.0), (60.5, 58.0)
MISSING = ("S9", "Walking-1", CAMERAS[0])
"""A camera without pictures."""


def camera(at: int) -> tuple[np.ndarray, np.ndarray]:
    """R and the camera's position in mm, on a circle of 4 m, looking at (0, 0, 900)."""
    angle = 0.3 + at * np.pi / 2
    position = np.array([4000 * np.cos(angle), 4000 * np.sin(angle), 1500.0])
    forward = np.array([0, 0, 900.0]) - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward]), position


def raw_joints(subject: str, action: str) -> np.ndarray:
    """(FRAMES, 32, 3) mm."""
    seed = [ord(letter) for letter in subject + action]
    generator = np.random.default_rng(seed)
    body = generator.normal(0, (150, 150, 350), (32, 3)) + np.array([0, 0, 900])
    return body + generator.normal(0, 30, (FRAMES, 1, 3)) + generator.normal(0, 5, (FRAMES, 32, 3))


def truth(subject: str, action: str) -> np.ndarray:
    """(FRAMES, 17, 3) mm."""
    return raw_joints(subject, action)[:, RAW_JOINTS]


def box(subject: str, action: str, name: str, frame: int) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of the made-up silhouette; not square."""
    seed = sum(map(ord, subject + action + name)) + 7 * frame
    generator = np.random.default_rng(seed)
    top, left = generator.integers(5, 30, 2)
    height, width = generator.integers(40, 80, 2)
    return int(top), int(left), int(top + height), int(left + width)


def picture(at: int, frame: int) -> np.ndarray:
    """Smooth enough to survive JPEG."""
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
    channels = [
        128 + 100 * np.sin(3 * rows + at + frame),
        128 + 100 * np.cos(4 * columns - at),
        255 * rows * columns,
    ]
    return np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8)


def write_downloads(root: Path) -> None:
    """Everything that ``prepare human36m`` reads."""
    archive = root / "extra" / "una-dinosauria-data" / "h36m"
    archive.mkdir(parents=True)
    with h5py.File(archive / "cameras.h5", "w") as file:
        for subject in ACTIONS:
            for at, name in enumerate(CAMERAS):
                R, position = camera(at)
                group = file.create_group(f"subject{subject[1:]}/camera{at + 1}")
                group["R"], group["T"] = R.T, position[:, None]
                group["f"], group["c"] = np.array(FOCAL)[:, None], np.array(CENTRE)[:, None]
                group["k"], group["p"] = DIST[[0, 1, 4]][:, None], DIST[[2, 3]][:, None]
                group["Name"] = np.array([ord(letter) for letter in name], np.uint16)[:, None]
    for subject, actions in ACTIONS.items():
        for action in actions:
            poses = archive / subject / "MyPoses" / "3D_positions"
            poses.mkdir(parents=True, exist_ok=True)
            with h5py.File(poses / f"{POSE_STEMS[subject, action]}.h5", "w") as file:
                file["3D_positions"] = raw_joints(subject, action).reshape(FRAMES, -1).T
            for at, name in enumerate(CAMERAS):
                if (subject, action, name) == MISSING:
                    continue
                _write_boxes(root, subject, action, name)
                folder = root / "processed" / subject / action / "imageSequence" / name
                folder.mkdir(parents=True)
                for frame in KEPT:
                    cv2.imwrite(str(folder / f"img_{frame + 1:06d}.jpg"), picture(at, frame))


def _write_boxes(root: Path, subject: str, action: str, name: str) -> None:
    folder = root / "processed" / subject / "MySegmentsMat" / "ground_truth_bb"
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / f"{BOX_STEMS[subject, action]}.{name}.mat", "w") as file:
        references = np.empty((FRAMES, 1), h5py.ref_dtype)
        for frame in range(FRAMES):
            top, left, bottom, right = box(subject, action, name, frame)
            mask = np.zeros((SIZE, SIZE), np.uint8)
            mask[top:bottom, left:right] = 1
            references[frame, 0] = file.create_dataset(f"#refs#/{frame}", data=mask.T).ref
        file.create_dataset("Masks", data=references, dtype=h5py.ref_dtype)
