import numpy as np
import pytest

from configs.errors import BadInputError
from configs.loading import parse_config
from models.simulation.anatomy import BONE
from models.simulation.rasterizer import NOBODY_MM
from models.simulation.studio import Studio, StudioConfig, warm_up

ADJACENT = {
    "shoulder": ("upper_arm", "chest"),
    "elbow": ("upper_arm", "forearm"),
    "wrist": ("forearm", "hand"),
    "hip": ("thigh", "pelvis", "abdomen"),
    "knee": ("thigh", "shin"),
    "ankle": ("shin", "foot"),
}
"""Bones whose surface lies over a joint."""


@pytest.fixture(scope="module")
def studio():
    return Studio(StudioConfig(seed=1))


def inside_picture(camera, pixels, margin=0.0):
    width, height = camera.size
    return ((pixels > margin) & (pixels < [width - 1 - margin, height - 1 - margin])).all(axis=-1)


def test_rig_and_skeleton(studio):
    assert studio.rig.names == ("cam1", "cam2", "cam3", "cam4")
    assert studio.skeleton.name == "halpe_26"
    assert studio.truth(0.0).shape == (1, 26, 3)
    for camera in studio.rig.cameras:
        assert camera.size == (640, 480)
        assert 3500 < np.hypot(*camera.position[:2]) < 4200
        assert 1500 < camera.position[2] < 2300
        centre = camera.project([0.0, 0.0, 1000.0])
        assert np.abs(centre - [319.5, 239.5]).max() < 60
        assert np.abs(camera.distortion).min() > 0


def test_pictures_follow_from_seed_camera_and_time_alone(studio):
    first = studio.render("cam2", 3.21).copy()
    studio.render("cam1", 8.0)
    studio.render("cam2", 8.0)  # whose people and shadow must leave no trace
    out = np.zeros((480, 640, 3), np.uint8)
    assert studio.render("cam2", 3.21, out) is out
    assert np.array_equal(out, first)
    assert np.array_equal(Studio(StudioConfig(seed=1)).render("cam2", 3.21), first)
    for other in (studio.render("cam1", 3.21), studio.render("cam2", 3.25)):
        assert not np.array_equal(other, first)
    assert not np.array_equal(Studio(StudioConfig(seed=2)).render("cam2", 3.21), first)


def test_another_number_of_cameras_does_not_change_the_people(studio):
    assert np.array_equal(Studio(StudioConfig(seed=1, cameras=7)).truth(4.0), studio.truth(4.0))


def test_a_person_is_seen_before_the_room(studio):
    picture = studio.render("cam3", 2.0)
    assert picture.dtype == np.uint8
    assert picture.std() > 20
    room = Studio(StudioConfig(seed=1, noise=0))
    lit = room.render("cam3", 2.0).astype(int)
    _, winner = room._view("cam3").find_people()
    empty = room._view("cam3")._empty_room()[1].astype(int)
    person = winner >= 0
    assert 3000 < person.sum() < 60000
    assert np.abs(lit - empty)[person].mean() > 15
    shadow = (lit < empty - 5).all(axis=-1) & ~person
    assert shadow.sum() > 500
    untouched = (lit == empty).all(axis=-1)
    assert untouched.sum() > 200000


def test_the_picture_shows_the_body_where_the_truth_says(studio):
    """Every limb joint lies inside the surface, at most its own thickness behind it, under its own bone."""
    checked = right_bone = 0
    bones = studio._cast.bodies[0].bones[:, 0]
    for t in np.arange(0.0, 38.0, 0.97):
        joints = studio.truth(t)[0]
        for camera in studio.rig.cameras:
            visible = studio.visibility(camera.name, t)[0]
            depth, winner = studio._view(camera.name).find_people()
            pixels = camera.project(joints)
            along = joints @ camera.R[2] + camera.t[2]
            for part, names in ADJACENT.items():
                for side in ("left", "right"):
                    joint = studio.skeleton.index(f"{side}_{part}")
                    if not inside_picture(camera, pixels[joint]):
                        continue
                    u, v = np.rint(pixels[joint]).astype(int)
                    assert winner[v, u] >= 0, (t, camera.name, side, part)
                    # skin folds of a bent limb may bring the surface up to the joint, never far behind it
                    assert depth[v, u] < along[joint] + 15.0, (t, camera.name, side, part)
                    if visible[joint]:
                        allowed = [BONE[name] if name in BONE else BONE[f"{side}_{name}"] for name in names]
                        checked += 1
                        right_bone += bones[studio._cast.faces[winner[v, u], 0]] in allowed
    assert checked > 1000
    # the rest are arms pressed to the trunk, where the nearer surface is within the joint's own thickness
    assert right_bone / checked > 0.95


def test_the_surface_surrounds_elbows_knees_and_wrists_evenly(studio):
    cast = studio._cast
    weights = cast.bodies[0]
    for t in (1.0, 7.7, 15.3, 22.2):
        studio._set_time(t)
        joints = studio.truth(t)[0]
        for part, radius in (("elbow", 40.0), ("knee", 57.0), ("wrist", 27.0)):
            for side in ("left", "right"):
                joint = joints[studio.skeleton.index(f"{side}_{part}")]
                own = [BONE[f"{side}_{name}"] for name in ADJACENT[part]]
                mine = np.isin(weights.bones[:, 0], own)
                away = np.linalg.norm(cast.points - joint, axis=1)
                around = cast.points[mine & (away < 1.5 * radius)]
                assert len(around) > 15
                # The mean of a ring of points is its centre; bending shifts skin by a part of the radius.
                assert np.linalg.norm(around.mean(axis=0) - joint) < 0.55 * radius, (t, side, part)


def test_a_face_is_visible_from_the_front_only(studio):
    names = studio.skeleton.joints
    nose, ears = names.index("nose"), [names.index("left_ear"), names.index("right_ear")]
    front = back = seen = hidden = 0
    for t in np.arange(0.0, 30.0, 0.5):
        joints = studio.truth(t)[0]
        forward = joints[nose] - joints[ears].mean(axis=0)
        for camera in studio.rig.cameras:
            towards = camera.position - joints[nose]
            cosine = forward @ towards / np.linalg.norm(forward) / np.linalg.norm(towards)
            if not inside_picture(camera, camera.project(joints[nose]), 2):
                continue
            sees = studio.visibility(camera.name, t)[0, nose]
            if cosine > 0.5:
                front, seen = front + 1, seen + sees
            elif cosine < -0.6:  # up to here the tip of the nose still shows beside the cheek
                back, hidden = back + 1, hidden + ~sees
    assert min(front, back) > 15
    assert hidden == back
    assert seen / front > 0.9  # a raised hand may be in front


def test_every_camera_sees_the_whole_person_nearly_all_the_time():
    for seed in range(4):
        studio = Studio(StudioConfig(seed=seed))
        for camera in studio.rig.cameras:
            inside = [
                inside_picture(camera, camera.project(studio.truth(t)[0])).all()
                for t in np.arange(0, 20, 0.2)
            ]
            assert np.mean(inside) > 0.95, (seed, camera.name)


def test_most_body_joints_are_visible_in_at_least_two_views(studio):
    body = list(studio.skeleton.body)
    counts = np.zeros(len(body))
    times = np.arange(0.0, 20.0, 1.1)
    for t in times:
        views = sum(studio.visibility(name, t)[0, body].astype(int) for name in studio.rig.names)
        counts += views >= 2
    assert (counts / len(times)).mean() > 0.9


@pytest.mark.parametrize("people", [2, 3])
def test_several_people_are_filmed_and_never_touch(people):
    studio = Studio(StudioConfig(seed=3, people=people))
    pelvis, neck = studio.skeleton.index("pelvis"), studio.skeleton.index("neck")
    for t in np.arange(0.0, 45.0, 0.25):
        joints = studio.truth(t)
        assert joints.shape == (people, 26, 3)
        for a in range(people):
            for b in range(people):
                if a != b:
                    trunk = np.linspace(joints[b, pelvis], joints[b, neck], 5)
                    gap = np.linalg.norm(joints[a][:, None] - trunk, axis=-1).min()
                    assert gap > 250.0, (t, a, b)
    view = studio._view("cam1")
    studio.render("cam1", 1.0)
    _, winner = view.find_people()
    owners = studio._cast.paint[winner[winner >= 0]] // 6
    assert set(owners) == set(range(people))


def test_other_sizes():
    for size in ((320, 240), (200, 300), (1280, 720)):
        studio = Studio(StudioConfig(seed=1, cameras=2, size=size))
        assert studio.render("cam2", 1.0).shape == (size[1], size[0], 3)
        camera = studio.rig.camera("cam2")
        inside = [
            inside_picture(camera, camera.project(studio.truth(t)[0])).all() for t in np.arange(0, 20, 0.5)
        ]
        assert np.mean(inside) > 0.9, size


def test_one_camera_and_sixteen():
    assert len(Studio(StudioConfig(cameras=1)).rig) == 1
    assert Studio(StudioConfig(cameras=16)).rig.names[-1] == "cam16"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"cameras": 0}, "cameras = 0"),
        ({"cameras": 17}, "cameras = 17"),
        ({"people": 4}, "people = 4"),
        ({"seed": -1}, "seed = -1"),
        ({"noise": -1}, "noise = -1"),
        ({"size": [10, 10]}, "64..4096"),
        ({"camras": 4}, 'did you mean "cameras"'),
    ],
)
def test_bad_configurations_are_explained(data, says):
    with pytest.raises(BadInputError) as caught:
        parse_config(StudioConfig, data)
    assert says in str(caught.value)


def test_an_unknown_camera_is_explained(studio):
    with pytest.raises(BadInputError, match=r"cam9.*cam1, cam2, cam3, cam4"):
        studio.render("cam9", 0.0)


def test_warming_up_twice_is_harmless():
    warm_up()
    warm_up()


def test_nobody_is_at_infinite_distance(studio):
    studio.visibility("cam1", 0.0)
    depth, winner = studio._view("cam1").find_people()
    assert (depth[winner < 0] == NOBODY_MM).all()
    assert depth[winner >= 0].min() > 1000
    assert depth[winner >= 0].max() < 6500
