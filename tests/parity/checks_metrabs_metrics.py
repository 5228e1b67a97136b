"""Checks of the evaluation of single-camera systems."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.evaluation.mupots import Frame, mupots_scores
from models.evaluation.pose_scores import aligned, extended_row, linear_area, stepped_area, within
from models.evaluation.single_camera import human36m_row, mpi_inf_3dhp_row
from models.evaluation.threedpw import (
    CAUSAL_2020,
    CAUSAL_2023,
    LONG,
    SHORT,
    WORST_MM,
    smoothed,
    threedpw_scores,
)
from tests.parity.case import Case
from tests.parity.registry import check


def close(case: Case, name: str, got: NDArray[np.float64]) -> None:
    tolerance = case.meta["tolerance"]
    expected = case.arrays[name].astype(np.float64)
    assert got.shape == expected.shape
    share = np.abs(got - expected) / (tolerance["atol"] + tolerance["rtol"] * np.abs(expected))
    case.note(name, float(share.max()) * tolerance["atol"], tolerance["atol"])


def values(row: dict[str, float]) -> NDArray[np.float64]:
    return np.array(list(row.values()))


def double(case: Case, *names: str) -> list[NDArray[np.float64]]:
    return [case.arrays[name].astype(np.float64) for name in names]


@check("metrabs_metrics_h36m")
def human36m(case: Case) -> None:
    poses, truth = double(case, "pred_world", "true_world")
    activity = case.arrays["activity"]
    for name, root in (("root_first", 0), ("root_last", 16)):
        for protocol, procrustes in (("p1", False), ("p2", True)):
            row = human36m_row(poses, truth, activity, root=root, procrustes=procrustes)
            assert list(row)[:-1] == case.arrays["activity_order"].tolist()
            close(case, f"{name}_{protocol}", values(row))
    row = extended_row(poses, truth, 0)
    assert list(row) == case.arrays["extended_names"].tolist()
    close(case, "extended_metrics", values(row))
    close(case, "aligned", aligned(poses, truth))
    close(case, "aligned_noscale", aligned(poses, truth, scale=False))
    close(case, "aligned_masked", aligned(poses, truth, case.arrays["mask"]))
    close(case, "aligned_reflect", aligned(poses, truth, reflection="best"))
    close(case, "aligned_mirrored_noreflect", aligned(poses * [-1.0, 1.0, 1.0], truth))


@check("metrabs_metrics_3dhp")
def mpi_inf_3dhp(case: Case) -> None:
    poses, truth = double(case, "pred", "true")
    activity, scene = case.arrays["activity"], case.arrays["scene"]
    for name, arguments in (
        ("standard", {}),
        ("standard_aligned", {"procrustes": True}),
        ("legacy_2020", {"legacy_2020": True}),
    ):
        row = mpi_inf_3dhp_row(poses, truth, activity, scene, **arguments)
        order = [*case.arrays["activity_order"].tolist(), *case.arrays["scene_order"].tolist()]
        assert list(row)[:10] == order
        close(case, name, values(row))
    everything, outdoor = (
        values(extended_row(poses[chosen], truth[chosen], 14))
        for chosen in (np.ones(len(poses), bool), scene == "outdoor")
    )
    groups = (slice(0, 3), slice(3, 9), slice(9, 15), slice(15, 19))
    pairs = [part[group] for group in groups for part in (everything, outdoor)]
    close(case, "extended_metrics", np.concatenate(pairs))
    distances = case.arrays["rel_dist"] * 150.0
    for name, score in (
        ("pck_of_each", within),
        ("auc_of_each", lambda each, _: stepped_area(each)),
        ("auc_linear_of_each", linear_area),
    ):
        close(case, name, np.array([score(each, 150.0) for each in distances]))


@check("metrabs_metrics_3dpw")
def threedpw(case: Case) -> None:
    scores = threedpw_scores(*double(case, "pred_mm", "true_mm"))
    order = ("mpjpe", "mpjpe_pa", "pck", "auc", "ncps125", "ncps_auc", "apck150", "mpjpe_abs", "pck_minor")
    row = np.array([scores[name] for name in order])
    close(case, "metrics_2023_0", row)
    close(case, "metrics_2020_0", row[:4])
    close(case, "metrics_2023_1", np.array([scores[f"ncps{limit}"] for limit in WORST_MM]))
    close(case, "metrics_2023_2", values(extended_row(*double(case, "pred_mm", "true_mm"), 0)))
    (tracks,) = double(case, "tracks")
    close(case, "causal_2020", smoothed(tracks, CAUSAL_2020, causal=True))
    close(case, "acausal_2020", smoothed(tracks, SHORT, causal=False))
    close(case, "causal_2023", smoothed(tracks, CAUSAL_2023, causal=True, late=1))
    close(case, "acausal_2023", smoothed(tracks, LONG, causal=False))


@check("metrabs_metrics_mupots")
def mupots(case: Case) -> None:
    index = case.arrays["index_seq_frame_ntrue_npred"]
    true_ends, pred_ends = np.cumsum(index[:, 2]), np.cumsum(index[:, 3])
    names = ("true2d", "true3d", "true3d_univ", "pred2d", "pred3d")
    arrays = dict(zip(names, double(case, *names), strict=True))
    frames = []
    for row, (sequence, _, people, predictions) in enumerate(index.tolist()):
        true = slice(true_ends[row] - people, true_ends[row])
        pred = slice(pred_ends[row] - predictions, pred_ends[row])
        frames.append(
            Frame(
                sequence,
                arrays["true2d"][true],
                arrays["true3d"][true],
                arrays["true3d_univ"][true],
                arrays["pred2d"][pred],
                arrays["pred3d"][pred],
            )
        )
    scores = mupots_scores(frames)
    case.within("recall", scores.recall, case.arrays["recall"], 1e-9)
    recorded = {name for name in case.arrays if "|" in name}
    assert recorded <= set(scores.table) and len(recorded) >= 56
    for name in sorted(recorded):
        close(case, name, scores.table[name])
