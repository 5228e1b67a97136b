import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from configs.errors import BadInputError
from pipeline.take.lock import TakeLock
from pipeline.take.repair import repair_take
from pipeline.take.take import Take
from pipeline.take.writer import TakeWriter
from tests.pipeline.take.synthetic_take import ORIGIN_NS, make_header, make_rig


def test_a_take_that_is_being_written_is_not_repaired(tmp_path: Path):
    folder = tmp_path / "take"
    with TakeWriter.create(folder, make_header(make_rig([(64, 48)]))):
        before = sorted(path.name for path in folder.rglob("*"))
        with pytest.raises(BadInputError, match="being written right now"):
            repair_take(folder)
        assert sorted(path.name for path in folder.rglob("*")) == before
    assert Take.open(folder).header.state == "complete"
    assert not (folder / ".lock").exists()


def hold_and_die(folder: Path) -> None:
    TakeLock(folder)
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path):
    child = multiprocessing.get_context("spawn").Process(target=hold_and_die, args=(tmp_path,))
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    assert (tmp_path / ".lock").exists()
    TakeLock(tmp_path).release()


def test_a_take_that_was_given_up_says_so(tmp_path: Path):
    with (
        pytest.raises(KeyboardInterrupt),
        TakeWriter.create(tmp_path / "take", make_header(make_rig([(64, 48)]))) as writer,
    ):
        writer.write_frame("cam1", 0, ORIGIN_NS, "dropped", "late")
        raise KeyboardInterrupt
    assert [event.kind for event in Take.open(tmp_path / "take").events()] == ["interrupted"]
