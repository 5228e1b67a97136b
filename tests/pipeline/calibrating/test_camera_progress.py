"""What is told about each camera of a live calibration."""

import numpy as np

from calibration.board_detector import Detection
from pipeline.calibrating.board_messages import Looked
from pipeline.calibrating.camera_progress import ProgressBook
from pipeline.calibrating.config import LiveConfig
from pipeline.calibrating.view_keeper import ViewKeeper
from tests.support.board_recording import board_studio, recorded_views

NAMES = board_studio().rig.names
SIZES = dict.fromkeys(NAMES, (640, 480))


def keeper() -> ViewKeeper:
    return ViewKeeper(board_studio().board, SIZES, LiveConfig(), known_lenses=("cam4",))


def looked(camera: str, view=None, reason: str = "", evidence: bool = False) -> Looked:
    return Looked(camera, 0, 5, Detection(view, reason, evidence or view is not None))


def test_it_tells_what_was_seen_last_and_what_is_kept():
    kept, book = keeper(), ProgressBook(NAMES)
    book.start(kept)
    start = book.cameras({"cam1": "ring"})
    assert start["cam1"].ring == "ring"
    assert start["cam1"].size == (640, 480)
    assert [start[name].known_lens for name in NAMES] == [False, False, False, True]
    assert len(start["cam1"].gaps) == 9
    view = recorded_views().by_camera("cam1")[0]
    kept.offer([view])
    book.note([looked("cam1", view), looked("cam2", None, "no marker of the board")], kept)
    cameras = book.cameras({})
    assert cameras["cam1"].views == kept.views_of("cam1") == 1
    assert cameras["cam1"].counts.sum() == len(view)
    assert cameras["cam1"].covered == kept.covered_share("cam1") > 0
    np.testing.assert_array_equal(cameras["cam1"].corners, view.pixels)
    assert cameras["cam1"].sees_board
    assert not cameras["cam2"].sees_board
    assert cameras["cam2"].reason == "no marker of the board"
    assert [cameras[name].pictures for name in NAMES] == [1, 1, 0, 0]
    assert cameras["cam1"].ring == ""


def test_a_board_that_is_there_and_not_found_is_told_after_a_while():
    kept, book = keeper(), ProgressBook(NAMES)
    book.start(kept)
    near = []
    for _ in range(12):
        book.note([looked("cam1", None, "the board is too blurred", evidence=True)], kept)
        near.append(book.cameras({})["cam1"].near)
    assert near == [False] * 3 + [True] * 9
    assert book.obstacles(kept) == ["cam1: the board is too blurred"]
    book.note([looked("cam1", None, "no marker of the board")], kept)
    assert not book.cameras({})["cam1"].near
    view = recorded_views().by_camera("cam1")[0]
    kept.offer([view])
    assert book.obstacles(kept) == [], "it was found after all"
