"""A live calibration in a process of its own, as a window drives it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from calibration.observations import BoardObservations
from pipeline.calibrating.host import CalibrationHost, FilmTask
from pipeline.calibrating.outcome import CalibrationFailure, CalibrationOutcome
from pipeline.frames.ring import reading
from pipeline.rigs.board_rig import board_rig, studio_board
from pipeline.rigs.rig_config import RigConfig
from pipeline.rigs.simulated_rig import simulated_rig

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

EASY = {
    "live": {
        "views": 10,
        "coverage": 0.1,
        "shared": 4,
        "point_percent": 2.0,
        "place_percent": 20.0,
        "turn_deg": 10.0,
        "focal_percent": 20.0,
        "lag_ms": 100.0,
        "trial_every_s": 1.0,
    }
}


def task(folder: Path, **changes) -> FilmTask:
    live = simulated_rig(4, (640, 480), 10.0, 0)  # every picture is rendered and searched
    rig = board_rig(live)
    rig = RigConfig(name=rig.name, cameras=rig.cameras[:2])
    return FilmTask(rig, studio_board(live), folder, EASY, **changes)


def until(host: CalibrationHost, wanted, seconds: float = 120.0) -> list[tuple[str, object]]:
    """What it says until ``wanted(kind, content)``, that included."""
    heard = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        message = host.next_message(0.2)
        if message is None:
            continue
        heard.append(message)
        if wanted(*message):
            return heard
        assert message[0] not in ("failed", "cancelled"), message
    raise AssertionError(f"not heard in {seconds} s; the last was {heard[-1:]}")


def children() -> list[psutil.Process]:
    """Processes of this one, but for the trackers of multiprocessing."""
    found = psutil.Process().children(recursive=True)
    return [one for one in found if one.is_running() and "resource_tracker" not in " ".join(one.cmdline())]


def test_it_films_shows_pictures_solves_and_frees_everything(tmp_path):
    host = CalibrationHost(task(tmp_path / "new", by_itself=False))
    before = len(children())
    host.start()
    try:
        heard = until(host, lambda kind, what: kind == "state" and what.kept_views >= 5)
        state = heard[-1][1]
        assert state.phase == "collecting"
        for name, one in state.cameras.items():
            with reading(one.ring) as ring:
                found = ring.peek()
            assert found is not None, name
            assert found[1].shape == (480, 640, 3)
        seeing = next(one for one in state.cameras.values() if one.views)
        assert seeing.counts.sum() > 0
        until(host, lambda kind, what: kind == "state" and what.trial is not None and not what.missing)
        assert not any(kind == "solving" for kind, _ in heard), "only when told to"
        host.wish("solve")
        heard = until(host, lambda kind, what: kind == "done")
        assert ("solving", "asked for") in heard or heard[0][0] == "solving"
        stages = {what.solving[1] for kind, what in heard if kind == "state" and what.phase == "solving"}
        assert len(stages) > 1
        outcome = heard[-1][1]
        assert isinstance(outcome, CalibrationOutcome)
        assert outcome.rig.names == ("cam1", "cam2")
        # A tenth of what was asked for, 20 % of 4 m, would be a good result already.
        assert outcome.truth["position_mm"] < 0.2 * 4000
        assert outcome.truth["focal_percent"] < 20
    finally:
        host.close()
    assert len(children()) == before


def test_what_was_called_off_can_be_gone_on_with(tmp_path):
    host = CalibrationHost(task(tmp_path))
    host.start()
    try:
        until(host, lambda kind, what: kind == "state" and what.kept_views >= 5)
        host.wish("cancel")
        deadline = time.monotonic() + 30
        while (message := host.next_message(0.2)) is None or message[0] != "cancelled":
            assert time.monotonic() < deadline
    finally:
        host.close()
    kept = len(BoardObservations.load(tmp_path / "observations.npz").views)
    assert kept >= 5
    host = CalibrationHost(task(tmp_path, resume=True))
    host.start()
    try:
        heard = until(host, lambda kind, what: kind == "state" and what.kept_views > 0)
        assert heard[-1][1].kept_views >= kept
    finally:
        host.close()


def test_views_are_saved_and_cameras_freed_when_the_window_is_gone(tmp_path):
    host = CalibrationHost(task(tmp_path))
    host.start()
    until(host, lambda kind, what: kind == "state" and what.kept_views >= 5)
    family = psutil.Process(host._process.pid).children(recursive=True)
    assert len(family) > 3
    host._pipe.close()  # as the system does when a window dies
    host._pipe = None
    host._process.join(30)
    assert host._process.exitcode == 0
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive, [" ".join(one.cmdline()) for one in alive]
    host.close()
    assert len(BoardObservations.load(tmp_path / "observations.npz").views) >= 5


def test_a_camera_whose_process_dies_is_told_of_and_started_again(tmp_path):
    host = CalibrationHost(task(tmp_path))
    host.start()
    try:
        heard = until(host, lambda kind, what: kind == "state" and what.kept_views >= 3)
        before = heard[-1][1].cameras["cam1"]
        ring = before.ring
        os.kill(int(ring.split("-")[1]), signal.SIGKILL)
        heard = until(host, lambda kind, what: kind == "event")
        assert heard[-1][1] == "cam1 has stopped unexpectedly and is started again."
        until(
            host,
            lambda kind, what: (
                kind == "state"
                and what.cameras["cam1"].ring not in ("", ring)
                and what.cameras["cam1"].pictures > before.pictures + 3
            ),
        )
    finally:
        host.close()


def test_what_cannot_be_filmed_is_a_failure_in_a_sentence(tmp_path):
    usual = task(tmp_path)
    lost = usual.rig.cameras[0].model_copy(update={"name": "cam9"})
    wrong = FilmTask(usual.rig.model_copy(update={"cameras": (lost,)}), usual.board, tmp_path, EASY)
    for one, words in (
        (wrong, "cam9"),
        (FilmTask(usual.rig, usual.board, tmp_path, {"live": {"views": -1}}), "views"),
        (FilmTask(usual.rig, usual.board, tmp_path, EASY, resume=True), "holds no"),
    ):
        host = CalibrationHost(one)
        host.start()
        try:
            deadline = time.monotonic() + 60
            while (message := host.next_message(0.2)) is None or message[0] == "state":
                assert time.monotonic() < deadline
        finally:
            host.close()
        kind, failure = message
        assert kind == "failed"
        assert isinstance(failure, CalibrationFailure)
        assert failure.bad_input
        assert words in failure.sentence, failure.sentence
