"""Poses for lifting: pairs of keypoints and joints with their origin, and the selection GridConv makes.

Kang et al. 2023 drop one take that is damaged in every camera, and for detected keypoints three more whose
ground truth drifts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.datasets.human36m_names import TEST_SUBJECTS, TRAIN_SUBJECTS

Split = Literal["train", "test"]
Key = tuple[str, str, str]
"""Subject, action, file: ``("S9", "Waiting", "Waiting 1.60457274")``."""

ALWAYS_DROPPED: Final = frozenset({("S11", "Directions")})
DRIFTED: Final = frozenset({("S9", "Greeting"), ("S9", "SittingDown 1"), ("S9", "Waiting 1")})
"""Takes with displaced ground truth; dropped from the test set except for ground-truth keypoints."""

PICTURE_HALF_PX: Final = 500.0
MM_PER_M: Final = 1000.0
JOINT_KEYS: Final = ("joint_3d", "joints_3d")
"""What the reader of the published program wants, and what its description says."""


@dataclass(frozen=True)
class LiftingSamples:
    """N poses as GridConv sees them; joints are those of ``human36m_17``.

    Attributes:
        keypoints: (N, 17, 2) float32, units of half a picture from its middle.
        joints: (N, 17, 3) float32, metres in the camera's axes from the pelvis.
        subject: (N,) names.
        take: (N,) action with the number of the take.
        camera: (N,) names.
        frame: (N,) number within the take.
    """

    keypoints: NDArray[np.float32]
    joints: NDArray[np.float32]
    subject: NDArray[np.str_]
    take: NDArray[np.str_]
    camera: NDArray[np.str_]
    frame: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.joints)


def select_samples(
    keypoints: Mapping[Key, NDArray[np.floating]],
    poses: Mapping[Key, Mapping[str, Any]],
    split: Split,
    *,
    drop_drifted: bool,
) -> LiftingSamples:
    """Samples of a split in the order of the sorted keys.

    Args:
        keypoints: By key, (n, 34) px of the 1000 x 1000 picture.
        poses: By the same keys, ``joint_3d`` (n, 51) mm in the camera's axes from the pelvis.
        split: Which people.
        drop_drifted: Leave out ``DRIFTED`` of the test set.

    Raises:
        BadInputError: A pose is missing, shapes do not fit, or nothing is left.
    """
    people = TRAIN_SUBJECTS if split == "train" else TEST_SUBJECTS
    dropped = ALWAYS_DROPPED | (DRIFTED if drop_drifted and split == "test" else frozenset())
    rows: list[tuple[NDArray[np.floating], NDArray[np.floating], str, str, str]] = []
    for key in sorted(keypoints):
        subject, _, file = key
        take, _, camera = file.removesuffix(".h5").rpartition(".")
        if subject not in people or (subject, take) in dropped:
            continue
        flat, truth = np.asarray(keypoints[key]), _joints(poses, key)
        if flat.ndim != 2 or flat.shape[1] != 34 or truth.shape != (len(flat), 51):
            raise bad_input(
                f"keypoints and joints have the shapes {flat.shape} and {truth.shape}",
                key="|".join(key),
                allowed="(n, 34) and (n, 51)",
            )
        rows.append((flat, truth, subject, take, camera))
    if not rows:
        raise bad_input(f"there is no pose of the {split} people", allowed=", ".join(people))
    counts = [len(row[0]) for row in rows]
    pixels = np.concatenate([row[0] for row in rows]).reshape(-1, 17, 2)
    mm = np.concatenate([row[1] for row in rows]).reshape(-1, 17, 3)
    return LiftingSamples(
        keypoints=((pixels - PICTURE_HALF_PX) / PICTURE_HALF_PX).astype(np.float32),
        joints=(mm / MM_PER_M).astype(np.float32),
        subject=np.repeat([row[2] for row in rows], counts),
        take=np.repeat([row[3] for row in rows], counts),
        camera=np.repeat([row[4] for row in rows], counts),
        frame=np.concatenate([np.arange(count) for count in counts]),
    )


def _joints(poses: Mapping[Key, Mapping[str, Any]], key: Key) -> NDArray[np.floating]:
    if key not in poses:
        raise bad_input("has keypoints but no 3D pose", key="|".join(key))
    for name in JOINT_KEYS:
        if name in poses[key]:
            return np.asarray(poses[key][name])
    raise bad_input("has no joints", key="|".join(key), allowed=" or ".join(JOINT_KEYS))
