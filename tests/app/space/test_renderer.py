"""Open3D in this very process, for what cannot be seen from the window's end."""

from __future__ import annotations

import os

import numpy as np
import pytest

from app import theme
from app.space.colours import scene_colours
from app.space.orbit_camera import OrbitCamera, focal
from app.space.render_process import open_renderer, prepare
from app.space.request import Request
from app.space.scene import Scene

SIZE = (160, 120)


@pytest.fixture(scope="module")
def renderer(open3d_draws):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            patch.delenv(name, raising=False)  # which ``prepare`` does too, and this puts back
        patch.setenv("XDG_RUNTIME_DIR", os.environ.get("XDG_RUNTIME_DIR", "/tmp"))
        patch.setattr("os.dup2", lambda *words: None)  # stdout is pytest's
        renderer = open_renderer(prepare())
        yield renderer
        renderer.close()


def request_of(scene, samples, size=SIZE, sequence=1):
    camera = OrbitCamera()
    return Request(
        sequence=sequence,
        canvas="",
        size=size,
        dots=1.0,
        eye_from_world=camera.eye_from_world,
        focal=focal(size),
        near_mm=camera.near_mm,
        background=scene.colours.background,
        changed={name: part for name, (_, part) in scene.parts.items()},
        order=tuple(scene.parts),
        samples=samples,
    )


@pytest.fixture
def scene(rig, standing):
    scene = Scene(scene_colours(theme.DARK))
    scene.set_rig(rig)
    joints, skeleton = standing
    scene.show_people(joints, skeleton, np.array([0]), None)
    return scene


def never():
    return False


def test_both_ways_to_the_pixels_agree(renderer, scene, monkeypatch):
    samples, direct = renderer.draw(request_of(scene, 1), never)
    direct = direct.copy()
    assert samples == 1
    assert direct.shape == (SIZE[1], SIZE[0], 4)
    assert np.ptp(direct[..., :3].astype(int), axis=(0, 1)).min() > 100, "there is something to be seen"
    monkeypatch.setattr(renderer._reader, "_source", None)
    _, floats = renderer.draw(request_of(scene, 1), never)
    # Floats are cut to bytes where OpenGL rounds.
    assert np.abs(direct[..., :3].astype(int) - floats[..., :3]).max() <= 1


def test_averaging_smooths_edges_and_moves_nothing(renderer, scene):
    _, rough = renderer.draw(request_of(scene, 1), never)
    rough = rough[..., :3].astype(int)
    samples, smooth = renderer.draw(request_of(scene, 8), never)
    smooth = smooth[..., :3].astype(int)
    assert samples == 8
    assert len(np.unique(smooth.reshape(-1, 3), axis=0)) > 1.5 * len(np.unique(rough.reshape(-1, 3), axis=0))
    # The eight places within a pixel have their mean within 0.07 px of its centre, edges are up to 255 high;
    # over all pixels the differences cancel.
    assert abs((smooth - rough).mean()) < 0.5
    centres = []
    for picture in (rough, smooth):
        weight = np.abs(picture - picture[0, 0]).sum(axis=2)
        rows, columns = np.indices(weight.shape)
        centres.append([(rows * weight).sum() / weight.sum(), (columns * weight).sum() / weight.sum()])
    np.testing.assert_allclose(*centres, atol=0.25)


def test_smoothing_is_given_up_for_something_newer(renderer, scene):
    asked = []

    def outdated():
        asked.append(True)
        return len(asked) == 3

    assert renderer.draw(request_of(scene, 8), outdated) == (0, None)
    assert len(asked) == 3


def test_another_size_takes_everything_along(renderer, scene):
    renderer.draw(request_of(scene, 1), never)
    request = request_of(scene, 1, (200, 120))
    _, whole = renderer.draw(request, never)
    whole = whole.copy()
    renderer.draw(request_of(scene, 1), never)
    unchanged = Request(**{**vars(request), "changed": {}})
    _, moved = renderer.draw(unchanged, never)
    np.testing.assert_array_equal(moved, whole)


def test_more_people_than_the_mesh_holds(renderer, standing):
    """Meshes are made for a number of bodies; one more person needs a new one, one less does not."""
    joints, skeleton = standing
    scene = Scene(scene_colours(theme.DARK))
    seen = []
    for count in (1, 5, 2, 0):
        crowd = np.concatenate([joints[:0], *[joints + np.array([700.0 * n, 0, 0]) for n in range(count)]])
        scene.show_people(crowd, skeleton, np.arange(count), None)
        _, picture = renderer.draw(request_of(scene, 1), never)
        seen.append(picture[..., :3].astype(int))
    bodies = [(np.abs(picture - seen[-1]).max(axis=2) > 40).sum() for picture in seen]
    assert bodies[1] > bodies[2] > bodies[0] > 0
