"""``evaluate 3dhp``, ``mupots`` and ``3dpw``: predictions against the truth, all published variants."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import numpy as np

from configs.errors import bad_input
from models.datasets.mpi_inf_3dhp import pictures_of, read_test_truth
from models.datasets.mupots import frames_with, read_sequences
from models.datasets.threedpw import read_predicted, read_sequence, sequence_files
from models.evaluation.mupots import FROM_2020, mupots_scores
from models.evaluation.pose_scores import aligned, centred, extended_row
from models.evaluation.prediction_files import Rows, read_predictions
from models.evaluation.single_camera import PELVIS_3DHP, mpi_inf_3dhp_row
from models.evaluation.threedpw import CAUSAL_2020, CAUSAL_2023, LONG, SHORT, smoothed, threedpw_scores

Smoothing = Literal["none", "causal", "causal-2020", "causal-2023", "short", "long"]
SMOOTHINGS: Final[dict[str, tuple[tuple[float, ...], bool, int]]] = {
    "causal": (CAUSAL_2023, True, 0),
    "causal-2020": (CAUSAL_2020, True, 0),
    "causal-2023": (CAUSAL_2023, True, 1),
    "short": (SHORT, False, 0),
    "long": (LONG, False, 0),
}
"""Weights along frames, whether they are causal, and by how many frames they come late."""


def evaluate_3dhp(
    path: Path,
    *,
    data: Path | None = None,
    universal: bool = False,
    procrustes: bool = False,
    legacy_2020: bool = False,
) -> Rows:
    """Scores of the test set of MPI-INF-3DHP.

    Args:
        path: Predictions of single people.
        data: Folder of the test set. Needed for files without truth or names of activities, and for
            ``universal``; every valid frame must have one prediction then.
        universal: Against people at one height.
        procrustes: Align each pose first.
        legacy_2020: Joints and root of the programs of 2020.

    Returns:
        See ``mpi_inf_3dhp_row``; ``extended|...`` of all and ``outdoor|...`` besides, see ``extended_row``.
    """
    found = read_predictions(path, 17)
    poses = found.in_camera()
    if data is not None:
        truth = read_test_truth(data, universal=universal)
        pictures = pictures_of(found.image, path)
        order = np.lexsort(pictures.T[::-1])
        wanted = np.lexsort(truth.picture.T[::-1])
        if not np.array_equal(pictures[order], truth.picture[wanted]):
            raise bad_input(
                f"has {len(poses)} predictions; needs one for each of the {len(truth.picture)} valid frames",
                file=path,
            )
        poses = poses[order]
        true, activity, scene = truth.joints[wanted], truth.activity[wanted], truth.scene[wanted]
    else:
        if universal:
            raise bad_input("needs the annotations", key="--universal-skeleton", hint="add --data DIR")
        if not len(found.activity) or not len(found.scene) or "true_camera" not in found.poses:
            raise bad_input("has no truth or no names of activities", file=path, hint="add --data DIR")
        true, activity, scene = found.poses["true_camera"], found.activity, found.scene
    row = mpi_inf_3dhp_row(poses, true, activity, scene, procrustes=procrustes, legacy_2020=legacy_2020)
    row |= {f"extended|{k}": v for k, v in extended_row(poses, true, PELVIS_3DHP).items()}
    outdoor = scene == "outdoor"
    if outdoor.any():
        more = extended_row(poses[outdoor], true[outdoor], PELVIS_3DHP)
        row |= {f"outdoor|{name}": value for name, value in more.items()}
    return row


def evaluate_mupots(path: Path, data: Path, *, pelvis_last: bool = False) -> Rows:
    """Scores of MuPoTS-3D: recall, and the means over sequences of all variants.

    Args:
        path: Predictions, any number for each picture.
        data: Folder with ``TS1/annot.mat`` and so on.
        pelvis_last: Joints are in the order of the models of 2020.
    """
    found = read_predictions(path, 17)
    poses = found.in_camera()
    if pelvis_last:
        poses = poses[:, list(FROM_2020)]
    scores = mupots_scores(frames_with(read_sequences(data), found.image, poses, path))
    return {"recall": scores.recall} | {name: float(row[-1]) for name, row in scores.table.items()}


def evaluate_3dpw(
    folder: Path, data: Path, *, split: str = "test", smoothing: Smoothing = "none", procrustes: bool = False
) -> Rows:
    """Scores of 3DPW: 24 joints of every person in every frame that counts.

    Args:
        folder: Predictions ``<split>/<sequence>.pkl``, of which none may be missing.
        data: The data set's folder, with ``sequenceFiles``.
        split: Which of its three.
        smoothing: Along frames, see ``SMOOTHINGS``.
        procrustes: Align each pose first, in all scores.
    """
    poses, truth = [], []
    for file in sequence_files(data, split):
        sequence = read_sequence(file)
        people, frames = sequence.counted.shape
        predicted = read_predicted(folder / split / file.name, (people, frames))
        if smoothing != "none":
            weights, causal, late = SMOOTHINGS[smoothing]
            predicted = smoothed(predicted, weights, causal=causal, late=late)
        poses.append(predicted[sequence.counted])
        truth.append(sequence.joints[sequence.counted])
    mine, true = np.concatenate(poses), np.concatenate(truth)
    if not len(true):
        raise bad_input("has no frame that counts", file=data)
    if procrustes:
        mine = aligned(centred(mine, 0), centred(true, 0)) + true[:, :1]
    return threedpw_scores(mine, true) | {"poses": float(len(true))}
