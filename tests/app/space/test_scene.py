"""Parts of the scene change when, and only when, what they show does."""

from dataclasses import replace

import numpy as np
import pytest

from app import theme
from app.space.colours import scene_colours
from app.space.drawing import Screen, Solids, Strokes
from app.space.orbit_camera import OrbitCamera
from app.space.scene import OPTIONS, Scene


@pytest.fixture
def scene(rig):
    scene = Scene(scene_colours(theme.DARK))
    scene.set_rig(rig)
    return scene


def changed(scene, action):
    before = {name: version for name, (version, _) in scene.parts.items()}
    action()
    after = {name: version for name, (version, _) in scene.parts.items()}
    return {name for name in before | after if before.get(name) != after.get(name)}


def test_nothing_new_changes_nothing(scene, rig, standing):
    joints, skeleton = standing
    scene.show_people(joints, skeleton, np.array([0]), None)
    version = scene.version
    scene.set_rig(rig)
    scene.set_colours(scene_colours(theme.DARK))
    scene.highlight(None)
    for name, on in OPTIONS.items():
        scene.set_option(name, on)
    assert scene.version == version
    scene.show_people(joints[:0], skeleton, np.zeros(0, int), None)
    assert scene.version > version, "they have gone"
    version = scene.version
    scene.show_people(joints[:0], skeleton, np.zeros(0, int), None)
    assert scene.version == version, "still nobody"


def test_each_change_touches_its_parts(scene, standing):
    joints, skeleton = standing
    show = lambda shift: scene.show_people(joints + shift, skeleton, np.array([0]), None)  # noqa: E731
    assert changed(scene, lambda: show(0)) == {"people", "trails"}
    assert changed(scene, lambda: scene.highlight("front")) == {"frusta", "highlight", "cameras"}
    assert changed(scene, lambda: scene.set_option("uncertainty", True)) == {"people"}
    assert changed(scene, lambda: scene.set_option("trails", False)) == {"trails"}
    assert changed(scene, lambda: scene.set_option("follow", True)) == set()
    assert {"plane", "people", "frusta"} <= changed(
        scene, lambda: scene.set_colours(scene_colours(theme.LIGHT))
    )


def test_options_show_and_hide(scene, standing, rig):
    joints, skeleton = standing
    for step in range(3):
        scene.show_people(joints + 10.0 * step, skeleton, np.array([0]), np.zeros((1, 17, 3, 3)))
    part = lambda name: scene.parts[name][1]  # noqa: E731
    assert len(part("trails").ends)
    scene.set_option("trails", False)
    assert not len(part("trails").ends)
    assert len(part("frusta").ends)
    assert [label.text for label in scene.labels] == ["X", "Y", "Z", "front", "side"]
    scene.set_option("frusta", False)
    assert not len(part("frusta").ends)
    assert not len(part("cameras").tubes)
    assert [label.text for label in scene.labels] == ["X", "Y", "Z"]
    thick = part("people").radii.max()
    scene.set_option("uncertainty", True)
    assert part("people").radii.max() < thick
    with pytest.raises(KeyError):
        scene.set_option("no_such", True)


def test_pictures_appear_with_their_option_and_are_copies(scene):
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[..., 0] = 200  # blue
    scene.show_pictures({"front": picture, "unknown": picture})
    assert not any(isinstance(part, Screen) for _, part in scene.parts.values())
    scene.set_option("pictures", True)
    screens = {name: part for name, (_, part) in scene.parts.items() if isinstance(part, Screen)}
    assert set(screens) == {"picture front"}
    shown = screens["picture front"].picture
    assert max(shown.shape[:2]) <= 192
    assert shown[0, 0].tolist() == [0, 0, 200], "red, green, blue"
    picture[:] = 0
    assert shown.max() == 200
    assert changed(scene, lambda: scene.show_pictures({"front": picture})) == {"picture front"}
    scene.set_option("frusta", False)
    assert not any(isinstance(part, Screen) for _, part in scene.parts.values())


def test_pictures_do_not_hide_the_people(scene):
    scene.set_option("pictures", True)
    scene.show_pictures({name: np.zeros((48, 64, 3), np.uint8) for name in ("front", "side")})

    def seen(camera):
        return {name for name in scene.parts_seen(camera, (400, 300)) if name.startswith("picture")}

    behind_front = OrbitCamera(
        azimuth_deg=-90.0, distance_mm=4000.0
    )  # the camera stands 3 m before the middle
    assert seen(behind_front) == {"picture side"}
    assert seen(replace(behind_front, distance_mm=40_000.0)) == {"picture front", "picture side"}
    assert seen(replace(behind_front, azimuth_deg=90.0)) == {"picture front", "picture side"}


def test_frusta_are_the_cameras_fields_of_view(scene, rig):
    frusta = scene.parts["frusta"][1]
    assert isinstance(frusta, Strokes)
    for camera in rig.cameras:
        starts = np.isclose(frusta.ends[:, 0], camera.position).all(axis=1)
        assert starts.sum() == 4
        corners = camera.project(frusta.ends[starts, 1])
        width, height = camera.size
        expected = {(u, v) for u in (-0.5, width - 0.5) for v in (-0.5, height - 0.5)}
        assert {tuple(np.round(corner, 6)) for corner in corners} == expected


def test_highlighted_camera_has_the_accent(scene):
    scene.highlight("side")
    strong = scene.parts["highlight"][1]
    np.testing.assert_allclose(strong.colours, np.tile(scene.colours.accent, (len(strong.ends), 1)))
    assert [label.strong for label in scene.labels if label.text in {"front", "side"}] == [False, True]
    scene.highlight(None)
    assert not len(scene.parts["highlight"][1].ends)


def test_without_a_rig_there_is_a_floor():
    scene = Scene(scene_colours(theme.LIGHT))
    assert {"plane", "lines", "axes"} <= set(scene.parts)
    assert isinstance(scene.parts["people"][1], Solids)
    assert scene.middle is None
