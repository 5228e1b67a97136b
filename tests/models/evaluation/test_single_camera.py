import numpy as np
import pytest

from configs.errors import BadInputError
from models.evaluation.mupots import Frame, match_people, mupots_scores, with_true_bones
from models.evaluation.pose_scores import aligned, extended_row, linear_area, stepped_area, within
from models.evaluation.single_camera import HUMAN36M_ACTIVITIES, human36m_row, mpi_inf_3dhp_row
from models.evaluation.threedpw import CAUSAL_2020, LONG, smoothed, threedpw_scores


@pytest.fixture
def truth():
    return np.random.default_rng(5).normal(0.0, 400.0, (30, 17, 3))


def test_areas_of_one_distance():
    assert within(np.array([149.9, 150.0, 0.0, 300.0]), 150.0) == 50.0
    assert linear_area(np.array([0.0, 75.0, 150.0, 900.0]), 150.0) == pytest.approx(100 * 1.5 / 4)
    # Thresholds 0, 5, ..., 150: an error of 12 is below 15, 20, ..., 150.
    assert stepped_area(np.array([12.0])) == pytest.approx(100 * 28 / 31)
    thresholds = np.arange(0, 151, 5)
    distances = np.random.default_rng(0).uniform(0, 200, 500)
    curve = [within(distances, threshold) for threshold in thresholds]
    assert stepped_area(distances) == pytest.approx(np.mean(curve))


def test_alignment_undoes_similarities(truth):
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    moved = 1.7 * truth @ rotation + (10.0, -500.0, 4000.0)
    np.testing.assert_allclose(aligned(moved, truth), truth, atol=1e-9)
    assert np.abs(aligned(moved, truth, scale=False) - truth).max() > 100.0
    mirrored = truth * (-1.0, 1.0, 1.0)
    np.testing.assert_allclose(aligned(mirrored, truth, reflection="best"), truth, atol=1e-9)
    assert np.abs(aligned(mirrored, truth) - truth).mean() > 50.0
    wrong = truth.copy()
    wrong[:, 3] += 9000.0
    valid = np.ones(truth.shape[:2], bool)
    valid[:, 3] = False
    np.testing.assert_allclose(
        np.delete(aligned(wrong, truth, valid), 3, 1), np.delete(truth, 3, 1), atol=1e-9
    )


def test_rows_of_known_errors(truth):
    activity = np.array([HUMAN36M_ACTIVITIES[index % 3] for index in range(30)])
    poses = truth + 77.0  # displaced as a whole
    poses[activity == "Discussion", 4] += (0.0, 170.0, 0.0)
    row = human36m_row(poses, truth, activity)
    assert row["Directions"] == pytest.approx(0.0, abs=1e-9)
    assert row["Discussion"] == pytest.approx(10.0)
    assert row["mean"] == pytest.approx(10.0 / 3)
    assert np.isnan(row["Walking"])
    extended = extended_row(poses, truth, 0)
    assert extended["mpjpe"] == pytest.approx(10.0 / 3)
    assert extended["mpjpe_abs"] == pytest.approx(
        (np.linalg.norm([77, 77, 77]) * (30 * 17 - 10) + 10 * np.linalg.norm([77, 247, 77])) / (30 * 17)
    )
    assert extended["cps150"] == pytest.approx(100 * 2 / 3)
    assert extended["apck150"] == pytest.approx(100 * 500 / 510)


def test_3dhp_counts_fourteen_joints(truth):
    activity = np.array(["Sports", "Misc."] * 15)
    scene = np.array(["outdoor"] * 10 + ["green-screen"] * 20)
    poses = truth.copy()
    poses[:, 16] += 1000.0  # the head is not counted
    poses[:10, 2] += (151.0, 0.0, 0.0)
    row = mpi_inf_3dhp_row(poses, truth, activity, scene)
    assert row["outdoor"] == pytest.approx(100 * 13 / 14)
    assert row["green-screen"] == 100.0
    assert row["Sports"] == pytest.approx(100 * (1 - 5 / (15 * 14)))
    assert row["mpjpe"] == pytest.approx((np.linalg.norm([1000] * 3) * 30 + 1510) / (30 * 17))


def test_labels_must_fit(truth):
    with pytest.raises(BadInputError, match="labels"):
        human36m_row(truth, truth, np.array(["Walking"]))
    with pytest.raises(BadInputError, match="shapes"):
        human36m_row(truth[:, :16], truth, np.array(["Walking"] * 30))
    with pytest.raises(BadInputError, match="no pose"):
        human36m_row(truth[:0], truth[:0], np.array([], str))


def test_people_are_matched_once_and_in_order():
    person = np.random.default_rng(2).uniform(100, 500, (17, 2))
    true = np.stack([person, person + 20.0])
    assert match_people(true, np.stack([person + 10.0, person + 15.0])).tolist() == [0, 1]
    assert match_people(true, np.stack([person + 10.0])).tolist() == [0, -1]
    assert match_people(true, np.stack([person + 2000.0])).tolist() == [-1, -1]
    assert match_people(true, np.zeros((0, 17, 2))).tolist() == [-1, -1]


def test_bones_get_true_lengths_and_keep_directions(truth):
    stretched = with_true_bones(1.3 * truth, truth)
    np.testing.assert_allclose(stretched - stretched[:, 14:15], truth - truth[:, 14:15], atol=1e-9)


def test_mupots_with_a_missed_sequence(truth):
    flat = np.random.default_rng(3).uniform(100, 500, (17, 2))
    nobody = np.zeros((0, 17, 2)), np.zeros((0, 17, 3))
    frames = [
        Frame(0, flat[None], truth[:1], truth[:1] * 0.9, flat[None], truth[:1] + 200.0),
        Frame(1, flat[None], truth[1:2], truth[1:2], *nobody),
    ]
    scores = mupots_scores(frames)
    assert scores.recall == 0.5
    assert scores.table["nonuniv|rootrel|norescale|pck_matched"].tolist() == [100.0, 0.0, 50.0]
    assert scores.table["nonuniv|nonrootrel|norescale|pck_matched"].tolist() == [0.0, 0.0, 0.0]
    absolute = scores.table["nonuniv|nonrootrel|norescale|mpjpe17"]
    assert absolute[0] == pytest.approx(np.linalg.norm([200.0] * 3))
    assert np.isnan(absolute[1])
    assert absolute[2] == absolute[0]
    np.testing.assert_allclose(scores.table["univ|rootrel|rescale|mpjpe14"][0], 0.0, atol=1e-9)


def test_3dpw_of_known_errors():
    truth = np.random.default_rng(4).normal(0.0, 400.0, (10, 24, 3))
    poses = truth.copy()
    poses[:, 3] += (50.5, 0.0, 0.0)  # a minor joint
    poses[:5, 4] += (0.0, 60.0, 0.0)
    scores = threedpw_scores(poses, truth)
    assert scores["pck"] == pytest.approx(100 * (1 - 5 / 120))
    assert scores["pck_minor"] == pytest.approx(100 * 11 / 12)
    assert scores["mpjpe"] == scores["mpjpe_abs"] == pytest.approx((505 + 300) / 240)
    assert scores["ncps50"] < scores["ncps75"] == 100.0


def test_smoothing_looks_where_it_says():
    tracks = np.zeros((1, 20, 1, 1))
    tracks[0, 10] = 9.0
    causal = smoothed(tracks, CAUSAL_2020, causal=True)[0, :, 0, 0]
    np.testing.assert_allclose(causal[9:14], [0.0, 6.0, 2.0, 1.0, 0.0], atol=1e-12)
    shifted = smoothed(tracks, CAUSAL_2020, causal=True, late=1)[0, :, 0, 0]
    np.testing.assert_allclose(shifted[8:13], [0.0, 6.0, 2.0, 1.0, 0.0], atol=1e-12)
    around = smoothed(tracks, LONG, causal=False)[0, :, 0, 0]
    np.testing.assert_allclose(around[5:16], 9.0 * np.array(LONG) / 94.0, atol=1e-12)
    constant = np.full((2, 7, 3, 3), 5.0)
    np.testing.assert_allclose(smoothed(constant, CAUSAL_2020, causal=True), constant)
