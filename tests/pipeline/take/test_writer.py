from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from configs.errors import BadInputError
from pipeline.frames.frame import EncodedPacket, VideoFormat
from pipeline.take.errors import TakeError
from pipeline.take.ledger import read_ledger
from pipeline.take.poses_log import PosesLog
from pipeline.take.take import Take
from pipeline.take.video_file import RecordedVideo
from pipeline.take.writer import TakeWriter
from tests.pipeline.take.synthetic_take import ORIGIN_NS, PERIOD_NS, jpeg, make_header, make_rig, make_take

ROOT = Path(__file__).resolve().parents[3]


def test_a_whole_take(tmp_path: Path):
    folder = make_take(tmp_path / "take", frames=12, dropped={"cam2": {3, 4}}, people=lambda i: i % 3)
    assert sorted(str(item.relative_to(folder)) for item in folder.rglob("*") if item.is_file()) == [
        "calibration.yaml",
        "events.jsonl",
        "ledger/cam1.csv",
        "ledger/cam2.csv",
        "ledger/cam3.csv",
        "poses.npz",
        "take.yaml",
        "videos/cam1.mkv",
        "videos/cam2.mkv",
        "videos/cam3.mkv",
    ]
    take = Take.open(folder)
    assert take.header.state == "complete"
    assert take.header.totals["cam1"].recorded == 12
    cam2 = take.header.totals["cam2"]
    assert (cam2.captured, cam2.recorded, cam2.dropped) == (12, 10, {"ring_full": 2})
    for camera in take.cameras:
        assert take.ledger(camera).problem == ""
        frames = list(take.frames(camera))
        assert [(i, t) for i, t, _ in frames] == [
            (row.index, row.t_capture_ns) for row in take.ledger(camera).recorded
        ]
    assert [index for index, _, _ in take.frames("cam2")] == [0, 1, 2, 5, 6, 7, 8, 9, 10, 11]
    assert [index for index, _, _ in take.frames("cam2", {2, 3})] == [2, 5]
    poses = take.poses()
    assert poses is not None
    assert (len(poses), poses.people) == (12, 2)
    assert [event.kind for event in take.events()] == ["mark", "warning"]
    assert take.events()[1].details == {"camera": "cam1"}
    assert take.truth() is None
    with pytest.raises(
        BadInputError, match=r'no such camera; allowed: cam1, cam2, cam3; did you mean "cam1"'
    ):
        take.ledger("cam11")


def test_an_existing_take_is_never_touched(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadInputError, match="is not empty; a take never overwrites anything"):
        TakeWriter.create(tmp_path, make_header(make_rig([(320, 240)])))
    assert [item.name for item in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(BadInputError, match="is a file"):
        TakeWriter.create(tmp_path / "notes.txt", make_header(make_rig([(320, 240)])))


def test_contradictions_are_bugs(tmp_path: Path):
    packet = EncodedPacket(b"x", ORIGIN_NS, ORIGIN_NS, True)
    with TakeWriter.create(tmp_path / "take", make_header(make_rig([(320, 240)]))) as writer:
        with pytest.raises(ValueError, match="before its video was opened"):
            writer.write_frame("cam1", 0, ORIGIN_NS, "recorded", "", [packet])
        writer.open_video("cam1", VideoFormat("mjpeg", (320, 240), 30.0))
        with pytest.raises(ValueError, match="is open already"):
            writer.open_video("cam1", VideoFormat("mjpeg", (320, 240), 30.0))
        with pytest.raises(ValueError, match="dropped"):
            writer.write_frame("cam1", 0, ORIGIN_NS, "dropped", "late", [packet])
        with pytest.raises(ValueError, match="not one of the take"):
            writer.write_frame("cam9", 0, ORIGIN_NS, "dropped", "late")
    with pytest.raises(TakeError, match="the take is closed"):
        writer.write_event("mark", "too late", 0)
    assert writer.close() is writer.close()


def test_a_take_without_any_frame_is_complete(tmp_path: Path):
    with TakeWriter.create(tmp_path / "take", make_header(make_rig([(320, 240)] * 2))) as writer:
        writer.open_video("cam1", VideoFormat("mjpeg", (320, 240), 30.0))
        writer.sync()
    take = Take.open(tmp_path / "take")
    assert take.header.state == "complete"
    assert take.poses() is None
    assert list(take.frames("cam1")) == list(take.frames("cam2")) == []


def test_a_take_that_fails_before_its_first_frame_is_gone(tmp_path: Path):
    def fail(written: bool) -> None:
        with TakeWriter.create(tmp_path / "take", make_header(make_rig([(320, 240)]))) as writer:
            writer.open_video("cam1", VideoFormat("mjpeg", (320, 240), 30.0))
            if written:
                writer.write_frame("cam1", 0, ORIGIN_NS, "dropped", "late")
            raise RuntimeError("the camera broke")

    with pytest.raises(RuntimeError, match="the camera broke"):
        fail(written=False)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RuntimeError, match="the camera broke"):
        fail(written=True)
    take = Take.open(tmp_path / "take")
    assert take.header.state == "complete"
    assert take.events()[-1].kind == "interrupted"


_ENDLESS = """
    import sys, time, itertools
    import numpy as np
    from pathlib import Path
    from tests.pipeline.take.synthetic_take import *
    from tests.pipeline.take.test_video import encode, SIZE, X264, TIMES_NS, ORIGIN, FRAMES

    folder, codec = Path(sys.argv[1]), sys.argv[2]
    rig = make_rig([SIZE] * 2)
    writer = TakeWriter.create(folder, make_header(rig))
    if codec == "mjpeg":
        data, extradata = jpeg(picture(rig.cameras[0], [body(0.0)])), b""
    else:
        packets, extradata = encode("libx264", global_header=True, options={"preset": "ultrafast", "g": "40"})
        data = None
    for name in rig.names:
        writer.open_video(name, VideoFormat(codec, SIZE, 30.0, extradata, "yuv420p"))
    generator = np.random.default_rng(0)
    for index in itertools.count():
        t = ORIGIN_NS + index * PERIOD_NS
        for name in rig.names:
            if data is not None:
                packet = EncodedPacket(data, t, t, True)
            else:
                packet = packets[index % FRAMES]
                packet = EncodedPacket(packet.data, t, t, packet.keyframe)
            writer.write_frame(name, index, t, "recorded", "", [packet])
        writer.write_poses(make_pose(rig, t, 1, generator))
        writer.write_event("mark", "x", t)
        if index % 30 == 0:
            writer.sync()
        sys.stdout.write(f"{index}\\n")
        sys.stdout.flush()
"""


@pytest.mark.parametrize("codec", ["mjpeg", "h264"])
def test_a_killed_writer_leaves_valid_files(tmp_path: Path, codec: str):
    folder = tmp_path / "take"
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_ENDLESS), str(folder), codec],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    done = -1
    for line in process.stdout:
        done = int(line)
        if done >= 100:
            break
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read().split()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    done = int(rest[-1]) if rest and rest[-1].isdigit() else done
    # What may be missing: nothing but the frame being written; for H.264 what is in the open cluster of
    # half a second (15 frames at 30 fps).
    lost = 1 if codec == "mjpeg" else 16
    take = Take.open(folder)
    assert take.header.state == "recording"
    for camera in take.cameras:
        ledger = take.ledger(camera)
        assert len(ledger) >= done
        assert [row.index for row in ledger] == list(range(len(ledger)))
        frames = list(take.frames(camera))
        assert len(frames) >= len(ledger) - lost
        assert [(i, t) for i, t, _ in frames] == [
            (row.index, row.t_capture_ns) for row in ledger.recorded[: len(frames)]
        ]
    assert len(list(PosesLog(folder / "poses.log"))) >= done
    assert len(take.events()) >= done
    with pytest.raises(TakeError, match="was interrupted; run: "):
        take.poses()


_FULL = """
    import resource, signal, sys
    import numpy as np
    from pathlib import Path
    from pipeline.take.errors import DiskFullError
    from tests.pipeline.take.synthetic_take import *

    # A limit on the size of each file fails a write just as a full disk does.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    rig = make_rig([(320, 240)] * 2)
    writer = TakeWriter.create(Path(sys.argv[1]), make_header(rig))
    for name in rig.names:
        writer.open_video(name, VideoFormat("mjpeg", (320, 240), 30.0))
    generator = np.random.default_rng(0)
    written = 0
    try:
        for index in range(1000):
            t = ORIGIN_NS + index * PERIOD_NS
            for camera in rig.cameras:
                data = jpeg(generator.integers(0, 255, (240, 320, 3), dtype=np.uint8))
                writer.write_frame(camera.name, index, t, "recorded", "", [EncodedPacket(data, t, t, True)])
                written += 1
    except DiskFullError as error:
        sys.stdout.write(f"{written} {error}\\n")
    try:
        writer.write_event("mark", "more", 0)
    except DiskFullError:
        sys.stdout.write("still full\\n")
    summary = writer.close()
    sys.stdout.write(f"{sum(totals.recorded for totals in summary.totals.values())}\\n")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on file sizes")
def test_a_full_disk_is_a_clear_error_and_everything_before_is_good(tmp_path: Path):
    folder = tmp_path / "take"
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_FULL), str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    first, second, third = run.stdout.splitlines()
    written, message = first.split(" ", 1)
    assert "the disk is full; recording stopped, everything before is safe" in message
    assert second == "still full"
    assert int(written) == int(third) > 4
    assert yaml.safe_load((folder / "take.yaml").read_text())["state"] == "recording"
    take = Take.open(folder)
    for camera in take.cameras:
        rows = take.ledger(camera).recorded
        assert take.ledger(camera).problem == ""
        frames = list(take.frames(camera))
        # The last packet may still have been waiting for its cluster to be finished.
        assert [i for i, _, _ in frames] == [row.index for row in rows][: len(frames)]
        assert len(frames) >= len(rows) - 1


def test_sync_runs_beside_the_recording(tmp_path: Path):
    rig = make_rig([(320, 240)])
    with TakeWriter.create(tmp_path / "take", make_header(rig)) as writer:
        writer.open_video("cam1", VideoFormat("mjpeg", (320, 240), 30.0))
        data = jpeg(np.zeros((240, 320, 3), np.uint8))
        for index in range(50):
            t = ORIGIN_NS + index * PERIOD_NS
            writer.write_frame("cam1", index, t, "recorded", "", [EncodedPacket(data, t, t, True)])
            writer.sync()
            time.sleep(0.001)
        # While recording, everything written is there to be read, but for the video's open cluster: these
        # black pictures are so small that a cluster holds two.
        assert len(data) < 4096
        assert len(read_ledger(tmp_path / "take/ledger/cam1.csv")) == 50
        assert len(RecordedVideo(tmp_path / "take/videos/cam1.mkv")) >= 48
    assert len(RecordedVideo(tmp_path / "take/videos/cam1.mkv")) == 50
