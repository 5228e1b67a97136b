"""Pictures with drawn people and their annotations, in the published layouts of COCO, MPII and MPI-INF-3DHP.

Joints are discs on grey limbs; the left wrist is red, the right one blue, so that a test can see where a
crop shows them and whether it is a mirror.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from scipy.io import savemat

from models.datasets.mpi_inf_3dhp_training import ORDER
from models.skeleton import Skeleton
from models.skeletons import get_skeleton

COLOURS = {"left_wrist": (40, 40, 230), "right_wrist": (230, 60, 40)}
"""BGR."""
STANDING = {
    "nose": (0.0, 0.55),
    "eye": (0.03, 0.58),
    "ear": (0.07, 0.56),
    "head_centre": (0.0, 0.58),
    "head_top": (0.0, 0.68),
    "upper_neck": (0.0, 0.46),
    "neck": (0.0, 0.42),
    "thorax": (0.0, 0.42),
    "shoulder": (0.17, 0.40),
    "elbow": (0.28, 0.15),
    "wrist": (0.35, -0.08),
    "lower_spine": (0.0, 0.05),
    "pelvis": (0.0, -0.05),
    "hip": (0.12, -0.05),
    "knee": (0.14, -0.45),
    "ankle": (0.15, -0.85),
}
"""Metres from the middle, to the person's left and up."""


def body(skeleton: Skeleton, random: np.random.Generator) -> np.ndarray:
    """(J, 2) metres to the left and up, each body a little different."""
    joints = []
    for name in skeleton.joints:
        side = 1.0 if name.startswith("left_") else -1.0
        x, y = STANDING[name.removeprefix("left_").removeprefix("right_")]
        joints.append((x * side, y))
    return np.array(joints) + random.normal(0.0, 0.02, (len(joints), 2))


def draw(picture: np.ndarray, skeleton: Skeleton, pixels: np.ndarray, radius: int = 3) -> None:
    """Limbs and joints (J, 2) px."""

    def at(point: np.ndarray) -> tuple[int, int]:
        x, y = np.rint(point * 16).astype(int).tolist()
        return x, y

    for first, last in skeleton.bones:
        cv2.line(picture, at(pixels[first]), at(pixels[last]), (150, 150, 150), 2, cv2.LINE_AA, 4)
    for name, point in zip(skeleton.joints, pixels, strict=True):
        cv2.circle(picture, at(point), radius * 16, COLOURS.get(name, (210, 210, 210)), -1, cv2.LINE_AA, 4)


def middle_of(picture: np.ndarray, joint: str, *, rgb: bool = False) -> np.ndarray | None:
    """(2,) px of the disc of a wrist, None where it is not seen whole."""
    colour = np.array(COLOURS[joint], int)[:: -1 if rgb else 1]
    rows, columns = np.nonzero(np.abs(picture.astype(int) - colour).max(axis=2) < 90)
    return np.array([columns.mean(), rows.mean()]) if len(rows) >= 9 else None


def _person(skeleton: Skeleton, random: np.random.Generator) -> np.ndarray:
    """(J, 2) px of somebody facing a picture of 240 x 200."""
    centre, height = random.uniform((90.0, 85.0), (150.0, 95.0)), random.uniform(80.0, 100.0)
    pixels: np.ndarray = centre + body(skeleton, random) * (height, -height)
    return pixels


def _picture(path: Path, skeleton: Skeleton, pixels: np.ndarray) -> None:
    picture = np.full((200, 240, 3), 70, np.uint8)
    draw(picture, skeleton, pixels)
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 98])


def coco(root: Path, count: int = 4) -> dict[str, np.ndarray]:
    """One usable person in each of ``count`` pictures of each part, px by part; and some who are none."""
    skeleton = get_skeleton("coco_17")
    (root / "annotations").mkdir(parents=True)
    truth = {}
    for seed, part in enumerate(("train", "val")):
        random = np.random.default_rng(seed)
        (root / f"{part}2017").mkdir()
        images, people, points = [], [], []
        for number in range(count):
            pixels = _person(skeleton, random)
            name = f"{number + 1:012d}.jpg"
            _picture(root / f"{part}2017" / name, skeleton, pixels)
            images.append({"id": 100 + number, "file_name": name, "width": 240, "height": 200})
            flags = np.full(17, 2)
            flags[1], flags[3] = 0, 1  # the left eye without label, the left ear hidden
            low, high = pixels.min(axis=0) - 5, pixels.max(axis=0) + 5
            person: dict[str, Any] = {
                "id": number,
                "image_id": 100 + number,
                "category_id": 1,
                "iscrowd": 0,
                "keypoints": np.c_[np.where(flags[:, None] > 0, pixels, 0.0), flags].ravel().tolist(),
                "num_keypoints": 16,
                "bbox": [*low.tolist(), *(high - low).tolist()],
                "segmentation": [],
            }
            people.append(person)
            points.append(pixels)
        few = np.array(people[0]["keypoints"]).reshape(17, 3)
        few[6:] = 0.0
        people += [
            {**people[0], "iscrowd": 1, "segmentation": {"counts": [1], "size": [200, 240]}},
            {**people[0], "keypoints": [0] * 51, "num_keypoints": 0},
            {**people[0], "keypoints": few.ravel().tolist(), "num_keypoints": 5},
            {**people[0], "bbox": [10, 10, 20, 30]},
            {**people[0], "category_id": 2},
        ]
        content = {
            "info": {"year": 2017},
            "images": images,
            "annotations": people,
            "categories": [
                {"id": 1, "name": "person", "keypoints": list(skeleton.joints), "skeleton": [[16, 14]]}
            ],
        }
        path = root / "annotations" / f"person_keypoints_{part}2017.json"
        path.write_text(json.dumps(content))
        truth[part] = np.stack(points)
    return truth


def mpii(root: Path, count: int = 4) -> np.ndarray:
    """Both forms of the same people, one in each picture; (count, 16, 2) px from 0."""
    skeleton = get_skeleton("mpii_16")
    (root / "images").mkdir(parents=True)
    (root / "annot").mkdir()
    random = np.random.default_rng(5)
    rows, released, points = [], np.empty(count + 1, object), []
    for number in range(count):
        pixels = _person(skeleton, random)
        name = f"{number + 1:09d}.jpg"
        _picture(root / "images" / name, skeleton, pixels)
        centre = (pixels.max(axis=0) + pixels.min(axis=0)) / 2.0 - (0.0, 10.0) + 1.0
        known = np.arange(16) != 9  # nobody labelled the top of the head
        joints = np.where(known[:, None], pixels + 1.0, -1.0)
        scale = 0.8
        rows.append(
            {
                "image": name,
                "center": centre.tolist(),
                "scale": scale,
                "joints": joints.tolist(),
                "joints_vis": known.astype(int).tolist(),
            }
        )
        marks = np.empty(15, object)
        for place, joint in enumerate(np.flatnonzero(known)):
            marks[place] = {
                "x": pixels[joint, 0] + 1.0,
                "y": pixels[joint, 1] + 1.0,
                "id": int(joint),
                # as the release has it: numbers, letters, nothing
                "is_visible": np.zeros((0, 0)) if joint == 8 else ("0" if joint == 0 else 1),
            }
        people = np.empty(2, object)
        people[0] = {
            "scale": scale,
            "objpos": {"x": centre[0], "y": centre[1]},
            "annopoints": {"point": _cells(marks)},
        }
        people[1] = {"scale": np.zeros((0, 0)), "objpos": np.zeros((0, 0)), "annopoints": np.zeros((0, 0))}
        released[number] = {
            "image": {"name": name},
            "annorect": _cells(people),
            # two of four in a tenth video, one of nobody knows which
            "vididx": number * 5 if number < 3 else np.zeros((0, 0)),
        }
        points.append(pixels)
    released[count] = {"image": {"name": "secret.jpg"}, "annorect": np.zeros((0, 0)), "vididx": 3}
    for name in ("train", "valid"):
        (root / "annot" / f"{name}.json").write_text(json.dumps(rows))
    learn = np.array([1] * count + [0])
    savemat(
        root / "mpii_human_pose_v1_u12_1.mat",
        {"RELEASE": {"annolist": _cells(released), "img_train": learn[None]}},
    )
    return np.stack(points)


def _cells(records: np.ndarray) -> np.ndarray:
    """(1, N) structures with fields, as Matlab writes them."""
    names = list(records[0])
    table = np.empty((1, len(records)), [(name, object) for name in names])
    for place, record in enumerate(records):
        for name in names:
            table[0, place][name] = record[name]
    return table


SIZE = 320
FRAMES = 31
FOCAL = 300.0


def mpi_inf_3dhp(root: Path, subjects: tuple[str, ...] = ("S1", "S8")) -> None:
    """Three of the fourteen cameras, one of them at the ceiling; somebody walks to the side."""
    skeleton = get_skeleton("mpi_inf_3dhp_17")
    for seed, subject in enumerate(subjects):
        random = np.random.default_rng(seed)
        folder = root / subject / "Seq1"
        (folder / "imageSequence").mkdir(parents=True)
        shape = body(skeleton, random) * 1000.0
        flat = np.c_[shape[:, 0], shape[:, 1] + 900.0, random.normal(0.0, 40.0, 17)]
        walk = np.linspace(-200.0, 200.0, FRAMES)
        world = flat + np.stack([walk, 0.0 * walk, 0.0 * walk], axis=1)[:, None]
        lines = ["Skeleton camera file, pixels and mm"]
        annotations = {name: np.empty((14, 1), object) for name in ("annot2", "annot3", "univ_annot3")}
        for camera in range(14):
            angle = 0.2 * (camera - 1)
            # x to the right, y down, z to the front; people look along +z of the world, y is up
            R = np.array(
                [
                    [np.cos(angle), 0.0, np.sin(angle)],
                    [0.0, -1.0, 0.0],
                    [np.sin(angle), 0.0, -np.cos(angle)],
                ]
            )
            t = np.array([0.0, 900.0, 3300.0])
            seen = world @ R.T + t
            pixels = FOCAL * seen[..., :2] / seen[..., 2:] + (158.0, 161.0)
            for name, values in (("annot3", seen), ("univ_annot3", 0.9 * seen), ("annot2", pixels)):
                table = np.zeros((FRAMES, 28, values.shape[2]))
                table[:, list(ORDER)] = values
                annotations[name][camera, 0] = table.reshape(FRAMES, -1)
            if camera in (0, 1, 3):
                K = np.eye(4)
                K[:2, :3] = [[FOCAL, 0.0, 158.0], [0.0, FOCAL, 161.0]]
                E = np.eye(4)
                E[:3] = np.c_[R, t]
                lines += [
                    f"name          {camera}",
                    "  sensor      10 10",
                    f"  size        {SIZE} {SIZE}",
                    "  animated    0",
                    "  intrinsic   " + " ".join(f"{value:.7g}" for value in K.ravel()) + " ",
                    "  extrinsic   " + " ".join(f"{value:.7g}" for value in E.ravel()) + " ",
                    "  radial      0",
                ]
                _video(folder / "imageSequence" / f"video_{camera}.avi", skeleton, pixels)
        (folder / "camera.calibration").write_text("\n".join(lines) + "\n")
        savemat(folder / "annot.mat", {**annotations, "frames": np.arange(FRAMES)[:, None]})


def _video(path: Path, skeleton: Skeleton, pixels: np.ndarray) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = SIZE, SIZE, "yuv420p", 8_000_000
        for points in pixels:
            picture = np.full((SIZE, SIZE, 3), 70, np.uint8)
            draw(picture, skeleton, points)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
