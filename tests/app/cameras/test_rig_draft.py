"""A rig while it is edited."""

import pytest

from app.cameras.history import History
from app.cameras.rig_draft import (
    UNSTATED,
    CameraDraft,
    RigDraft,
    own_problems,
    read_rate,
    read_size,
    rig_problem,
)
from pipeline.rigs.rig_config import RigConfig
from pipeline.rigs.simulated_rig import simulated_rig


def draft(*names: str) -> RigDraft:
    return RigDraft("rig", tuple(CameraDraft(name, "usb", {"device": name}) for name in names))


def test_a_rig_becomes_a_draft_and_a_rig_again():
    rig = simulated_rig(3, (320, 240), 25.0, 4)
    assert RigDraft.of(rig).config() == rig
    assert RigDraft.of(rig).same_as(RigDraft.of(rig))
    assert RigDraft.of(rig) != RigDraft.of(rig), "cameras of another draft are other cameras"


@pytest.mark.parametrize(
    ("taken", "wanted", "free"),
    [
        ((), "left", "left"),
        (("cam1", "cam2"), "cam2", "cam3"),
        (("left",), "left", "left2"),
        ((), "my camera (1)", "my_camera_1_"),
        ((), "…", "camera"),
        (("cam3",), "cam1", "cam1"),
    ],
)
def test_new_names_are_free_and_possible(taken, wanted, free):
    found = draft(*taken).free_name(wanted)
    assert found == free
    added = draft(*taken).added([CameraDraft(found, "usb", {})])
    assert not own_problems(added)
    RigConfig.model_validate(added.config().model_dump())


def test_order_changes_and_ends_are_kept():
    three = draft("a", "b", "c")
    keys = [camera.key for camera in three.cameras]
    assert three.moved(keys[0], 2).names == ("b", "c", "a")
    assert three.moved(keys[2], 0).names == ("c", "a", "b")
    assert three.moved(keys[1], 99).names == ("a", "c", "b")
    assert three.moved(keys[1], -3).names == ("b", "a", "c")
    assert three.moved(12345678, 0) == three
    assert three.removed(keys[1]).names == ("a", "c")
    assert three.added(draft("d").cameras, after=keys[0]).names == ("a", "d", "b", "c")


def test_settings_are_stated_and_taken_out_at_any_depth():
    camera = CameraDraft("a", "simulated", {"studio": {"seed": 1}})
    deeper = camera.with_setting(("studio", "people"), 2).with_setting(("loss",), 0.1)
    assert deeper.settings == {"studio": {"seed": 1, "people": 2}, "loss": 0.1}
    assert camera.settings == {"studio": {"seed": 1}}, "the one before stays"
    assert deeper.with_setting(("studio", "seed"), UNSTATED).settings["studio"] == {"people": 2}
    assert deeper.setting(("studio", "people")) == 2
    with pytest.raises(KeyError):
        deeper.setting(("studio", "nothing"))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("640x480", (640, 480)),
        (" 1280 × 720 ", (1280, 720)),
        ("1920 1080", (1920, 1080)),
        ("", None),
        ("big", "big"),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert read_size(text) == size


@pytest.mark.parametrize(
    ("text", "rate"), [("30", 30.0), ("29,97 fps", 29.97), ("60 Hz", 60.0), ("", None), ("x", "x")]
)
def test_rates_are_read_as_people_write_them(text, rate):
    assert read_rate(text) == rate


def test_every_wrong_field_is_named():
    cameras = (
        CameraDraft("", "usb", {}),
        CameraDraft("a b", "usb", {}, size="big", fps="fast"),
        CameraDraft("same", "usb", {}, size=(0, 5), fps=0.0),
        CameraDraft("same", "usb", {}, size=(99999, 5), fps=2000.0),
        CameraDraft("x" * 65, "usb", {}),
    )
    found = own_problems(RigDraft("rig", cameras))
    assert {(cameras.index(next(c for c in cameras if c.key == key)), field) for key, field in found} == {
        (0, "name"),
        (1, "name"),
        (1, "size"),
        (1, "fps"),
        (2, "name"),
        (2, "size"),
        (2, "fps"),
        (3, "name"),
        (3, "size"),
        (3, "fps"),
        (4, "name"),
    }
    assert rig_problem(RigDraft()) == "The rig has no cameras yet."
    assert rig_problem(draft("a")) == ""


def test_history_goes_back_and_forth_and_joins_what_is_typed():
    history = History("")
    for text in ("l", "le", "lef"):
        history.do(text, "rename", merge=("name", 1))
    history.rest()
    history.do("left", "rename", merge=("name", 1))
    assert (history.undo_text, history.redo_text) == ("rename", "")
    assert history.undo() and history.state == "lef", "leaving the field begins a new step"
    assert history.undo() and history.state == ""
    assert not history.undo()
    assert history.redo() and history.redo() and history.state == "left"
    assert not history.redo()
    history.undo()
    history.do("other", "something else")
    assert not history.redo(), "what was undone is forgotten"
