"""A sequence in the layout of the Panoptic toolbox: centimetres, y down, three HD cameras and a VGA one."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from calibration.camera import Camera

SIZE = (192, 108)
POSES = "hdPose3d_stage1_coco19"
TURN = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
DIST = (-0.7, 0.3, 0.001, -0.001, 0.0)


def joints_cm(frame: int, person: int = 0) -> np.ndarray:
    """(19, 3) cm, feet near y = 0, head near y = -170."""
    generator = np.random.default_rng([frame, person])
    joints = generator.uniform((-25, -160, -25), (25, -10, 25), (19, 3))
    return np.round(joints + np.array([60 * person, 0, 0]), 4)


def cameras() -> list[Camera]:
    result = []
    for at in range(3):
        angle = 0.4 + 2 * np.pi * at / 3
        position = np.array([200 * np.cos(angle), -120.0, 200 * np.sin(angle)])
        # Looking past the person, who is then where the lens bends most.
        aside = 80 * np.array([-np.sin(angle), 0, np.cos(angle)])
        forward = aside + np.array([0, -85.0, 0]) - position
        forward /= np.linalg.norm(forward)
        right = np.cross([0, 1.0, 0], forward)
        right /= np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward])
        K = np.array([[80.0, 0, 95], [0, 81, 54], [0, 0, 1]])
        t = -R @ position * 10
        result.append(Camera(f"00_{at:02d}", SIZE, "pinhole", K, np.array(DIST), R, t))
    return result


def write_sequence(folder: Path) -> Path:
    (folder / POSES).mkdir(parents=True)
    entries = [
        {
            "name": camera.name,
            "type": "hd",
            "resolution": list(SIZE),
            "panel": 0,
            "node": at,
            "K": camera.K.tolist(),
            "distCoef": list(DIST),
            "R": camera.R.round(10).tolist(),
            "t": (camera.t[:, None] / 10).tolist(),
        }
        for at, camera in enumerate(cameras())
    ]
    entries.append({**entries[0], "name": "01_01", "type": "vga", "resolution": [64, 48]})
    (folder / f"calibration_{folder.name}.json").write_text(json.dumps({"cameras": entries}))
    for frame, people in enumerate((1, 1, 2, 0, 1)):
        bodies = []
        for person in range(people):
            score = np.ones((19, 1))
            if frame == 4:
                score[2] = -1.0
            values = np.hstack([joints_cm(frame, person), score])
            bodies.append({"id": person, "joints19": values.ravel().tolist()})
        path = folder / POSES / f"body3DScene_{frame:08d}.json"
        path.write_text(json.dumps({"version": 0.7, "univTime": 100.0 + frame, "bodies": bodies}))
    for camera in cameras():
        pictures = folder / "hdImgs" / camera.name
        pictures.mkdir(parents=True)
        for frame in range(5):
            picture = np.full((SIZE[1], SIZE[0], 3), 40, np.uint8)
            x, y = np.rint(camera.project(joints_cm(frame)[:1] * 10)[0]).astype(int)
            cv2.circle(picture, (int(x), int(y)), 2, (255, 255, 255), -1)
            cv2.imwrite(str(pictures / f"{camera.name}_{frame:08d}.jpg"), picture)
    return folder
