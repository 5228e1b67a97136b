"""The cameras of a rig as a document: every change can be undone."""

from __future__ import annotations

import pytest

from app.cameras.rig_document import RigDocument
from tests.app.cameras.conftest import DirectDesk, keys, webcam


@pytest.fixture
def document(qapp) -> RigDocument:
    return RigDocument(DirectDesk())


def test_adding_duplicating_moving_removing_can_be_undone(document):
    document.add([webcam("left")])
    document.add([webcam("right"), webcam("top")])
    left, right, top = keys(document)
    assert document.selected == right
    document.duplicate(left)
    assert document.draft.names == ("left", "left2", "right", "top")
    document.move(top, 0)
    document.remove(right)
    assert (document.draft.names, document.last_removed) == (("top", "left", "left2"), "right")
    assert document.history.undo_text == "remove right"
    document.undo()
    assert (document.draft.names, document.last_removed) == (("top", "left", "left2", "right"), "")
    document.redo()
    assert document.draft.names == ("top", "left", "left2")
    for _ in range(5):
        document.undo()
    assert document.draft.names == () and document.selected is None


def test_removing_the_chosen_camera_chooses_its_neighbour(document):
    document.add([webcam("a"), webcam("b"), webcam("c")])
    a, b, c = keys(document)
    document.select(b)
    document.remove(b)
    assert document.selected == c
    document.remove(c)
    assert document.selected == a
    document.remove(a)
    assert document.selected is None


def test_typing_a_name_is_one_step(document):
    document.add([webcam("a")])
    (key,) = keys(document)
    for name in ("ab", "abc", "abcd"):
        document.rename(key, name)
    document.undo()
    assert document.draft.names == ("a",)
    document.redo()
    document.rest()
    document.rename(key, "abcde")
    document.undo()
    assert document.draft.names == ("abcd",)
