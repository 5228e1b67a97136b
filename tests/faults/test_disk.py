"""Disks that fill up or are too slow, for real."""

import time

import pytest

from pipeline.take.folder import RESERVE_BYTES
from pipeline.take.repair import repair_take
from pipeline.take.take import Take
from pipeline.take.verify import check_take
from tests.faults.disks import CannotMountError, resize, slow_disk, small_disk
from tests.faults.faulty_capture import FaultyCapture
from tests.faults.memory import MemoryWatch

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]

ROOM = RESERVE_BYTES + (150 << 20)


@pytest.fixture
def disk(tmp_path):
    try:
        with small_disk(tmp_path / "disk", ROOM) as folder:
            yield folder
    except CannotMountError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("leave", [RESERVE_BYTES // 2, 0])
def test_a_disk_that_others_fill_up_ends_the_recording_in_order(disk, tmp_path, leave):
    """Half of the reserve is left: the take is complete. Nothing is left: it is once there is room."""
    with FaultyCapture(tmp_path, 60.0, take=disk / "take", pipeline="none") as capture:
        capture.wait_until_recording()
        resize(disk, leave=leave)
        code = capture.wait_until_ended([])
    assert code == 1
    assert "full" in capture.said
    take = disk / "take"
    if leave:
        assert Take.open(take).header.state == "complete"
    resize(disk, leave=ROOM)
    repair_take(take)
    check = check_take(take)
    assert check.intact, check.problems
    for totals in check.totals.values():
        assert totals.captured == totals.recorded + sum(totals.dropped.values())
        assert set(totals.dropped) <= {"lost_by_camera", "lost_in_interruption"}
        # With no room at all the pictures on their way are lost, and said to be: what the muxer holds back,
        # half a second at 20 a second, and the one that did not fit.
        assert totals.dropped.get("lost_in_interruption", 0) <= (0 if leave else 11)


def test_a_disk_slower_than_the_cameras_costs_little_memory_and_no_frame_uncounted(tmp_path):
    try:
        with slow_disk(tmp_path / "disk", tmp_path / "image", ROOM) as disk:
            take = disk.folder / "take"
            with FaultyCapture(tmp_path, 9.0, take=take, pipeline="none") as capture:
                capture.wait_until_recording()
                with MemoryWatch(capture, every_s=0.5) as memory:
                    disk.limit(50_000)  # the cameras deliver four times as much
                    time.sleep(6.0)
                    disk.limit(0)
                    assert capture.wait_until_ended([]) == 0, capture.said
            assert "restarting" not in capture.said, "a slow disk is no reason to end the recorder"
            check = check_take(take)
            kinds = {event.kind for event in Take.open(take).events()}
    except CannotMountError as error:
        pytest.skip(str(error))
    assert check.intact, check.problems
    for totals in check.totals.values():
        assert set(totals.dropped) <= {"lost_by_camera", "recorder_behind"}
        assert totals.captured == totals.recorded + sum(totals.dropped.values())
    assert "disk_slow" in kinds
    # Two batches of 50 frames and 100 from each of four cameras, under 10 kB each, are 5 MB; Python's own
    # memory comes and goes by some MB.
    first = memory.samples[0][1]["recorder"]
    assert memory.peak("recorder") - first < 30e6
