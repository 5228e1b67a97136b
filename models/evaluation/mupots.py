"""MuPoTS-3D (Mehta et al., 3DV 2018): several people in one picture, all published variants of its scores.

Joints 0 to 13 head top ... ankles, 14 pelvis, 15 spine, 16 head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluation.pose_scores import stepped_scores

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

MATCH_PX: Final = 40.0
_MATCHED_ON: Final = slice(1, 14)
_PELVIS: Final = 14
_PCK_MM: Final = 150.0
FROM_2020: Final = (*range(14), 16, 14, 15)
"""Takes joints of the models of 2020, which have the pelvis last, to the order above."""
_BONES: Final = (
    *((15, 14), (1, 15), (0, 1), (16, 1), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5), (7, 6)),
    *((8, 14), (9, 8), (10, 9), (11, 14), (12, 11), (13, 12)),
)
_JOINTS: Final = {"mpjpe14": (*range(14),), "mpjpe16": (*range(14), 15, 16), "mpjpe17": (*range(17),)}


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes:
        sequence: 0, 1, ...
        true2d: (n, 17, 2) px of the annotated people.
        true3d: (n, 17, 3) mm in the frame of the camera.
        univ3d: (n, 17, 3) the same with everybody at one height.
        pred2d: (m, 17, 2) px.
        pred3d: (m, 17, 3) mm.
    """

    sequence: int
    true2d: Floats
    true3d: Floats
    univ3d: Floats
    pred2d: Floats
    pred3d: Floats


@dataclass(frozen=True)
class MupotsScores:
    """Scores of all variants.

    Attributes:
        recall: Share of the annotated people that a prediction was matched to.
        table: ``univ|rootrel|rescale|pck_matched`` and so on to (S + 1,): per sequence, and their mean. PCK
            and AUC of a sequence without a match are 0, errors in mm NaN and not in the mean.
    """

    recall: float
    table: dict[str, Floats]


def match_people(true2d: Floats, pred2d: Floats) -> Indices:
    """(n,) prediction for each annotated person, -1 for none: who shares most joints within 40 px in x and y.

    In the order of annotation; each prediction is given once; the first wins ties.
    """
    matches = np.full(len(true2d), -1, np.intp)
    if not len(pred2d):
        return matches
    apart = np.abs(true2d[:, None, _MATCHED_ON] - pred2d[None, :, _MATCHED_ON]).max(axis=-1)
    known = ~(pred2d[:, _MATCHED_ON] == 0.0).all(axis=-1)
    common = ((apart < MATCH_PX) & known).sum(axis=-1)
    for person in range(len(true2d)):
        best = int(common[person].argmax())
        if common[person, best] > 0:
            matches[person] = best
            common[:, best] = 0
    return matches


def with_true_bones(poses: Floats, truth: Floats) -> Floats:
    """(N, 17, 3) predicted directions with true lengths, from the pelvis outwards."""
    rescaled = poses.copy()
    for child, parent in _BONES:
        bone = poses[:, child] - poses[:, parent]
        length = np.linalg.norm(truth[:, child] - truth[:, parent], axis=-1, keepdims=True)
        size = np.linalg.norm(bone, axis=-1, keepdims=True)
        rescaled[:, child] = rescaled[:, parent] + bone / np.where(size > 0.0, size, 1.0) * length
    return rescaled


def mupots_scores(frames: Sequence[Frame]) -> MupotsScores:
    """All variants from all frames."""
    matched = [match_people(frame.true2d, frame.pred2d) for frame in frames]
    sequence = np.concatenate([np.full(len(frame.true3d), frame.sequence) for frame in frames])
    found = np.concatenate(matched) >= 0
    predicted = np.concatenate(
        [frame.pred3d[match[match >= 0]] for frame, match in zip(frames, matched, strict=True)]
    )
    truths = {
        "univ": np.concatenate([frame.univ3d for frame in frames])[found],
        "nonuniv": np.concatenate([frame.true3d for frame in frames])[found],
    }
    sequences = np.unique(np.array([frame.sequence for frame in frames]))
    total = np.array([(sequence == number).sum() for number in sequences])
    mine = sequence[found]
    hits = np.array([(mine == number).sum() for number in sequences])
    share = hits / np.maximum(total, 1)
    table: dict[str, Floats] = {}
    for (kind, truth), relative, rescale in product(truths.items(), (True, False), (True, False)):
        poses = with_true_bones(predicted, truth) if rescale else predicted
        difference = poses - truth
        if relative:
            difference = difference - difference[:, _PELVIS : _PELVIS + 1]
        errors = np.linalg.norm(difference, axis=-1)
        counted = errors[:, _JOINTS["mpjpe14"]]
        person = {name: errors[:, joints].mean(axis=1) for name, joints in _JOINTS.items()}
        person["pck_matched"] = 100.0 * (counted < _PCK_MM).mean(axis=1)
        person["auc_matched"] = 100.0 * stepped_scores(counted).mean(axis=1)
        prefix = "|".join(
            (kind, "rootrel" if relative else "nonrootrel", "rescale" if rescale else "norescale")
        )
        for name, values in person.items():
            sums = np.array([values[mine == number].sum() for number in sequences])
            nothing = np.nan if name.startswith("mpjpe") else 0.0
            means = np.where(hits > 0, sums / np.maximum(hits, 1), nothing)
            table[f"{prefix}|{name}"] = _with_mean(means)
            if name.endswith("_matched"):
                table[f"{prefix}|{name.removesuffix('_matched')}_all_anno"] = _with_mean(means * share)
    return MupotsScores(float(found.mean()) if found.size else float("nan"), table)


def _with_mean(values: Floats) -> Floats:
    known = values[np.isfinite(values)]
    return np.append(values, known.mean() if known.size else np.nan)
