"""The multi-view protocol of Human3.6M: position errors in mm, by subject and action.

Iskakov et al. 2019. Absolute: mean distance over the joints. Relative: the same after the pelvis of
prediction and truth has been moved to the origin; the pelvis' own zero stays in the mean. Nothing is aligned
or scaled. Averages are over frames, not over actions. Published absolute errors leave out the three test
recordings whose truth is displaced, published relative errors do not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from configs.atomic_file import write_atomic
from configs.errors import bad_input
from models.datasets.human36m_labels import Labels
from models.datasets.human36m_names import ROOT, action_of

Floats = NDArray[np.float64]
JointSet = Literal["human36m", "mpii", "from_coco", "from_human36m"]

_TRANSFER_TRUTH: Final = (10, 11, 15, 14, 1, 4)
_TRANSFER_COCO: Final = (10, 8, 9, 7, 14, 13)


@dataclass(frozen=True)
class ComparedJoints:
    """Which joints are compared.

    Attributes:
        truth: Joints of ``human36m_lt17``, in the order of comparison.
        prediction: The same joints in the prediction's order.
        root: Position in that order of the joint that relative errors refer to.
    """

    truth: tuple[int, ...]
    prediction: tuple[int, ...]
    root: int


JOINT_SETS: Final[dict[JointSet, ComparedJoints]] = {
    "human36m": ComparedJoints(tuple(range(17)), tuple(range(17)), ROOT),
    "mpii": ComparedJoints(tuple(range(16)), tuple(range(16)), ROOT),
    # A network trained on CMU Panoptic speaks COCO; wrists, elbows of both sides and knees mean the same,
    # and the right wrist takes the place of the pelvis.
    "from_coco": ComparedJoints(_TRANSFER_TRUTH, _TRANSFER_COCO, 0),
    "from_human36m": ComparedJoints(_TRANSFER_TRUTH, _TRANSFER_TRUTH, 0),
}


@dataclass(frozen=True, eq=False)
class PoseErrors:
    """Error of every evaluated pose.

    Attributes:
        absolute: (N,) mm, mean over the joints that were predicted; NaN where none was.
        relative: (N,) mm, with the pelvis at the origin; NaN where the pelvis is missing.
        missing_joints: Joints without a prediction; what is reported does not contain them.
    """

    absolute: Floats
    relative: Floats
    missing_joints: int


def pose_errors(
    prediction: NDArray[np.floating], truth: NDArray[np.floating], joints: JointSet = "human36m"
) -> PoseErrors:
    """Errors of poses in world coordinates.

    Args:
        prediction: (N, J, 3) mm; NaN where missing.
        truth: (N, 17, 3) mm.
        joints: Which joints count.

    Raises:
        BadInputError: The numbers of poses differ or the prediction has too few joints.
    """
    chosen = JOINT_SETS[joints]
    if prediction.ndim != 3 or prediction.shape[2] != 3 or len(prediction) != len(truth):
        raise bad_input(
            f"predictions have the shape {prediction.shape}, expected ({len(truth)}, J, 3): one pose per row "
            "of the evaluated split"
        )
    if max(chosen.prediction) >= prediction.shape[1]:
        raise bad_input(
            f"predictions have {prediction.shape[1]} joints, the joint set {joints} needs "
            f"{max(chosen.prediction) + 1}"
        )
    p = prediction[:, chosen.prediction].astype(np.float64)
    t = truth[:, chosen.truth].astype(np.float64)
    root = chosen.root
    return PoseErrors(
        absolute=_mean_distance(p - t),
        relative=_mean_distance((p - p[:, root : root + 1]) - (t - t[:, root : root + 1])),
        missing_joints=int((~np.isfinite(p).all(axis=2)).sum()),
    )


def by_subject_and_action(
    errors: Floats, labels: Labels, rows: NDArray[np.intp]
) -> dict[str, dict[str, float]]:
    """Mean error of every group, NaN for groups without frames.

    Args:
        errors: (N,) mm, NaN where there is none.
        labels: Names of subjects and actions.
        rows: (N,) table rows that the errors belong to.

    Returns:
        ``Average`` (all subjects) and every subject; in each ``Average`` and every action, trials joined.
    """
    table = labels.table[rows]
    subject_of = np.array(labels.subjects)[table["subject_idx"]]
    action_of_row = np.array([action_of(name) for name in labels.actions])[table["action_idx"]]
    actions = sorted({action_of(name) for name in labels.actions})
    known = np.isfinite(errors)

    def mean(chosen: NDArray[np.bool_]) -> float:
        chosen = chosen & known
        return float(errors[chosen].mean()) if chosen.any() else float("nan")

    result = {}
    for subject in ("Average", *labels.subjects):
        member = (subject_of == subject) | (subject == "Average")
        result[subject] = {"Average": mean(member)} | {
            action: mean(member & (action_of_row == action)) for action in actions
        }
    return result


def metric_tables(errors: PoseErrors, labels: Labels, rows: NDArray[np.intp]) -> dict[str, Any]:
    """What ``metric.json`` holds: ``per_pose_error`` and ``per_pose_error_relative``."""
    return {
        "per_pose_error": by_subject_and_action(errors.absolute, labels, rows),
        "per_pose_error_relative": by_subject_and_action(errors.relative, labels, rows),
    }


def write_metric(path: Path, metric: Mapping[str, Any]) -> None:
    """Write ``metric.json`` as published (indent 4, sorted keys), but null instead of NaN: valid JSON."""
    text = json.dumps(_without_nan(metric), indent=4, sort_keys=True, allow_nan=False)
    write_atomic(path, f"{text}\n")


def read_metric(path: Path) -> dict[str, Any]:
    """Read a ``metric.json``, also one of the originals with bare NaN."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise bad_input("no such file", file=path) from error
    except (ValueError, RecursionError) as error:
        raise bad_input(f"is not JSON: {error}", file=path) from error
    if not isinstance(content, dict):
        raise bad_input("must hold a JSON object", file=path)
    return content


def _mean_distance(difference: Floats) -> Floats:
    distance = np.linalg.norm(difference, axis=2)
    known = np.isfinite(distance)
    count = known.sum(axis=1)
    total = np.where(known, distance, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value
