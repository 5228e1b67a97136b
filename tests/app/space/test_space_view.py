"""The 3D view under real mouse and keys: what every control does to the picture, in both engines."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from multiprocessing import active_children
from operator import methodcaller
from pathlib import Path

import numpy as np
import psutil
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QWheelEvent

from app import theme
from app.space import space_view
from app.space.engine_choice import engine_choice
from app.space.orbit_camera import OrbitCamera
from app.space.render_link import Picture, RenderLink
from app.space.space_view import SpaceView, make_space_view
from models.skeletons import get_skeleton
from tests.app.space.conftest import SIZE, drawn, of_colour, pixels_of

WITHIN_MS = 60_000
SMOOTH = 8


@pytest.fixture
def view(make_view, rig, standing, monkeypatch):
    """Painted lines, with people in it and without gliding."""
    view = make_view("wireframe")
    view._glide.duration_ms = 0
    view.set_rig(rig)
    view.show_people(*standing)
    return view


def settled(qtbot, view: SpaceView) -> Picture:
    """Wait for the smooth picture of the present state."""

    def is_there() -> bool:
        view._ask()
        picture = view.picture
        return (
            picture is not None
            and picture.wanted.camera == view.camera
            and picture.wanted.number == view._number
            and picture.drawn.samples >= SMOOTH
        )

    qtbot.waitUntil(is_there, timeout=WITHIN_MS)
    assert view.picture is not None
    return view.picture


def drag(qtbot, view, button, start, end, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.mousePress(view, button, modifier, QPoint(*start))
    qtbot.mouseMove(view, QPoint(*end))
    # Qt's own move event of the test carries no buttons on some platforms; what counts is the handler.
    qtbot.mouseRelease(view, button, modifier, QPoint(*end))


def wheel(view, place, steps):
    at = QPointF(*place)
    view.wheelEvent(
        QWheelEvent(
            at,
            at,
            QPoint(),
            QPoint(0, steps),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
    )


def centre_of(pixels, colour):
    """(x, y) middle of the pixels of a colour, in px of the widget."""
    rows, columns = np.nonzero(of_colour(pixels, colour))
    assert len(rows), "nothing of that colour"
    return np.array([columns.mean() + 0.5, rows.mean() + 0.5])


def test_left_drag_orbits(qtbot, view):
    view.set_option("frusta", False)
    before = drawn(view)
    azimuth, elevation, target = view.camera.azimuth_deg, view.camera.elevation_deg, view.camera.target
    drag(qtbot, view, Qt.MouseButton.LeftButton, (200, 150), (250, 170))
    assert view.camera.azimuth_deg == pytest.approx(azimuth - 0.4 * 50)
    assert view.camera.elevation_deg == pytest.approx(elevation + 0.4 * 20)
    assert view.camera.target == target
    assert (drawn(view) != before).any()


@pytest.mark.parametrize("button", [Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton, None])
def test_right_middle_and_shift_drag_pan(qtbot, view, button):
    view.set_option("frusta", False)
    view.look(OrbitCamera())
    before = centre_of(drawn(view), theme.DARK.right)
    if button is None:
        drag(
            qtbot, view, Qt.MouseButton.LeftButton, (200, 150), (230, 140), Qt.KeyboardModifier.ShiftModifier
        )
    else:
        drag(qtbot, view, button, (200, 150), (230, 140))
    moved = centre_of(drawn(view), theme.DARK.right) - before
    # The body stands at the target's depth within 0.3 m of some 5 m, so it follows the hand within 6 %,
    # and its middle is known to a pixel.
    np.testing.assert_allclose(moved, [30, -10], atol=0.06 * 30 + 1)


def test_panning_ends_following(qtbot, view):
    view.set_option("follow", True)
    with qtbot.waitSignal(view.option_changed) as changed:
        drag(qtbot, view, Qt.MouseButton.RightButton, (200, 150), (230, 140))
    assert changed.args == ["follow", False]


def test_wheel_zooms_to_the_pointer(view, standing):
    wrist = standing[0][0, standing[1].index("right_wrist")]
    view.look(view.camera.aimed(wrist).panned(60, 40, SIZE))
    place, _ = view.project(wrist)
    wheel(view, place.tolist(), 240)
    nearer, _ = view.project(wrist)
    assert np.linalg.norm(nearer - place) < 8, "what is under the pointer stays there"
    distance = view.camera.distance_mm
    big = of_colour(drawn(view), theme.DARK.right).sum()
    wheel(view, (200, 150), -480)
    assert view.camera.distance_mm > distance
    assert of_colour(drawn(view), theme.DARK.right).sum() < big


def test_double_click_and_r_reset(qtbot, view):
    home = view.camera
    before = drawn(view)
    for reset in (
        lambda: qtbot.mouseDClick(view, Qt.MouseButton.LeftButton),
        lambda: qtbot.keyClick(view, Qt.Key.Key_R),
    ):
        drag(qtbot, view, Qt.MouseButton.LeftButton, (100, 100), (150, 90))
        wheel(view, (100, 100), 120)
        assert (drawn(view) != before).any()
        reset()
        assert view.camera == home
        np.testing.assert_array_equal(drawn(view), before)


def test_first_view_holds_all_cameras(make_view, rig):
    view = make_view()
    view.set_rig(rig)
    for camera in rig.cameras:
        place, depth = view.project(camera.position)
        assert depth > 0
        assert 0 < place[0] < SIZE[0]
        assert 0 < place[1] < SIZE[1]


def test_first_view_of_a_narrow_picture_goes_nearer_when_people_come(make_view, rig, standing):
    view = make_view(size=(260, 300))
    view._glide.duration_ms = 0
    view.set_rig(rig)
    before = view.camera
    view.show_people(*standing)
    assert view.camera.distance_mm < 0.9 * before.distance_mm
    places, depth = view.project(standing[0][0])
    assert (depth > 0).all()
    assert (places > 0).all()
    assert (places < [260, 300]).all()
    # Who has chosen a view keeps it.
    moved = make_view(size=(260, 300))
    moved.set_rig(rig)
    moved.look(before)
    moved.show_people(*standing)
    assert moved.camera == before


def test_limbs_stay_visible_from_afar(view, standing):
    """At 0.1 px per limb or at 3: people seen from far are drawn with at least a pixel and a half."""
    view.set_option("trails", False)
    view.look(OrbitCamera(distance_mm=60_000.0))
    drawn(view)
    far = view.scene.parts["people"][1]
    px_mm = 60_000.0 / (1.2 * SIZE[1])
    assert 2 * far.radii.min() > 1.5 * px_mm
    view.look(OrbitCamera(distance_mm=3000.0))
    drawn(view)
    near = view.scene.parts["people"][1]
    assert near.radii.max() < 30


def test_number_keys_choose_views(qtbot, view, standing):
    target = np.array(view.camera.target)
    sideways = {}
    for key, name in enumerate(("front", "left", "top", "three-quarter"), 1):
        qtbot.keyClick(view, str(key))
        camera = view.camera
        # How +X and +Z appear: to the right, towards the top of the picture.
        x = view.project(target + np.array([100, 0, 0]))[0] - view.project(target)[0]
        z = view.project(target + np.array([0, 0, 100]))[0] - view.project(target)[0]
        sideways[name] = x[0], z[1]
        np.testing.assert_allclose(camera.target, target)
    assert sideways["front"][0] > 1, "from the front +X is to the right"
    assert abs(sideways["left"][0]) < 1, "from the left one looks along it"
    assert abs(sideways["top"][1]) < 1, "from the top one looks along Z"
    assert sideways["three-quarter"][0] > 1
    assert sideways["front"][1] < -1
    with pytest.raises(KeyError):
        view.look_from("behind")


def test_arrows_and_plus_and_minus(qtbot, view):
    before, camera = drawn(view), view.camera
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.camera.azimuth_deg == pytest.approx(camera.azimuth_deg - 5)
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert view.camera.elevation_deg == pytest.approx(camera.elevation_deg + 5)
    assert (drawn(view) != before).any()
    qtbot.keyClick(view, Qt.Key.Key_Right)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.camera.azimuth_deg == pytest.approx(camera.azimuth_deg)
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.camera.distance_mm < camera.distance_mm
    qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.camera.distance_mm == pytest.approx(camera.distance_mm)


def test_other_keys_go_to_the_page(qtbot, view):
    before = view.camera
    qtbot.keyClick(view, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert not view.options["follow"]
    assert view.camera == before


def test_f_follows_the_people(qtbot, view, standing):
    joints, skeleton = standing
    with qtbot.waitSignal(view.option_changed) as changed:
        qtbot.keyClick(view, Qt.Key.Key_F)
    assert changed.args == ["follow", True]
    far = joints + np.array([1500.0, 800.0, 0.0])
    for _ in range(60):
        view.show_people(far, skeleton)
    np.testing.assert_allclose(view.camera.target, view.scene.middle, atol=1.5)
    place = centre_of(drawn(view), theme.DARK.right)
    assert abs(place[0] - SIZE[0] / 2) < 60
    still = view.camera
    for _ in range(3):
        view.show_people(far, skeleton)
    assert view.camera == still, "who stands still moves nothing"
    qtbot.keyClick(view, Qt.Key.Key_F)
    view.show_people(joints, skeleton)
    assert view.camera == still


@pytest.mark.parametrize("name", ["trails", "frusta", "pictures", "uncertainty"])
def test_options_change_the_picture(qtbot, view, standing, name):
    joints, skeleton = standing
    covariance = np.broadcast_to(np.diag([40.0, 90.0, 20.0]) ** 2, (1, len(skeleton), 3, 3))
    for step in range(10):
        view.show_people(joints + np.array([10.0 * step, 0, 0]), skeleton, [4], covariance)
    view.show_pictures({"front": np.full((480, 640, 3), (30, 220, 90), np.uint8)})
    before, on = drawn(view), view.options[name]
    with qtbot.waitSignal(view.option_changed) as changed:
        view.set_option(name, not on)
    assert changed.args == [name, not on]
    assert (drawn(view) != before).sum() > 100
    view.set_option(name, on)
    np.testing.assert_array_equal(drawn(view), before)


def test_highlighted_camera_stands_out(view, rig):
    def accented():
        return of_colour(drawn(view)[:80], theme.DARK.accent, 0.1).sum()

    view.show_people(np.zeros((0, 17, 3)), get_skeleton("coco_17"))
    before = accented()
    view.highlight_camera("side")
    assert accented() > before + 20
    view.highlight_camera(None)
    assert accented() == before


def test_themes_colour_the_scene(qtbot, view, monkeypatch):
    dark = drawn(view)
    monkeypatch.setattr(theme._Current, "palette", theme.LIGHT)
    theme.watcher().changed.emit()
    light = drawn(view)
    assert dark.mean() < 80
    assert light.mean() > 200
    assert of_colour(light, theme.LIGHT.right).any()


def test_a_known_joint_is_where_it_projects_to(make_view):
    """Painted lines: a single joint's middle against the projection."""
    view = make_view("wireframe")
    check_joints(view, lambda: drawn(view))


@pytest.fixture
def rendered(make_view, open3d_draws):
    view = make_view("open3d")
    view._glide.duration_ms = 0
    return view


def check_joints(view, picture):
    """Single joints at places in all parts of the picture appear within 2 px of their projection."""
    skeleton = get_skeleton("coco_17")
    for place in ([0, 0, 1600], [1200, 300, 1700], [-1100, 500, 300], [400, -1500, 1000]):
        joints = np.full((1, len(skeleton), 3), np.nan)
        joints[0, skeleton.index("right_wrist")] = place
        view.set_option("trails", False)
        view.show_people(joints, skeleton)
        expected, _ = view.project(np.array(place, dtype=float))
        pixels = picture()
        shown = of_colour(pixels, theme.DARK.right)
        rows, columns = np.nonzero(shown)
        near = np.hypot(columns + 0.5 - expected[0], rows + 0.5 - expected[1]) < 25
        assert near.sum() > 4
        found = np.array([columns[near].mean() + 0.5, rows[near].mean() + 0.5])
        np.testing.assert_allclose(found, expected, atol=2.0)


def test_open3d_agrees_with_the_projection_and_follows_every_change(qtbot, rendered, rig, standing):
    """One process for all that needs it: starting one takes a second."""
    view = rendered
    check_joints(view, lambda: (settled(qtbot, view), drawn(view))[1])
    assert view.engine == "open3d"
    assert view.notice == ""
    assert view.driver

    joints, skeleton = standing
    view.set_rig(rig)
    view.show_people(joints, skeleton)

    def picture():
        settled(qtbot, view)
        return drawn(view)

    before = picture()
    # Both engines show the same: what the people change in the picture lies at the same place.
    view.look(OrbitCamera(distance_mm=4000.0))
    before = picture()
    lines = make_space_view(engine="wireframe")
    lines.resize(*SIZE)
    lines.set_rig(rig)
    lines.show_people(joints, skeleton)
    lines.look(view.camera)
    painted = pixels_of(lines.grab().toImage())
    for shown in (view, lines):
        shown.show_people(joints[:0], skeleton)
    bodies = []
    for people, nobody in ((before, picture()), (painted, pixels_of(lines.grab().toImage()))):
        # Shadows on the dark floor change it by half of that.
        rows, columns = np.nonzero(np.abs(people - nobody).max(axis=2) > 30)
        bodies.append([rows.mean(), columns.mean(), rows.std(), columns.std()])
    # Limbs are 7 px thick; light, which only Open3D has, can hide half of one side from the threshold.
    np.testing.assert_allclose(*bodies, atol=3.5)
    view.show_people(joints, skeleton)
    lines.deleteLater()

    # Orbit, pan, zoom, options and theme reach the process.
    changes = [
        lambda: drag(qtbot, view, Qt.MouseButton.LeftButton, (200, 150), (260, 160)),
        lambda: drag(qtbot, view, Qt.MouseButton.RightButton, (200, 150), (180, 160)),
        lambda: wheel(view, (200, 150), 240),
        lambda: qtbot.keyClick(view, "3"),
        lambda: qtbot.keyClick(view, Qt.Key.Key_R),
        lambda: view.set_option("frusta", False),
        lambda: view.set_option("frusta", True),
        lambda: view.show_pictures({"front": np.full((480, 640, 3), (30, 220, 90), np.uint8)}),
        lambda: view.highlight_camera("front"),
        lambda: view.show_people(joints[:0], skeleton),
    ]
    view.set_option("pictures", True)
    for change in changes:
        before = picture()
        change()
        assert (np.abs(picture() - before).max(axis=2) > 20).sum() > 30
    # The picture inside the frustum: as bright as it is, where the frustum ends.
    net = view.scene._nets["front"]
    place = view.project(net[net.shape[0] // 2, net.shape[1] // 2])[0].astype(int)
    np.testing.assert_allclose(picture()[place[1], place[0]], [90, 220, 30], atol=6)


def test_open3d_takes_new_sizes_after_a_pause_and_scales_meanwhile(qtbot, rendered, standing):
    view = rendered
    view.show_people(*standing)
    settled(qtbot, view)
    view.resize(600, 300)
    assert view.picture.pixels.shape[:2] == (SIZE[1], SIZE[0]), "the old one, for now"
    scaled = centre_of(drawn(view), theme.DARK.right)
    qtbot.waitUntil(lambda: view.picture.pixels.shape[:2] == (300, 600), timeout=WITHIN_MS)
    settled(qtbot, view)
    # The camera is the same, and the shorter side: nothing moves but by smoothing.
    np.testing.assert_allclose(scaled, centre_of(drawn(view), theme.DARK.right), atol=1.5)
    for width in range(400, 500, 10):
        view.resize(width, 360)
    qtbot.waitUntil(lambda: view.picture.pixels.shape[:2] == (360, 490), timeout=WITHIN_MS)


def test_open3d_survives_its_process_and_costs_nothing_when_idle(qtbot, rendered, standing):
    view = rendered
    joints, skeleton = standing
    view.show_people(joints, skeleton)
    settled(qtbot, view)
    before = drawn(view)
    pictures = []
    view.pictured.connect(pictures.append)
    for _ in range(5):
        view.refresh()
        view.repaint()
        qtbot.wait(120)
    assert not pictures, "nothing new is not drawn"
    os.kill(view.render_process_id, signal.SIGKILL)
    np.testing.assert_array_equal(drawn(view), before, "the last picture stays meanwhile")
    view.show_people(joints + np.array([300.0, 0, 0]), skeleton)
    settled(qtbot, view)
    assert view.engine == "open3d"
    assert (drawn(view) != before).any()

    # Hidden views give their process back, and take a new one when they are shown again.
    view._idle.setInterval(10)
    view.hide()
    qtbot.waitUntil(lambda: view.render_process_id is None, timeout=WITHIN_MS)
    assert not [child for child in active_children() if child.name == "space view"]
    view.show_people(joints, skeleton)
    view.set_option("trails", False)
    view.show()
    settled(qtbot, view)
    after = drawn(view)
    assert of_colour(after, theme.DARK.right).any()

    # Ended: no process, no memory, no thread; the picture stays.
    view.shutdown()
    assert not [child for child in active_children() if child.name == "space view"]
    assert not list(Path("/dev/shm").glob(f"posestage-{os.getpid()}-space*"))
    np.testing.assert_array_equal(drawn(view), after)
    view.show_people(joints + 5.0, skeleton)
    qtbot.wait(50)
    assert view.render_process_id is None


def test_open3d_memory_is_flat(qtbot, rendered, rig, standing):
    """500 instants with everything switched on: neither process grows."""
    view = rendered
    joints, skeleton = standing
    view.set_rig(rig)
    view.set_option("pictures", True)
    view.set_option("uncertainty", True)
    covariance = np.broadcast_to(np.diag([40.0, 90.0, 20.0]) ** 2, (1, len(skeleton), 3, 3))
    picture = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)

    def update(count):
        for step in range(count):
            people = joints + np.array([300 * np.sin(step / 10), 0, 0])
            view.show_pictures({"front": np.roll(picture, step, axis=1), "side": picture})
            with qtbot.waitSignal(view.pictured, timeout=WITHIN_MS):
                view.show_people(people, skeleton, [step // 100], covariance)

    update(60)  # buffers of the driver grow to their size
    processes = [psutil.Process(), psutil.Process(view.render_process_id)]
    before = [process.memory_info().rss for process in processes]
    update(500)
    grown = [process.memory_info().rss - start for process, start in zip(processes, before, strict=True)]
    # One leaked picture of this size (480 kB) per update would be 240 MB; allocators keep some MB.
    assert max(grown) < 12e6, f"{[f'{value / 1e6:.1f} MB' for value in grown]}"


def test_a_view_that_is_deleted_takes_its_process_with_it(qtbot, monkeypatch):
    monkeypatch.setattr(space_view, "RenderLink", lambda: RenderLink(methodcaller("poll", None)))
    view = make_space_view()
    view.show()
    qtbot.waitUntil(lambda: view.render_process_id is not None, timeout=WITHIN_MS)
    view.deleteLater()
    qtbot.waitUntil(
        lambda: not [child for child in active_children() if child.name == "space view"], timeout=WITHIN_MS
    )


def test_lines_without_opengl(qtbot, make_view, monkeypatch, standing):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_FILENAMES", "/nothing/there.json")
    view = make_view("auto")
    view.show_people(*standing)
    with qtbot.waitSignal(view.engine_changed, timeout=WITHIN_MS):
        assert of_colour(drawn(view), theme.DARK.right).any(), "lines from the first moment"
    assert view.engine == "wireframe"
    assert "OpenGL" in view.notice
    assert of_colour(drawn(view), theme.DARK.right).any()
    before = drawn(view)
    drag(qtbot, view, Qt.MouseButton.LeftButton, (200, 150), (250, 170))
    assert (drawn(view) != before).any()
    assert view.render_process_id is None


@pytest.fixture
def display():
    """Name of a display of our own."""
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("needs Xvfb")
    words = [program, "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        yield f":{server.stdout.readline().strip()}"
        server.terminate()


def test_open3d_through_a_hidden_window_without_egl(qtbot, make_view, monkeypatch, display, standing):
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_FILENAMES", "/nothing/there.json")
    monkeypatch.setenv("DISPLAY", display)
    view = make_view("auto")
    view.show_people(*standing)
    settled(qtbot, view)
    assert view.engine == "open3d"
    assert of_colour(drawn(view), theme.DARK.right).any()


def test_lines_without_open3d(qtbot, make_view, monkeypatch, tmp_path, standing):
    """A package that cannot be found, as where the extra is not installed."""
    (tmp_path / "open3d.py").write_text("raise ModuleNotFoundError('none', name='open3d')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.syspath_prepend(tmp_path)
    view = make_view("auto")
    view.show_people(*standing)
    with qtbot.waitSignal(view.engine_changed, timeout=WITHIN_MS):
        pass
    assert view.engine == "wireframe"
    assert "Open3D is not installed" in view.notice


def test_the_settings_choose_the_engine_of_all_views(qtbot, make_view, standing, monkeypatch):
    """Views that are there change at once, and new ones begin so."""
    asked = []
    monkeypatch.setattr(space_view.RenderLink, "want", lambda self, wanted: asked.append(wanted))
    view = make_view("auto")
    assert view.engine == "open3d"
    try:
        engine_choice().choose("wireframe")
        assert view.engine == "wireframe"
        asked.clear()
        view.show_people(*standing)
        qtbot.wait(30)
        assert not asked
        assert make_view("auto").engine == "wireframe"
        engine_choice().choose("open3d")
        assert view.engine == "open3d"
        qtbot.waitUntil(lambda: bool(asked), timeout=WITHIN_MS)
    finally:
        engine_choice().choose("auto")


def test_a_hint_says_what_hands_can_do_until_they_do(qtbot, make_view):
    view = make_view("wireframe", (640, 300))
    bottom = lambda: drawn(view)[272:292, 16:500]  # noqa: E731
    words = of_colour(bottom(), theme.DARK.quiet_text).sum()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton)
    assert of_colour(bottom(), theme.DARK.quiet_text).sum() < words - 200


def test_wireframe_starts_no_process(qtbot, view):
    assert view.engine == "wireframe"
    assert view.notice == ""
    qtbot.wait(50)
    assert view.render_process_id is None


def test_high_dpi_renders_more_dots_up_to_a_limit(qtbot, make_view, monkeypatch):
    asked = []
    monkeypatch.setattr(space_view.RenderLink, "want", lambda self, wanted: asked.append(wanted))
    monkeypatch.setattr(SpaceView, "devicePixelRatioF", lambda self: 2.0)
    view = make_view("open3d")
    qtbot.waitUntil(lambda: bool(asked), timeout=WITHIN_MS)
    assert asked[-1].dots == 2.0
    assert asked[-1].size == SIZE
    view.resize(1920, 1080)
    qtbot.waitUntil(lambda: asked[-1].size == (1920, 1080), timeout=WITHIN_MS)
    assert asked[-1].dots == pytest.approx((space_view._MOST_DOTS / (1920 * 1080)) ** 0.5)


def test_what_is_shown_may_change_afterwards(view, standing):
    joints, skeleton = standing
    given = joints.copy()
    view.show_people(given, skeleton)
    before = drawn(view)
    given[:] = 0
    view.update()
    np.testing.assert_array_equal(drawn(view), before)
