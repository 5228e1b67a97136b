"""Annotations of MPI-INF-3DHP, MuPoTS and 3DPW in their published layouts, with random people."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
from scipy.io import savemat

K = np.array([[1500.0, 0.0, 1024.0], [0.0, 1490.0, 1000.0], [0.0, 0.0, 1.0]])


def people(count: int, joints: int, seed: int) -> np.ndarray:
    """(count, joints, 3) mm, two to five metres before a camera."""
    random = np.random.default_rng(seed)
    place = random.uniform((-1500.0, -500.0, 2500.0), (1500.0, 500.0, 5000.0), (count, 1, 3))
    return place + random.normal(0.0, 300.0, (count, joints, 3))


def mpi_inf_3dhp(root: Path, frames: int = 6) -> dict[tuple[int, int], np.ndarray]:
    """The test set; truth of valid frames by sequence and number of the picture. Every third is not valid."""
    import h5py

    truth = {}
    for number in range(1, 7):
        folder = root / f"TS{number}"
        folder.mkdir(parents=True)
        poses = people(frames, 17, number)
        with h5py.File(folder / "annot_data.mat", "w") as stored:
            stored["annot3"] = poses[:, None]
            stored["univ_annot3"] = 0.9 * poses[:, None]
            stored["activity_annotation"] = (np.arange(frames) % 7 + 1.0)[:, None]
            valid = np.arange(frames) % 3 != 2
            stored["valid_frame"] = valid[:, None].astype(np.float64)
        truth |= {(number, int(frame) + 1): poses[frame] for frame in np.flatnonzero(valid)}
    return truth


def mupots(
    root: Path, sequences: int = 2, frames: int = 5, crowd: int = 3
) -> dict[tuple[int, int], np.ndarray]:
    """Sequences with ``crowd`` people in every picture, of whom the last is not valid in odd ones."""
    truth = {}
    for number in range(1, sequences + 1):
        table = np.empty((frames, crowd), object)
        for frame in range(frames):
            poses = people(crowd, 17, 1000 * number + frame)
            pixels = poses @ K.T
            pixels = pixels[..., :2] / pixels[..., 2:]
            valid = [not (person == crowd - 1 and frame % 2) for person in range(crowd)]
            for person in range(crowd):
                table[frame, person] = {
                    "annot2": pixels[person].T,
                    "annot3": poses[person].T,
                    "univ_annot3": 0.9 * poses[person].T,
                    "isValidFrame": float(valid[person]),
                }
            truth[number, frame] = poses[valid]
        folder = root / f"TS{number}"
        folder.mkdir(parents=True)
        savemat(folder / "annot.mat", {"annotations": table})
    return truth


def threedpw(root: Path, frames: int = 8) -> np.ndarray:
    """One sequence of two people; their truth (2, frames, 24, 3) mm. The first frame's camera is unknown, and
    the second person is not seen in the last frame."""
    random = np.random.default_rng(4)
    in_camera = np.stack([people(frames, 24, seed) for seed in (1, 2)])
    cameras = np.tile(np.eye(4), (frames, 1, 1))
    for frame in range(frames):
        turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
        cameras[frame, :3, :3] = turn * np.sign(np.linalg.det(turn))
        cameras[frame, :3, 3] = random.normal(size=3)
    metres = in_camera / 1000.0 - cameras[None, :, None, :3, 3]
    world = np.einsum("fba,pfjb->pfja", cameras[:, :3, :3], metres)
    keypoints = np.ones((2, frames, 3, 18))
    keypoints[1, -1] = 0.0
    valid = np.ones((2, frames), int)
    valid[:, 0] = 0
    content = {
        "jointPositions": list(world.reshape(2, frames, 72)),
        "cam_poses": cameras,
        "campose_valid": list(valid),
        "poses2d": list(keypoints),
        "sequence": "downtown_00",
    }
    folder = root / "sequenceFiles" / "test"
    folder.mkdir(parents=True)
    (folder / "downtown_00.pkl").write_bytes(pickle.dumps(content, protocol=2))
    return in_camera
