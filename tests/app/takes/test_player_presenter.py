from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.takes.player_presenter import SPEEDS, PlayerPresenter, Shown
from pipeline.take.instants import instants
from pipeline.take.marks import read_marks
from pipeline.take.take import Take
from tests.app.takes.conftest import FRAMES, SIZE

ALL = {"cam1": SIZE, "cam2": SIZE, "cam3": SIZE}


class Clock:
    """Time that goes on when told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def player(walk: Path, clock: Clock, qtbot):
    player = PlayerPresenter(clock)
    with qtbot.waitSignal(player.opened):
        player.open(walk)
    player._timer.setInterval(10_000_000)  # the test says when time is looked at
    yield player
    player.shutdown()


def go_on(player: PlayerPresenter, clock: Clock, seconds: float) -> int:
    clock.now_s += seconds
    player.tick()
    return player.instant


def test_play_follows_capture_time(player: PlayerPresenter, clock: Clock):
    states: list[bool] = []
    player.playing_changed.connect(states.append)
    player.toggle()
    assert player.playing
    seconds = player.data.seconds
    for step in (0.010, 0.150, 0.333, 0.001):
        instant = go_on(player, clock, step)
        now_s = seconds[0] + clock.now_s - 100.0
        assert seconds[instant] <= now_s < seconds[instant + 1]
    assert go_on(player, clock, 5.0) == FRAMES - 1
    assert not player.playing, "it pauses at the end"
    player.toggle()
    assert player.instant == 0, "and starts over"
    player.toggle()
    assert states == [True, False, True, False]


@pytest.mark.parametrize("speed", SPEEDS)
def test_speed(player: PlayerPresenter, clock: Clock, speed: float):
    player.set_speed(speed)
    player.play()
    instant = go_on(player, clock, 0.4)
    expected = player.data.seconds[0] + 0.4 * speed
    assert player.data.seconds[instant] <= expected < player.data.seconds[instant + 1]


def test_speed_changes_while_playing_without_a_jump(player: PlayerPresenter, clock: Clock):
    told: list[float] = []
    player.speed_changed.connect(told.append)
    player.play()
    before = go_on(player, clock, 0.3)
    player.faster(-2)
    assert player.speed == 0.25
    assert go_on(player, clock, 0.0) == before
    player.faster(-9)
    player.faster(-1)
    assert player.speed == SPEEDS[0]
    player.faster(9)
    assert player.speed == SPEEDS[-1]
    assert told == [0.25, 0.1, 2.0]


def test_a_range_is_repeated(player: PlayerPresenter, clock: Clock):
    player.set_loop((20, 10))
    assert player.loop == (10, 20)
    player.play()
    assert player.instant == 10
    span_s = float(player.data.seconds[20] - player.data.seconds[10])
    assert go_on(player, clock, span_s * 0.99) == 19
    assert go_on(player, clock, span_s * 0.02) == 10
    assert player.playing
    assert 10 <= go_on(player, clock, span_s * 0.5) <= 16
    player.toggle_loop()
    assert player.loop is None
    player.toggle_loop()
    assert player.loop == (0, FRAMES - 1)


def test_loop_ends_are_set_where_we_are(player: PlayerPresenter):
    player.seek(8)
    player.loop_from_here()
    assert player.loop == (8, FRAMES - 1)
    player.seek(15)
    player.loop_to_here()
    assert player.loop == (8, 15)
    player.seek(5)
    player.loop_to_here()
    assert player.loop == (0, 5)
    player.set_loop((4, 4))
    assert player.loop is None


def test_steps_jumps_and_ends(player: PlayerPresenter):
    player.play()
    player.step(1)
    assert not player.playing
    assert player.instant == 1
    player.step(-5)
    assert player.instant == 0
    player.jump(0.5)
    assert player.data.seconds[player.instant] == pytest.approx(0.5, abs=0.02)
    player.jump(-99.0)
    assert player.instant == 0
    player.go_end()
    assert player.instant == FRAMES - 1
    player.jump(0.001)
    assert player.instant == FRAMES - 1
    player.jump(-0.001)
    assert player.instant == FRAMES - 2, "a jump always moves"
    player.go_home()
    assert player.instant == 0
    player.seek_time(player.data.seconds[12] + 0.01)
    assert player.instant == 12


def shown_at(player: PlayerPresenter, instant: int, qtbot) -> Shown:
    arrived: list[Shown] = []
    player.shown.connect(arrived.append)
    player.seek(instant)
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
        player.seek(instant)
    qtbot.waitUntil(lambda: bool(arrived) and arrived[-1] == 7)
    assert len(arrived) < FRAMES, "what nobody wants any more is not decoded"


def test_jumps_are_told_from_going_on(player: PlayerPresenter, qtbot):
    player.set_sizes(ALL)
    shown_at(player, 5, qtbot)
    assert not shown_at(player, 6, qtbot).jumped
    assert shown_at(player, 20, qtbot).jumped
    assert shown_at(player, 19, qtbot).jumped


def test_marks_are_kept_in_the_take(player: PlayerPresenter, walk: Path, qtbot):
    player.seek(10)
    with qtbot.waitSignal(player.marks_changed):
        player.add_mark("jump")
    assert [mark.text for mark in player.marks] == ["start of the walk", "jump"]
    mark = player.marks[1]
    assert mark.t_ns == player.data.timeline.times_ns[10]
    assert player.mark_seconds(mark.t_ns) == pytest.approx(player.data.seconds[10])
    with qtbot.waitSignal(player.marks_changed):
        player.edit_mark(mark.number, "high jump")
    assert read_marks(walk)[1].text == "high jump"
    with qtbot.waitSignal(player.marks_changed):
        player.remove_mark(mark.number)
    assert [mark.text for mark in read_marks(walk)] == ["start of the walk"]
    said: list[tuple[str, str]] = []
    player.said.connect(lambda level, text: said.append((level, text)))
    player.remove_mark(99)
    qtbot.waitUntil(lambda: bool(said))
    assert said[0][0] == "bad"


def test_graphs_are_computed_in_the_background(player: PlayerPresenter, qtbot):
    with qtbot.waitSignal(player.series_ready) as ready:
        player.want_series(0, ["nose", "left_wrist"], ["z", "speed"])
    result = ready.args[0]
    assert [line.joint for line in result["z"]] == ["nose", "left_wrist"]
    assert len(result["speed"][0].values) == FRAMES
    results: list[dict] = []
    player.series_ready.connect(results.append)
    player.want_series(0, ["nose"], ["x"])
    player.want_series(0, ["nose"], ["y"])
    qtbot.waitUntil(lambda: bool(results))
    assert list(results[-1]) == ["y"]


def test_another_take_takes_its_place(player: PlayerPresenter, walk: Path, interrupted: Path, qtbot):
    (interrupted / "poses.npz").rename(interrupted / "poses.log")
    with qtbot.waitSignal(player.failed) as failed:
        player.open(interrupted)
    assert "was interrupted" in failed.args[0]
    assert player.data is None
    assert player.count == 0
    player.play()
    player.step(1)
    player.toggle_loop()
    player.add_mark("nowhere")
    assert not player.playing
    with qtbot.waitSignal(player.opened):
        player.open(walk)
    assert player.instant == 0


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
