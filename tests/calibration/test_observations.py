"""Stored views of a board, and which belong to one moment."""

import numpy as np
import pytest

from calibration.board import Board
from calibration.observations import BoardObservations, BoardView
from configs.errors import BadInputError

BOARD = Board("charuco", 4, 5, 54, 40.5, "4x4_50")
MS = 1_000_000


def view(camera, frame, time_ms, ids=(0, 1, 4), **more):
    pixels = np.random.default_rng(frame).uniform(0, 700, (len(ids), 2))
    return BoardView(camera, frame, time_ms * MS, np.array(ids), pixels, **more)


def recording(*views):
    return BoardObservations(BOARD, {"a": (1280, 720), "b": (640, 480), "c": (640, 480)}, views)


def test_the_file_brings_every_bit_back(tmp_path):
    whole = recording(
        view("b", 7, 130, mirrored=True, inverted=True, sharpness=0.4),
        view("a", 0, 0, ids=()),
        view("a", 3, 50),
    )
    whole.save(tmp_path / "views.npz")
    again = BoardObservations.load(tmp_path / "views.npz")
    assert again.board == BOARD
    assert again.sizes == whole.sizes
    for one, other in zip(whole.views, again.views, strict=True):
        for name in ("camera", "frame", "time_ns", "mirrored", "inverted"):
            assert getattr(one, name) == getattr(other, name)
        np.testing.assert_array_equal(one.ids, other.ids)
        np.testing.assert_array_equal(one.pixels, other.pixels)
        np.testing.assert_equal(one.sharpness, other.sharpness)


def test_no_views_can_be_stored_too(tmp_path):
    recording().save(tmp_path / "views.npz")
    assert BoardObservations.load(tmp_path / "views.npz").views == ()


def test_views_of_a_camera_come_in_order_of_time():
    late, early = view("a", 5, 90), view("a", 2, 10)
    assert recording(late, view("b", 0, 50), early).by_camera("a") == (early, late)
    assert recording(late).by_camera("c") == ()


def test_moments_hold_each_camera_once():
    views = [view("a", 0, 0), view("b", 0, 12), view("c", 0, 31), view("a", 1, 100), view("b", 1, 88)]
    groups = recording(*views).instants(20 * MS)
    assert [[(v.camera, v.frame) for v in group] for group in groups] == [
        [("a", 0), ("b", 0)],
        [("c", 0)],
        [("b", 1), ("a", 1)],
    ]


def test_two_views_of_one_camera_are_never_one_moment():
    groups = recording(view("a", 0, 0), view("a", 1, 5), view("b", 0, 6)).instants(20 * MS)
    assert [[v.frame for v in group] for group in groups] == [[0], [1, 0]]
    assert sorted(v.camera for v in groups[1]) == ["a", "b"]


@pytest.mark.parametrize("content", [b"", b"text", None])
def test_other_files_are_refused_with_their_name(content, tmp_path):
    path = tmp_path / "views.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"views\.npz"):
        BoardObservations.load(path)


def test_views_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        BoardView("a", 0, 0, np.array([1, 2]), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="rise"):
        BoardView("a", 0, 0, np.array([2, 1]), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="corner 12 is not on a board"):
        recording(view("a", 0, 0, ids=(0, 12)))
    with pytest.raises(ValueError, match="no picture size"):
        recording(view("d", 0, 0))
