"""Frames of small videos: which are kept, what they are called, and that nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

pytest.importorskip("h5py", reason="h5py is not installed")

import h5py

from app.cli.main import main
from configs.errors import BadInputError
from models.datasets.human36m_frames import extract_frames, moved_frames, videos

CAMERA = "55011271"
FRAMES = 70
LEVEL = 3
"""Each frame is this much brighter than the one before; codec and JPEG together shift by one or two."""


def video(path: Path, frames: int = FRAMES) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=50)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        stream.options = {"qscale": "1"}
        for number in range(frames):
            picture = np.full((32, 32, 3), 20 + LEVEL * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode())


def told(log: list[tuple[int, int, str]]):
    return lambda done, total, what: log.append((done, total, what))


def numbers(folder: Path) -> list[int]:
    return sorted(int(path.stem.removeprefix("img_")) for path in folder.glob("img_*.jpg"))


def test_test_people_have_every_64th_frame_and_a_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    source = tmp_path / "videos" / "S9" / "Videos" / f"Directions 1.{CAMERA}.mp4"
    video(source)
    log: list[tuple[int, int, str]] = []
    assert extract_frames(tmp_path, told(log)) == 2
    assert log == [(0, 1, f"S9 Directions-1 {CAMERA}"), (1, 1, "")]
    folder = tmp_path / "processed" / "S9" / "Directions-1" / "imageSequence" / CAMERA
    assert numbers(folder) == [1, 65]
    first, second = (cv2.imread(str(folder / f"img_{number:06d}.jpg")).mean() for number in (1, 65))
    assert abs(float(second - first) - LEVEL * 64) < LEVEL
    source.write_bytes(b"not looked at again")
    assert extract_frames(tmp_path, told([])) == 0
    # interrupted: the note is not there yet, one picture is
    (folder / ".frames").unlink()
    video(source)
    (folder / "img_000065.jpg").unlink()
    assert extract_frames(tmp_path, told([])) == 1
    assert extract_frames(tmp_path, told([]), every=10) == 6  # 1, 11, ... 61, of which the first is there
    assert numbers(folder) == [1, 11, 21, 31, 41, 51, 61, 65]


def test_training_people_have_frames_in_which_they_moved(tmp_path: Path) -> None:
    video(tmp_path / "videos" / "S1" / "Videos" / f"Directions 1.{CAMERA}.mp4", 12)
    joints = np.zeros((12, 32, 3))
    joints[:, 3, 0] = 15.0 * np.arange(12)  # an ankle, 15 mm a frame: 40 mm are passed by every third
    joints += 1000.0 * np.arange(12)[:, None, None]  # walking by itself does not count
    folder = tmp_path / "extra" / "una-dinosauria-data" / "h36m" / "S1" / "MyPoses" / "3D_positions"
    folder.mkdir(parents=True)
    with h5py.File(folder / "Directions 1.h5", "w") as stored:
        stored["3D_positions"] = joints.reshape(12, 96).T
    assert extract_frames(tmp_path, told([])) == 4
    pictures = tmp_path / "processed" / "S1" / "Directions-1" / "imageSequence" / CAMERA
    assert numbers(pictures) == [1, 4, 7, 10]


def test_movement_adds_up_since_the_last_frame_kept() -> None:
    joints = np.zeros((5, 2, 3))
    joints[:, 1, 2] = [0.0, 39.0, 41.0, 80.0, 81.0]
    assert moved_frames(joints) == [0, 2, 4]
    assert moved_frames(joints[:0]) == []


def test_what_is_no_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadInputError, match="holds no videos"):
        videos(tmp_path)
    source = tmp_path / "videos" / "S9" / "Videos" / f"Directions 1.{CAMERA}.mp4"
    source.parent.mkdir(parents=True)
    source.write_bytes(b"nonsense")
    assert main(["prepare", "human36m", str(tmp_path), "--steps", "frames"]) == 2
    assert "is damaged or no video" in capsys.readouterr().err
    (tmp_path / "videos" / "S11" / "Videos").mkdir(parents=True)
    source.rename(tmp_path / "videos" / "S11" / "Videos" / "Directions.54138969.mp4")
    with pytest.raises(BadInputError, match="holds no videos"):
        videos(tmp_path)  # the broken one does not count
