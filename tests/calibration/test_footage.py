"""Which files belong to which camera, their frames and times."""

import cv2
import numpy as np
import pytest

from calibration.board import Board
from calibration.board_footage import detect_in_footage
from calibration.footage import STILL_STEP_NS, find_footage, grey_frames, read_times
from configs.errors import BadInputError
from tests.support.board_pictures import camera_over_board, take_picture
from tests.support.videos import write_video

BOARD = Board("charuco", 5, 4, 40, 30, "4x4_50")


def picture(path, size=(64, 48), value=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((size[1], size[0]), value, np.uint8))


def test_videos_by_name_in_natural_order(tmp_path):
    for name in ("cam10", "cam2", "cam1"):
        write_video(tmp_path / f"{name}.mp4", size=(160, 120), frames=3)
    footage = find_footage(tmp_path)
    assert list(footage) == ["cam1", "cam2", "cam10"]
    assert list(find_footage(tmp_path, ["cam2"])) == ["cam2"]
    frames = list(grey_frames(footage["cam1"]))
    assert [number for number, _, _ in frames] == [0, 1, 2]
    assert frames[0][1] == 0
    assert frames[0][2].shape == (120, 160)
    assert np.diff([time for _, time, _ in frames]).min() > 0


def test_pictures_in_folders_and_side_by_side(tmp_path):
    for k in (1, 2, 10):
        picture(tmp_path / "folders" / "left" / f"left_{k}_int.png")
        picture(tmp_path / "flat" / f"cam_0_frame_{k:03}.png", value=k)
    left = find_footage(tmp_path / "folders")["left"]
    assert left.numbers == (1, 2, 10)
    flat = list(grey_frames(find_footage(tmp_path / "flat")["cam_0"]))
    assert [(number, time // STILL_STEP_NS, int(grey[0, 0])) for number, time, grey in flat] == [
        (1, 1, 1),
        (2, 2, 2),
        (10, 10, 10),
    ]


def test_caliscope_times(tmp_path):
    write_video(tmp_path / "cam_0.mp4", size=(160, 120), frames=3)
    write_video(tmp_path / "cam_1.mp4", size=(160, 120), frames=2)
    rows = [
        "sync_index,cam_id,frame_index,frame_time",
        "5,1,5,10.51",
        "5,0,5,10.5",
        "6,0,6,10.6",
        "7,1,7,10.72",
        "7,0,7,10.7",
    ]
    (tmp_path / "timestamps.csv").write_text("\n".join(rows))
    footage = find_footage(tmp_path)
    assert [t for _, t, _ in grey_frames(footage["cam_0"])] == [0, 100_000_000, 200_000_000]
    assert [t for _, t, _ in grey_frames(footage["cam_1"])] == [10_000_000, 220_000_000]


@pytest.mark.parametrize(
    ("text", "words"), [("a,b\n1,2", "cam_id, frame_time"), ("cam_id,frame_time\n0,soon", "line 2")]
)
def test_wrong_times_are_explained(text, words, tmp_path):
    (tmp_path / "timestamps.csv").write_text(text)
    with pytest.raises(BadInputError, match=words):
        read_times(tmp_path / "timestamps.csv")


def test_times_for_fewer_frames_than_there_are(tmp_path):
    write_video(tmp_path / "cam_0.mp4", size=(160, 120), frames=3)
    (tmp_path / "timestamps.csv").write_text("cam_id,frame_time\n0,1.0\n0,1.1")
    with pytest.raises(BadInputError, match="more frames than"):
        list(grey_frames(find_footage(tmp_path)["cam_0"]))


def test_what_is_wrong_with_a_folder_is_explained(tmp_path):
    with pytest.raises(BadInputError, match="no such folder"):
        find_footage(tmp_path / "nothing")
    with pytest.raises(BadInputError, match="no videos and no pictures"):
        find_footage(tmp_path)
    picture(tmp_path / "cam_0" / "1.png")
    with pytest.raises(BadInputError, match="holds nothing of cam_7"):
        find_footage(tmp_path, ["cam_0", "cam_7"])
    picture(tmp_path / "cam_0" / "2.png", size=(80, 48))
    with pytest.raises(BadInputError, match=r"2\.png: is 80x48, but 1\.png of the same camera is 64x48"):
        list(grey_frames(find_footage(tmp_path)["cam_0"]))
    (tmp_path / "cam_0" / "0.png").write_text("no picture")
    with pytest.raises(BadInputError, match=r"0\.png: is no picture"):
        list(grey_frames(find_footage(tmp_path)["cam_0"]))
    (tmp_path / "cam_1.mp4").write_text("no video")
    with pytest.raises(BadInputError, match=r"cam_1\.mp4: is no video"):
        list(grey_frames(find_footage(tmp_path)["cam_1"]))


def write_views(folder, cameras=("a", "b"), count=3):
    truth = {}
    for c, name in enumerate(cameras):
        for k in range(count):
            shot = take_picture(
                BOARD,
                camera_over_board(
                    BOARD, size=(480, 360), focal=400.0, roll_deg=20.0 * k, tilt_deg=(10.0 * c, 15.0)
                ),
                seed=k,
            )
            (folder / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / name / f"{k}.png"), shot.grey)
            truth[name, k] = shot.corners
    return truth


def test_the_board_is_found_in_all_cameras_whatever_the_number_of_threads(tmp_path):
    truth = write_views(tmp_path)
    seen = []
    results = [
        detect_in_footage(
            BOARD, find_footage(tmp_path), workers=workers, progress=lambda *done: seen.append(done)
        )
        for workers in (1, 3)
    ]
    assert sorted(seen) == sorted([(name, k) for name in "ab" for k in (1, 2, 3)] * 2)
    for result in results:
        assert result.observations.sizes == {"a": (480, 360), "b": (480, 360)}
        assert len(result.observations.views) == 6
        for view in result.observations.views:
            assert np.abs(view.pixels - truth[view.camera, view.frame][view.ids]).max() < 0.5
    for one, other in zip(results[0].observations.views, results[1].observations.views, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_progress_can_stop_the_work(tmp_path):
    write_views(tmp_path)

    def stop(camera, done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_in_footage(BOARD, find_footage(tmp_path), progress=stop)
