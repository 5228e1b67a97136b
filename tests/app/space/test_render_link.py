"""The render process from the window's end: newest only, started again, given up, ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from multiprocessing import active_children
from operator import methodcaller
from pathlib import Path

import numpy as np
import psutil
import pytest

from app import theme
from app.space import render_link
from app.space.colours import scene_colours
from app.space.orbit_camera import OrbitCamera
from app.space.render_link import RenderLink, Wanted
from app.space.request import Unable
from app.space.scene import Scene

WITHIN_MS = 60_000


@pytest.fixture
def make_link(qtbot):
    links = []

    def make(*entry):
        links.append(RenderLink(*entry))
        return links[-1]

    yield make
    for link in links:
        link.stop()
        link.deleteLater()


def wanted(number=1, azimuth_deg=0.0, size=(64, 48), scene=None):
    scene = scene or Scene(scene_colours(theme.DARK))
    camera = OrbitCamera(azimuth_deg)
    background = scene.colours.background
    return Wanted(number, camera, size, 1.0, background, scene.parts, time.perf_counter())


def blocks() -> list[Path]:
    return list(Path("/dev/shm").glob(f"posestage-{os.getpid()}-space*"))


def ours() -> list:
    return [child for child in active_children() if child.name == "space view"]


def test_pictures_of_what_was_wanted_last(qtbot, make_link, open3d_draws):
    link = make_link()
    came = []
    link.pictured.connect(lambda picture: came.append((picture.wanted.number, picture.drawn.samples)))
    with qtbot.waitSignal(link.pictured, timeout=WITHIN_MS):
        link.want(wanted(0))
    # One is being drawn at most, so out of a burst the first and the last can come, and nothing queues up.
    burst = [wanted(number, number) for number in range(1, 101)]
    for one in burst:
        link.want(one)
    qtbot.waitUntil(lambda: bool(came) and came[-1][0] == 100, timeout=WITHIN_MS)
    numbers = [number for number, _ in came]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) < 20
    # What stands still is drawn once more with smooth edges, then nothing happens any more.
    qtbot.waitUntil(lambda: came[-1][1] >= render_link._STILL_SAMPLES, timeout=WITHIN_MS)
    process = psutil.Process(link.process_id)
    count, cpu_s = len(came), sum(process.cpu_times()[:2])
    qtbot.wait(800)
    assert len(came) == count
    # The kernel counts in ticks of 10 ms; drawing a single picture would take several of them at this size
    # only with the smoothing, so two ticks of house-keeping are allowed.
    assert sum(process.cpu_times()[:2]) - cpu_s <= 0.021
    link.stop()
    assert not ours()
    assert not blocks()
    assert not [thread for thread in threading.enumerate() if thread.name == "space view"]


def test_a_killed_process_is_started_again(qtbot, make_link, open3d_draws):
    link = make_link()
    scene = Scene(scene_colours(theme.DARK))
    pictures = []
    link.pictured.connect(pictures.append)
    with qtbot.waitSignal(link.pictured, timeout=WITHIN_MS):
        link.want(wanted(1, scene=scene))
    qtbot.waitUntil(lambda: pictures[-1].drawn.samples >= render_link._STILL_SAMPLES, timeout=WITHIN_MS)
    before = link.process_id
    first = pictures[-1].pixels
    with qtbot.waitSignal(link.restarted, timeout=WITHIN_MS):
        os.kill(before, signal.SIGKILL)
        link.want(wanted(2, scene=scene))
    qtbot.waitUntil(
        lambda: pictures[-1].wanted.number == 2 and pictures[-1].drawn.samples >= render_link._STILL_SAMPLES,
        timeout=WITHIN_MS,
    )
    assert link.process_id != before
    np.testing.assert_array_equal(pictures[-1].pixels, first, "the new process was given the whole scene")
    assert pictures[-1].pixels.shape == (48, 64, 4)


def test_it_gives_up_after_three_failures(qtbot, make_link, monkeypatch):
    monkeypatch.setattr(render_link, "_PAUSE_S", 0.01)
    link = make_link(methodcaller("close"))
    restarts = []
    link.restarted.connect(lambda: restarts.append(link.process_id))
    with qtbot.waitSignal(link.gave_up, timeout=WITHIN_MS) as gave_up:
        link.want(wanted())
    assert "kept failing" in gave_up.args[0]
    assert restarts == [None, None]
    link.want(wanted(2))  # is not an error, and starts nothing
    qtbot.wait(50)
    assert not ours()


def test_it_gives_up_at_once_when_drawing_is_impossible(qtbot, make_link):
    link = make_link(methodcaller("send", Unable("there is no pencil")))
    with qtbot.waitSignal(link.gave_up, timeout=WITHIN_MS) as gave_up:
        link.want(wanted())
    assert gave_up.args == ["there is no pencil"]
    qtbot.waitUntil(lambda: not ours(), timeout=WITHIN_MS)


def test_a_process_that_hangs_is_ended(qtbot, make_link, monkeypatch):
    monkeypatch.setattr(render_link, "_START_S", 0.05)
    monkeypatch.setattr(render_link, "_PAUSE_S", 0.01)
    link = make_link(methodcaller("poll", None))
    with qtbot.waitSignal(link.gave_up, timeout=WITHIN_MS):
        link.want(wanted())
    assert not ours()


def test_stopping_while_it_starts_leaves_nothing(qtbot, make_link):
    link = make_link(methodcaller("poll", None))
    link.want(wanted())
    qtbot.waitUntil(lambda: bool(ours()), timeout=WITHIN_MS)
    link.stop()
    assert not ours()
    assert not blocks()


def test_never_used_is_never_started(make_link):
    make_link().stop()
    assert not ours()
