"""Tables of Human3.6M and MPI-INF-3DHP from prediction files of single-camera systems.

Sarandi et al., T-BIOM 2020. Means are over all poses, not over actions.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.evaluation.pose_scores import aligned, centred, stepped_area, within

Floats = NDArray[np.float64]

HUMAN36M_ACTIVITIES: Final = (
    *("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Posing", "Purchases", "Sitting"),
    *("SittingDown", "Smoking", "Photo", "Waiting", "Walking", "WalkDog", "WalkTogether"),
)
ACTIVITIES_3DHP: Final = (
    *("Stand/Walk", "Exercise", "Sit on Chair", "Reach/Crouch", "On Floor", "Sports", "Misc."),
)
SCENES_3DHP: Final = ("green-screen", "no-green-screen", "outdoor")
PELVIS_3DHP: Final = 14
COUNTED_3DHP: Final = tuple(range(14))
LEGACY_3DHP: Final = (*range(1, 14), 16)
"""What the programs of 2020 took, with the last, the head, as the root."""
_PCK_MM: Final = 150.0


def human36m_row(
    poses: Floats, truth: Floats, activity: NDArray[np.str_], *, root: int = 0, procrustes: bool = False
) -> dict[str, float]:
    """Mean joint errors, mm: one per activity, then ``mean`` over all poses.

    Args:
        poses: (N, 17, 3) mm, world or camera.
        truth: (N, 17, 3).
        activity: (N,) names; an activity without poses has NaN.
        root: Joint at the origin; the last one in files of 2020.
        procrustes: Align each pose first.
    """
    _check(poses, truth, activity)
    errors = _errors(centred(poses, root), centred(truth, root), procrustes).mean(axis=1)
    row = {name: _mean(errors[activity == name]) for name in HUMAN36M_ACTIVITIES}
    return row | {"mean": _mean(errors)}


def mpi_inf_3dhp_row(
    poses: Floats,
    truth: Floats,
    activity: NDArray[np.str_],
    scene: NDArray[np.str_],
    *,
    procrustes: bool = False,
    legacy_2020: bool = False,
) -> dict[str, float]:
    """Per cent within 150 mm (PCK) per activity and scene; then ``pck``, ``auc`` and ``mpjpe``, mm, of all.

    Args:
        poses: (N, 17, 3) mm in the order of ``mpi_inf_3dhp_17``.
        truth: (N, 17, 3).
        activity: (N,) names.
        scene: (N,) names.
        procrustes: Align each pose first.
        legacy_2020: The joints and the root of the programs of 2020, for comparing numbers.
    """
    _check(poses, truth, activity, scene)
    if legacy_2020:
        poses, truth = poses[:, LEGACY_3DHP], truth[:, LEGACY_3DHP]
    root = -1 % poses.shape[1] if legacy_2020 else PELVIS_3DHP
    errors = _errors(centred(poses, root), centred(truth, root), procrustes)
    counted = errors if legacy_2020 else errors[:, COUNTED_3DHP]

    def share(chosen: NDArray[np.bool_]) -> float:
        return within(counted[chosen], _PCK_MM) if chosen.any() else float("nan")

    row = {name: share(activity == name) for name in ACTIVITIES_3DHP}
    row |= {name: share(scene == name) for name in SCENES_3DHP}
    return row | {"pck": within(counted, _PCK_MM), "auc": stepped_area(counted), "mpjpe": _mean(errors)}


def _errors(poses: Floats, truth: Floats, procrustes: bool) -> Floats:
    errors: Floats = np.linalg.norm((aligned(poses, truth) if procrustes else poses) - truth, axis=-1)
    return errors


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else float("nan")


def _check(poses: Floats, truth: Floats, *labels: NDArray[np.str_]) -> None:
    if poses.shape != truth.shape or poses.ndim != 3 or poses.shape[1:] != (17, 3):
        raise bad_input(
            f"poses have the shapes {poses.shape} and {truth.shape}", allowed="the same (N, 17, 3)"
        )
    if not len(poses):
        raise bad_input("there is no pose to evaluate")
    if any(len(each) != len(poses) for each in labels):
        raise bad_input(f"{len(poses)} poses have {sorted({len(each) for each in labels})} labels")
