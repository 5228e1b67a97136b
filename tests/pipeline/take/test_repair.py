from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from configs.errors import BadInputError
from pipeline.exporters.export import export_take
from pipeline.frames.frame import EncodedPacket, VideoFormat
from pipeline.take.finish import finish_take
from pipeline.take.lost_pictures import LOST_CAUSE
from pipeline.take.repair import repair_take
from pipeline.take.take import Take
from pipeline.take.writer import TakeWriter
from tests.pipeline.take.synthetic_take import (
    ORIGIN_NS,
    PERIOD_NS,
    body,
    jpeg,
    make_header,
    make_pose,
    make_rig,
    make_take,
    picture,
)

FRAMES = 12


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder as it is in the middle of a recording."""
    folder = tmp_path_factory.mktemp("takes")
    rig = make_rig([(320, 240)] * 2)
    generator = np.random.default_rng(0)
    with TakeWriter.create(folder / "live", make_header(rig)) as writer:
        for name in rig.names:
            writer.open_video(name, VideoFormat("mjpeg", (320, 240), 30.0))
        for index in range(FRAMES):
            t = ORIGIN_NS + index * PERIOD_NS
            for camera in rig.cameras:
                data = jpeg(picture(camera, [body(0.0)]))
                writer.write_frame(camera.name, index, t, "recorded", "", [EncodedPacket(data, t, t, True)])
            writer.write_poses(make_pose(rig, t, 1, generator))
            writer.write_event("mark", f"number {index}", t)
        shutil.copytree(folder / "live", folder / "interrupted")
    return folder / "interrupted"


@pytest.fixture
def take(interrupted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(interrupted, tmp_path / "take"))


def check_consistent(folder: Path) -> Take:
    take = Take.open(folder)
    assert take.header.state == "repaired"
    for camera in take.cameras:
        ledger = take.ledger(camera)
        assert ledger.problem == ""
        totals = take.header.totals[camera]
        assert totals == ledger.totals
        assert totals.captured == totals.recorded + sum(totals.dropped.values())
        assert [index for index, _, _ in take.frames(camera)] == [row.index for row in ledger.recorded]
    return take


def test_an_interrupted_take_is_complete_again(take: Path):
    result = repair_take(take)
    assert result.changed
    assert result.poses == FRAMES
    again = check_consistent(take)
    poses = again.poses()
    assert poses is not None
    assert len(poses) == FRAMES
    assert len(again.events()) == FRAMES
    # The last picture was still waiting in the open cluster: it is not claimed any more, and it is said.
    for totals in result.totals.values():
        assert totals.captured == FRAMES
        assert totals.dropped in ({}, {LOST_CAUSE: 1})
    lost = sum(totals.captured - totals.recorded for totals in result.totals.values())
    assert len(result.missing) == lost
    second = repair_take(take)
    assert not second.changed
    assert (second.totals, second.poses) == (result.totals, FRAMES)
    finish_take(take)
    export_take(take, ["csv"])


def test_torn_files_keep_what_is_good(take: Path):
    for name, cut in (("ledger/cam1.csv", 5), ("poses.log", 100), ("events.jsonl", 7)):
        path = take / name
        path.write_bytes(path.read_bytes()[:-cut])
    result = repair_take(take)
    again = check_consistent(take)
    assert result.totals["cam1"].captured == FRAMES - 1
    assert result.poses == FRAMES - 1
    assert len(again.events()) == FRAMES - 1
    words = "\n".join(result.missing)
    assert f"cam1: line {FRAMES + 1} is cut short; {FRAMES - 1} lines before it are good" in words
    assert f"poses: record {FRAMES} is cut short" in words
    assert f"events.jsonl: line {FRAMES} is cut short" in words
    assert (take / "damaged/ledger/cam1.csv").is_file()
    assert (take / "damaged/events.jsonl").is_file()


def test_a_video_cut_short_makes_dropped_frames(take: Path):
    path = take / "videos/cam2.mkv"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = repair_take(take)
    check_consistent(take)
    totals = result.totals["cam2"]
    assert totals.captured == FRAMES
    assert 3 <= totals.dropped[LOST_CAUSE] <= 8
    assert (
        f"cam2: {totals.dropped[LOST_CAUSE]} captured frames have no picture in the video" in result.missing
    )


def test_lost_files_are_named(take: Path):
    (take / "videos/cam1.mkv").unlink()
    (take / "ledger/cam2.csv").unlink()
    (take / "events.jsonl").unlink()
    (take / "poses.log").write_bytes(b"")
    result = repair_take(take)
    again = check_consistent(take)
    assert result.totals["cam1"].dropped == {LOST_CAUSE: FRAMES}
    assert result.totals["cam2"].captured == 0
    assert "cam2: the ledger is gone" in result.missing
    assert "events.jsonl is gone" in result.missing
    assert "the poses log holds nothing" in result.missing
    assert again.poses() is None


def test_a_complete_take_is_left_alone(tmp_path: Path):
    folder = make_take(tmp_path / "take", frames=3)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = repair_take(folder)
    assert not result.changed
    assert result.poses == 3
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    with pytest.raises(BadInputError, match="is not a take"):
        repair_take(tmp_path)
