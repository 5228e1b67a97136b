from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.takes.player_presenter import PlayerPresenter, Shown
from pipeline.take.instants import instants
from pipeline.take.take import Take
from tests.app.takes.conftest import FRAMES, SIZE

ALL = {"cam1": SIZE, "cam2": SIZE, "cam3": SIZE}


@pytest.fixture
def player(walk: Path, qtbot):
    player = PlayerPresenter()
    with qtbot.waitSignal(player.opened):
        player.open(walk)
    yield player
    player.shutdown()


def shown_at(player: PlayerPresenter, instant: int, qtbot) -> Shown:
    arrived: list[Shown] = []
    player.shown.connect(arrived.append)
    player.playback.seek(instant)
    qtbot.waitUntil(lambda: bool(arrived) and arrived[-1].instant == instant)
    player.shown.disconnect(arrived.append)
    return arrived[-1]


def test_pictures_keypoints_and_poses_of_one_instant_come_together(
    player: PlayerPresenter, walk: Path, qtbot
):
    player.set_sizes(ALL)
    player.set_smoothed(False)
    take = Take.open(walk)
    poses = take.poses()
    assert poses is not None
    for instant in (0, 25, 4, 5):
        shown = shown_at(player, instant, qtbot)
        (expected,) = instants(take, poses, player.data.timeline, [instant])
        for camera, picture in zip(take.cameras, expected.pictures, strict=True):
            if picture is None:
                assert shown.pictures[camera] is None
            else:
                np.testing.assert_array_equal(shown.pictures[camera], picture)
        view = poses.cameras.index("cam3")
        np.testing.assert_array_equal(shown.keypoints["cam3"], poses.keypoints[instant, :, view])
        np.testing.assert_array_equal(shown.joints, poses.joints[instant])
        np.testing.assert_array_equal(shown.person, [0])
    assert player.picture_size("cam1") == SIZE


def test_pictures_are_shrunk_to_their_tiles_and_hidden_ones_left_out(player: PlayerPresenter, qtbot):
    player.set_sizes({"cam1": (80, 300), "cam3": (1000, 1000)})
    shown = shown_at(player, 3, qtbot)
    assert set(shown.pictures) == {"cam1", "cam3"}
    assert shown.pictures["cam1"].shape == (60, 80, 3)
    assert shown.pictures["cam3"].shape == (SIZE[1], SIZE[0], 3), "never enlarged"


def test_the_newest_wish_wins_while_scrubbing(player: PlayerPresenter, qtbot):
    player.set_sizes(ALL)
    arrived: list[int] = []
    player.shown.connect(lambda shown: arrived.append(shown.instant))
    for instant in [*range(FRAMES), 7]:
        player.playback.seek(instant)
    qtbot.waitUntil(lambda: bool(arrived) and arrived[-1] == 7)
    assert len(arrived) < FRAMES, "what nobody wants any more is not decoded"


def test_jumps_are_told_from_going_on(player: PlayerPresenter, qtbot):
    player.set_sizes(ALL)
    shown_at(player, 5, qtbot)
    assert not shown_at(player, 6, qtbot).jumped
    assert shown_at(player, 20, qtbot).jumped
    assert shown_at(player, 19, qtbot).jumped


def test_marks_and_graphs_are_those_of_what_is_shown(player: PlayerPresenter, qtbot, monkeypatch):
    player.playback.seek(10)
    with qtbot.waitSignal(player.marks.changed):
        player.mark_here("jump")
    assert player.marks.marks[1].t_ns == player.data.timeline.times_ns[10]
    with qtbot.waitSignal(player.series.ready) as ready:
        player.want_series(0, ["nose"], ["x"])
    assert list(ready.args[0]) == ["x"]
    asked: list[bool] = []
    monkeypatch.setattr(player.series, "want", lambda *wish, smoothed: asked.append(smoothed))
    for smoothed in (False, True):
        player.set_smoothed(smoothed)
        player.want_series(0, ["nose"], ["x"])
    assert asked == [False, True]
    said: list[tuple[str, str]] = []
    player.said.connect(lambda level, text: said.append((level, text)))
    player.marks.remove(99)
    qtbot.waitUntil(lambda: bool(said))
    assert said[0][0] == "bad"


def test_another_take_takes_its_place(player: PlayerPresenter, walk: Path, interrupted: Path, qtbot):
    (interrupted / "poses.npz").rename(interrupted / "poses.log")
    with qtbot.waitSignal(player.failed) as failed:
        player.open(interrupted)
    assert "was interrupted" in failed.args[0]
    assert player.data is None
    assert player.playback.count == 0
    player.playback.play()
    player.playback.step(1)
    player.playback.toggle_loop()
    player.mark_here("nowhere")
    assert not player.playback.playing
    with qtbot.waitSignal(player.opened):
        player.open(walk)
    assert player.playback.instant == 0


def test_a_broken_video_is_said_once_and_the_others_are_shown(walk: Path, qtbot):
    (walk / "videos" / "cam2.mkv").write_bytes(b"no video")
    player = PlayerPresenter()
    said: list[str] = []
    player.said.connect(lambda _, text: said.append(text))
    with qtbot.waitSignal(player.opened):
        player.open(walk)
    player.set_sizes(ALL)
    for instant in (3, 8, 9):
        shown = shown_at(player, instant, qtbot)
        assert shown.pictures["cam2"] is None
        assert shown.pictures["cam1"] is not None
    assert len(said) == 1
    assert "cam2 cannot be shown" in said[0]
    player.shutdown()
