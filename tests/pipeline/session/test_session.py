"""Real processes, real bus, real files: short takes of simulated cameras and of videos."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from configs.errors import BadInputError
from configs.loading import parse_config
from pipeline.estimation.pipeline_config import load_pipeline
from pipeline.processes.rig_nodes import grabber_name
from pipeline.rigs.rig_config import RigConfig
from pipeline.rigs.simulated_rig import simulated_rig
from pipeline.rigs.studio_rig import compare_with_truth, studio_calibration, studio_of, write_truth
from pipeline.session.live import run_session
from pipeline.session.session import Session
from pipeline.take.take import Take
from tests.support.videos import write_video

pytestmark = pytest.mark.timeout(120)

SIZE = (160, 120)


def own_segments() -> set[str]:
    """Pictures in shared memory whose owner is gone; those of tests beside this one have theirs."""
    folder = Path("/dev/shm")
    names = [path.name for path in folder.glob("posestage-*")] if folder.is_dir() else []
    return {name for name in names if not psutil.pid_exists(int(name.split("-")[1]))}


@pytest.fixture(autouse=True)
def nothing_left_behind():
    before = own_segments()
    yield
    assert own_segments() <= before


def stand_in(rig):
    pipeline = load_pipeline("noisy_truth", ("stream.address=''",))
    studio = {"size": list(SIZE), **rig.cameras[0].driver["studio"]}
    return pipeline.model_copy(update={"keypoints": {**pipeline.keypoints, "studio": studio}})


@pytest.fixture(scope="module")
def studio_take(tmp_path_factory):
    folder = tmp_path_factory.mktemp("takes") / "studio"
    rig = simulated_rig(3, SIZE, 30.0, 0)
    studio = studio_of(rig)
    with Session(rig, studio_calibration(rig, studio), stand_in(rig), label="a test") as session:
        published = []

        def see(_seconds, newest):
            published.extend([newest.time_ns] if newest is not None else [])
            return True

        live = run_session(session, folder, seconds=3.0, on_tick=see)
        origin_ns = session.origin_ns
    write_truth(folder, studio, origin_ns)
    return folder, live, set(published)


def assert_ledger_is_exact(take: Take) -> None:
    for camera in take.cameras:
        ledger = take.ledger(camera)
        assert not ledger.problem
        totals = take.header.totals[camera]
        assert totals.captured == totals.recorded + sum(totals.dropped.values())
        assert totals.captured == len(ledger.rows)
        times = [row.t_capture_ns for row in ledger.rows]
        assert times == sorted(set(times))
        assert [row.index for row in ledger.rows] == list(range(len(times)))
        assert sum(1 for _ in take.frames(camera)) == totals.recorded


def test_a_live_take_is_complete_and_exact(studio_take):
    folder, live, _ = studio_take
    take = Take.open(folder)
    assert take.header.state == "complete"
    assert take.header.label == "a test"
    assert_ledger_is_exact(take)
    assert live.summary is not None
    assert live.events == []
    for totals in live.summary.totals.values():
        assert totals["recorded"] > 0


def test_live_poses_are_published_and_recorded(studio_take):
    folder, live, published = studio_take
    poses = Take.open(folder).poses()
    assert poses is not None
    # Inference goes on between the end of the take and its last report, on a busy machine for long.
    assert len(poses) <= live.telemetry["inference"]["sets"]
    assert {time_ns for time_ns in published if time_ns <= poses.times_ns[-1]} <= set(poses.times_ns.tolist())
    assert published
    assert live.poses_seen > 0.8 * len(poses)
    assert live.telemetry["inference"]["latency_ms"]["count"] == live.telemetry["inference"]["sets"]
    assert set(live.telemetry["inference"]["skew_ms"]) == {"cam1", "cam2", "cam3"}


def test_poses_agree_with_the_truth_of_their_instants(studio_take):
    # The stand-in adds noise of a few px; seen from 3.5 m by a 160 px camera that is some centimetres.
    # A wrong clock by one frame would add the performer's motion, wrong cameras metres.
    truth = compare_with_truth(studio_take[0])
    assert truth["joints_found"] > 0.9
    assert truth["mpjpe_median_mm"] < 80


def test_pictures_show_the_scene_of_their_capture_time(studio_take):
    folder, *_ = studio_take
    take = Take.open(folder)
    studio = studio_of(RigConfig.model_validate(take.header.rig))
    index, t_ns, image = next(iter(take.frames("cam2")))
    expected = studio.render("cam2", (t_ns - take.header.origin_ns) / 1e9)
    error = np.abs(image.astype(int) - expected).mean()
    later = studio.render("cam2", (t_ns - take.header.origin_ns) / 1e9 + 1.0)
    assert error < 4, "JPEG of quality 90 leaves 1 to 3 grey levels"
    assert np.abs(image.astype(int) - later).mean() > error
    assert index == 0


def video_rig(folder: Path, pace) -> RigConfig:
    cameras = []
    for number in (1, 2):
        path = folder / f"cam{number}.mp4"
        write_video(path, codec="h264", frames=45, fps=30, size=SIZE, b_frames=2)
        driver = {"type": "video_file", "path": str(path), "pace": pace}
        cameras.append({"name": f"cam{number}", "driver": driver})
    return parse_config(RigConfig, {"cameras": cameras})


@pytest.mark.parametrize("pace", [0.5, 1.0, 4.0])
def test_every_frame_of_video_cameras_is_recorded_without_encoding_again(tmp_path, pace):
    rig = video_rig(tmp_path, pace)
    with Session(rig, None, None) as session:
        run_session(session, tmp_path / "take", seconds=30)
        assert session.finished
    take = Take.open(tmp_path / "take")
    assert_ledger_is_exact(take)
    for camera in take.cameras:
        assert take.header.totals[camera].recorded == 45
        steps = np.diff([row.t_capture_ns for row in take.ledger(camera).rows]) / 1e6
        np.testing.assert_allclose(steps, 1000 / 30 / pace, atol=1.0)


def test_a_killed_grabber_and_inference_come_back_and_the_take_goes_on(tmp_path):
    rig = simulated_rig(2, SIZE, 30.0, 0)
    studio = studio_of(rig)
    killed: dict[str, int] = {}

    with Session(rig, studio_calibration(rig, studio), stand_in(rig)) as session:

        def disturb(seconds, poses):
            for at, node in ((1.0, "inference"), (1.5, grabber_name("cam1"))):
                if seconds > at and node not in killed:
                    killed[node] = time.monotonic_ns()
                    os.kill(session.pid(node), signal.SIGKILL)
            # Until both cameras have been seen together for a while again, however long starting takes here.
            seen_again = (
                poses is not None and poses.view_times_ns.min() > max(killed.values(), default=0) + 1e9
            )
            return len(killed) < 2 or not seen_again

        live = run_session(session, tmp_path / "take", seconds=60.0, on_tick=disturb)
        assert all(session.alive().values())
    take = Take.open(tmp_path / "take")
    assert_ledger_is_exact(take)
    # The camera that was left alone lost nothing: one frame per period from first to last.
    steps = np.diff([row.t_capture_ns for row in take.ledger("cam2").recorded]) / 1e6
    assert take.header.totals["cam2"].dropped.keys() <= {"lost_by_camera"}
    assert np.median(steps) == pytest.approx(1000 / 30, abs=0.5)
    last = [take.ledger(camera).rows[-1].t_capture_ns for camera in ("cam1", "cam2")]
    assert abs(last[0] - last[1]) < 0.5e9, "cam1 is filming again at the end"
    poses = take.poses()
    assert poses.times_ns[-1] > last[1] - 1e9, "poses are made again at the end"
    assert len([message for message in live.events if "restarting" in message]) == 2
    assert {event.kind for event in take.events()} >= {"restart"}


def test_a_pipeline_without_calibration_is_refused():
    rig = simulated_rig(2, SIZE, 30.0, 0)
    with pytest.raises(BadInputError, match="--pipeline none"):
        Session(rig, None, load_pipeline("noisy_truth"))


def test_a_camera_that_is_not_there_is_one_sentence(tmp_path):
    data = {"cameras": [{"name": "a", "driver": {"type": "video_file", "path": str(tmp_path / "no.mp4")}}]}
    with pytest.raises(BadInputError, match=r"no\.mp4"), Session(parse_config(RigConfig, data), None, None):
        pass


def test_sizes_that_do_not_match_the_calibration_are_refused():
    rig = simulated_rig(2, SIZE, 30.0, 0)
    other = simulated_rig(2, (320, 240), 30.0, 0)
    calibration = studio_calibration(other, studio_of(other))
    with pytest.raises(BadInputError, match="160x120 but is calibrated for 320x240"):
        Session(rig, calibration, stand_in(rig)).start()


def test_passwords_of_streams_stay_out_of_takes():
    url = "rtsp://studio:secret@192.168.1.20:554/stream?token=abc"
    rig = parse_config(RigConfig, {"cameras": [{"name": "a", "driver": {"type": "rtsp", "url": url}}]})
    assert "secret" not in str(rig.without_secrets())
    assert rig.without_secrets()["cameras"][0]["driver"]["url"] == "rtsp://192.168.1.20:554/stream"
