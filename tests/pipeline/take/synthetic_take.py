"""Small takes with known content, written through the real writer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from calibration.camera import Camera
from calibration.rig import Rig
from models.pose_frame import PoseFrame
from models.skeletons import get_skeleton
from pipeline.frames.frame import EncodedPacket, VideoFormat
from pipeline.take.header import TakeHeader
from pipeline.take.writer import TakeWriter

SKELETON = get_skeleton("halpe_26")
ORIGIN_NS = 5_000_000_000_123
PERIOD_NS = 33_333_333
NOISE_PX = 1.0

# Standing body, mm: x to its left, y backwards, z up.
_BODY = {
    "nose": (0, -110, 1620),
    "left_eye": (32, -95, 1655),
    "left_ear": (72, -10, 1640),
    "left_shoulder": (185, 0, 1430),
    "left_elbow": (240, 10, 1140),
    "left_wrist": (255, -40, 890),
    "left_hip": (95, 0, 930),
    "left_knee": (100, -10, 510),
    "left_ankle": (100, 15, 90),
    "left_big_toe": (110, -160, 30),
    "left_small_toe": (160, -130, 30),
    "left_heel": (100, 60, 35),
    "head_top": (0, 0, 1780),
    "neck": (0, 0, 1460),
    "pelvis": (0, 0, 940),
}


def body(t_s: float, person: int = 0) -> np.ndarray:
    """(26, 3) mm: a person walking on the spot along a small circle."""
    joints = np.empty((len(SKELETON), 3))
    for at, name in enumerate(SKELETON.joints):
        side = -1 if name.startswith("right_") else 1
        x, y, z = _BODY[name.replace("right_", "left_")]
        swing = np.sin(2 * np.pi * t_s + np.pi * (side < 0))
        if "wrist" in name or "elbow" in name:
            y += swing * (1430 - z) * 0.45
        elif any(part in name for part in ("knee", "ankle", "toe", "heel")):
            y -= swing * (930 - z) * 0.30
            z += max(0.0, -np.cos(2 * np.pi * t_s + np.pi * (side < 0))) * 60
        joints[at] = (x * side, y, z)
    turn = 0.8 * t_s + 2.0 * person
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    circle = np.array([np.cos(turn), np.sin(turn), 0]) * (500 + 700 * person)
    return joints @ rotation.T + circle


def make_rig(sizes: list[tuple[int, int]]) -> Rig:
    """Cameras on a ring of 4 m radius, 2.2 m up, looking at the belly, with some lens distortion."""
    cameras = []
    for at, (width, height) in enumerate(sizes):
        angle = 2 * np.pi * at / len(sizes) + 0.5
        position = np.array([4000 * np.cos(angle), 4000 * np.sin(angle), 2200.0])
        forward = np.array([0, 0, 900.0]) - position
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0, 0, 1.0])
        right /= np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward])
        focal = 0.9 * max(width, height)
        K = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
        cameras.append(
            Camera(
                name=f"cam{at + 1}",
                size=(width, height),
                model="pinhole",
                K=K,
                distortion=np.array([-0.1, 0.02, 0.0, 0.0, 0.0]),
                R=R,
                t=-R @ position,
            )
        )
    return Rig(tuple(cameras))


def picture(camera: Camera, people: list[np.ndarray]) -> np.ndarray:
    """A grey room with stick people."""
    width, height = camera.size
    image = np.repeat(np.linspace(70, 130, height).astype(np.uint8)[:, None], width, axis=1)
    image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    for joints in people:
        pixels = camera.project(joints)
        for first, second in SKELETON.bones:
            ends = pixels[[first, second]]
            if np.isfinite(ends).all():
                a, b = (tuple(int(v) for v in end) for end in np.round(ends))
                cv2.line(image, a, b, (180, 160, 140), max(3, width // 60), cv2.LINE_AA)
    return image


def jpeg(image: np.ndarray) -> bytes:
    return simplejpeg.encode_jpeg(image, 90, colorspace="BGR")


def make_header(rig: Rig, **changes) -> TakeHeader:
    fields = {
        "name": "synthetic walk",
        "rig": {"version": 1, "name": "ring", "cameras": [{"name": name, "fps": 30} for name in rig.names]},
        "calibration": rig,
        "config": {"pipeline": "none"},
        "models": {},
        "origin_ns": ORIGIN_NS,
        "wall_time": "2025-01-01T12:00:00.000+00:00",
        "skeleton": SKELETON.name,
        "cameras": rig.names,
        "pipeline": "synthetic",
    }
    return TakeHeader(**{**fields, **changes})


def make_pose(
    rig: Rig, t_ns: int, people: int, generator: np.random.Generator, view_times_ns: np.ndarray | None = None
) -> PoseFrame:
    t_s = (t_ns - ORIGIN_NS) / 1e9
    V, J = len(rig), len(SKELETON)
    truth = np.stack([body(t_s, person) for person in range(people)]) if people else np.zeros((0, J, 3))
    keypoints = np.full((people, V, J, 3), 0.0)
    for person in range(people):
        keypoints[person, :, :, :2] = rig.project(truth[person])
    keypoints[..., :2] += generator.normal(0, NOISE_PX, keypoints[..., :2].shape)
    keypoints[..., 2] = generator.uniform(0.7, 1.0, (people, V, J))
    joints = np.full((people, J, 3), np.nan)
    for person in range(people):
        joints[person] = rig.triangulate(keypoints[person, :, :, :2])
    scores = np.where(np.isfinite(joints[..., 0]), 0.9, 0.0)
    covariance = np.broadcast_to(np.eye(3) * 25.0, (people, J, 3, 3)).copy()
    return PoseFrame(
        time_ns=t_ns,
        skeleton=SKELETON,
        cameras=rig.names,
        view_times_ns=np.full(V, t_ns, np.int64) if view_times_ns is None else view_times_ns,
        person=np.arange(people),
        joints=joints,
        scores=scores,
        covariance=covariance,
        keypoints=keypoints,
        used=np.isfinite(keypoints[..., 0]),
        smoothed=joints.copy(),
        swapped=np.zeros((people, V), bool),
        stage_ms={"detect": 10 + 2 * generator.random(), "triangulate": 1 + generator.random()},
    )


def make_take(
    folder: Path,
    *,
    sizes: list[tuple[int, int]] | None = None,
    frames: int = 20,
    people: Callable[[int], int] = lambda _: 1,
    poses: bool = True,
    calibrated: bool = True,
    label: str = "",
    truth: bool = False,
    dropped: dict[str, set[int]] | None = None,
    swapped: dict[str, set[int]] | None = None,
) -> Path:
    """Write a complete take: JPEG videos of stick people, and poses from noisy projections of the truth."""
    rig = make_rig(sizes or [(320, 240)] * 3)
    generator = np.random.default_rng(1)
    header = make_header(
        rig,
        calibration=rig if calibrated else None,
        skeleton=SKELETON.name if poses else None,
        label=label,
    )
    dropped = dropped or {}
    swapped = swapped or {}
    truths = []
    with TakeWriter.create(folder, header) as writer:
        for camera in rig.cameras:
            writer.open_video(camera.name, VideoFormat("mjpeg", camera.size, 30.0))
        writer.write_event("mark", "start of the walk", ORIGIN_NS)
        for index in range(frames):
            t_ns = ORIGIN_NS + 1_000_000 + index * PERIOD_NS
            count = people(index)
            view_times = np.full(len(rig), t_ns, np.int64)
            for at, camera in enumerate(rig.cameras):
                jitter = int(generator.normal(0, 500_000)) + at * 2_000_000
                t_view = t_ns + jitter
                view_times[at] = t_view
                if index in dropped.get(camera.name, ()):
                    writer.write_frame(camera.name, index, t_view, "dropped", "ring_full")
                    view_times[at] = -1
                    continue
                t_s = (t_ns - ORIGIN_NS) / 1e9
                image = picture(camera, [body(t_s, person) for person in range(max(count, 1))])
                packet = EncodedPacket(jpeg(image), t_view, t_view, True)
                writer.write_frame(camera.name, index, t_view, "recorded", "", [packet])
            if poses:
                pose = make_pose(rig, t_ns, count, generator, view_times)
                for at, name in enumerate(rig.names):
                    pose.swapped[:, at] = index in swapped.get(name, ())
                writer.write_poses(pose)
            truths.append([body((t_ns - ORIGIN_NS) / 1e9, person) for person in range(2)])
        writer.write_event("warning", "the walk is over", ORIGIN_NS + frames * PERIOD_NS, camera="cam1")
    if truth:
        times = ORIGIN_NS + 1_000_000 + np.arange(frames) * PERIOD_NS
        np.savez(folder / "truth.npz", times_ns=times, joints=np.array(truths), skeleton=SKELETON.name)
    return folder
