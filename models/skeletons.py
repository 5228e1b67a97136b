"""The joint orders of the field, as data, and the conversion between them.

Indices come from the definition of each data set or network; names are ours and shared: equal names mean the
same physical joint. A joint that another convention places only nearby carries its own name (``foot_index``
of BlazePose is the tip of the foot, not the big toe's joint) and is listed in ``NEAR``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input, did_you_mean
from models.skeleton import Skeleton
from models.wholebody import BEYOND_BODY, BEYOND_BODY_BONES

Bones = tuple[tuple[str, str], ...]

BODY_JOINTS = tuple(
    f"{side}_{joint}"
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)
"""Joints that quality figures are computed on."""

NEAR: dict[str, tuple[str, ...]] = {
    "left_big_toe": ("left_foot_index", "left_toe_base"),
    "right_big_toe": ("right_foot_index", "right_toe_base"),
    "left_foot_index": ("left_big_toe", "left_toe_base"),
    "right_foot_index": ("right_big_toe", "right_toe_base"),
    "left_toe_base": ("left_foot_index", "left_big_toe"),
    "right_toe_base": ("right_foot_index", "right_big_toe"),
    "left_hand": ("left_index", "left_wrist"),
    "right_hand": ("right_index", "right_wrist"),
    "neck": ("thorax", "upper_neck"),
    "thorax": ("neck",),
    "upper_neck": ("neck",),
    "spine": ("spine2",),
    "spine2": ("spine",),
}
"""Stand-ins within a few centimetres, best first; used only when a caller asks for them."""

LIMBS: Bones = tuple(
    (f"{side}_{upper}", f"{side}_{lower}")
    for side in ("left", "right")
    for upper, lower in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
)
TRUNK: Bones = (
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    ("left_shoulder", "left_hip"),
    ("right_shoulder", "right_hip"),
)
MEASURED_BONES: Bones = LIMBS + TRUNK
"""The twelve bones whose length variation is reported: upper arms, forearms, thighs, shanks, shoulders, hips,
trunk sides."""

_SPINE: Bones = (
    ("pelvis", "left_hip"),
    ("pelvis", "right_hip"),
    ("pelvis", "spine"),
    ("spine", "neck"),
    ("neck", "left_shoulder"),
    ("neck", "right_shoulder"),
)
_FACE: Bones = (
    ("nose", "left_eye"),
    ("nose", "right_eye"),
    ("left_eye", "left_ear"),
    ("right_eye", "right_ear"),
)


def _skeleton(name: str, joints: str, bones: Bones) -> Skeleton:
    names = tuple(joints.split())
    index = {joint: at for at, joint in enumerate(names)}
    return Skeleton(
        name=name,
        joints=names,
        bones=tuple((index[first], index[second]) for first, second in bones),
        pairs=tuple(
            (at, index["right_" + joint.removeprefix("left_")])
            for at, joint in enumerate(names)
            if joint.startswith("left_")
        ),
        body=tuple(index[joint] for joint in BODY_JOINTS),
    )


_COCO = (
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow "
    "left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle"
)
_MPII_LIMBS = "right_ankle right_knee right_hip left_hip left_knee left_ankle"
_MPII_ARMS = "right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist"

_TABLES = (
    _skeleton("coco_17", _COCO, LIMBS + TRUNK + _FACE),
    _skeleton(
        "halpe_26",
        f"{_COCO} head_top neck pelvis left_big_toe right_big_toe left_small_toe right_small_toe "
        "left_heel right_heel",
        LIMBS
        + _FACE
        + (
            ("head_top", "neck"),
            ("neck", "left_shoulder"),
            ("neck", "right_shoulder"),
            ("neck", "pelvis"),
            ("pelvis", "left_hip"),
            ("pelvis", "right_hip"),
            ("left_ankle", "left_heel"),
            ("right_ankle", "right_heel"),
            ("left_heel", "left_big_toe"),
            ("right_heel", "right_big_toe"),
            ("left_heel", "left_small_toe"),
            ("right_heel", "right_small_toe"),
        ),
    ),
    _skeleton("coco_wholebody_133", f"{_COCO} {BEYOND_BODY}", LIMBS + TRUNK + _FACE + BEYOND_BODY_BONES),
    _skeleton(
        "blazepose_33",
        "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer "
        "left_ear right_ear left_mouth right_mouth left_shoulder right_shoulder left_elbow right_elbow "
        "left_wrist right_wrist left_pinky right_pinky left_index right_index left_thumb right_thumb "
        "left_hip right_hip left_knee right_knee left_ankle right_ankle left_heel right_heel "
        "left_foot_index right_foot_index",
        LIMBS
        + TRUNK
        + _FACE
        + (
            ("left_mouth", "right_mouth"),
            ("left_wrist", "left_pinky"),
            ("right_wrist", "right_pinky"),
            ("left_wrist", "left_index"),
            ("right_wrist", "right_index"),
            ("left_wrist", "left_thumb"),
            ("right_wrist", "right_thumb"),
            ("left_ankle", "left_heel"),
            ("right_ankle", "right_heel"),
            ("left_heel", "left_foot_index"),
            ("right_heel", "right_foot_index"),
        ),
    ),
    # Learnable triangulation numbers Human3.6M after MPII ...
    _skeleton(
        "human36m_lt17",
        f"{_MPII_LIMBS} pelvis spine neck head_top {_MPII_ARMS} nose",
        LIMBS + _SPINE + (("neck", "nose"), ("nose", "head_top")),
    ),
    # ... lifting networks number the same seventeen joints from the root outward.
    _skeleton(
        "human36m_17",
        "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle spine neck nose head_top "
        "left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist",
        LIMBS + _SPINE + (("neck", "nose"), ("nose", "head_top")),
    ),
    _skeleton(
        "mpii_16",
        f"{_MPII_LIMBS} pelvis thorax upper_neck head_top {_MPII_ARMS}",
        (
            *LIMBS,
            ("pelvis", "left_hip"),
            ("pelvis", "right_hip"),
            ("pelvis", "thorax"),
            ("thorax", "upper_neck"),
            ("upper_neck", "head_top"),
            ("thorax", "left_shoulder"),
            ("thorax", "right_shoulder"),
        ),
    ),
    # Its spine lies just above the pelvis, its head in the middle of the skull.
    _skeleton(
        "mpi_inf_3dhp_17",
        "head_top neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist "
        "right_hip right_knee right_ankle left_hip left_knee left_ankle pelvis lower_spine head_centre",
        (
            *LIMBS,
            ("pelvis", "left_hip"),
            ("pelvis", "right_hip"),
            ("pelvis", "lower_spine"),
            ("lower_spine", "neck"),
            ("neck", "left_shoulder"),
            ("neck", "right_shoulder"),
            ("neck", "head_centre"),
            ("head_centre", "head_top"),
        ),
    ),
    _skeleton(
        "cmu_19",
        "neck nose pelvis left_shoulder left_elbow left_wrist left_hip left_knee left_ankle "
        "right_shoulder right_elbow right_wrist right_hip right_knee right_ankle "
        "left_eye left_ear right_eye right_ear",
        LIMBS
        + _FACE
        + (
            ("neck", "nose"),
            ("neck", "pelvis"),
            ("neck", "left_shoulder"),
            ("neck", "right_shoulder"),
            ("pelvis", "left_hip"),
            ("pelvis", "right_hip"),
        ),
    ),
    _skeleton(
        "smpl_24",
        "pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle spine3 "
        "left_toe_base right_toe_base neck left_collar right_collar head left_shoulder right_shoulder "
        "left_elbow right_elbow left_wrist right_wrist left_hand right_hand",
        (
            *LIMBS,
            ("pelvis", "left_hip"),
            ("pelvis", "right_hip"),
            ("pelvis", "spine1"),
            ("spine1", "spine2"),
            ("spine2", "spine3"),
            ("spine3", "neck"),
            ("neck", "head"),
            ("spine3", "left_collar"),
            ("spine3", "right_collar"),
            ("left_collar", "left_shoulder"),
            ("right_collar", "right_shoulder"),
            ("left_ankle", "left_toe_base"),
            ("right_ankle", "right_toe_base"),
            ("left_wrist", "left_hand"),
            ("right_wrist", "right_hand"),
        ),
    ),
)

SKELETONS: dict[str, Skeleton] = {table.name: table for table in _TABLES}


def get_skeleton(name: str) -> Skeleton:
    """The skeleton called ``name``.

    Raises:
        BadInputError: There is none; says which exist and the nearest name.
    """
    if name not in SKELETONS:
        raise bad_input(
            "unknown skeleton",
            value=name,
            allowed=", ".join(SKELETONS),
            hint=did_you_mean(name, SKELETONS),
        )
    return SKELETONS[name]


def joint_map(source: Skeleton, target: Skeleton, *, near: bool = False) -> NDArray[np.intp]:
    """Where each joint of ``target`` is found in ``source``.

    Args:
        source: Convention of the data at hand.
        target: Convention wanted.
        near: Also accept the stand-ins of ``NEAR`` where the very joint does not exist.

    Returns:
        (J_target,) indices into the joints of ``source``, -1 where it has no such joint.
    """
    index = {joint: at for at, joint in enumerate(source.joints)}
    found = np.full(len(target), -1, np.intp)
    for at, joint in enumerate(target.joints):
        for candidate in (joint, *(NEAR.get(joint, ()) if near else ())):
            if candidate in index:
                found[at] = index[candidate]
                break
    return found


def convert_joints(
    values: NDArray[np.float64], source: Skeleton, target: Skeleton, *, near: bool = False
) -> NDArray[np.float64]:
    """Reorder ``values`` (..., J_source, C) to (..., J_target, C); NaN where ``source`` lacks the joint."""
    order = joint_map(source, target, near=near)
    converted = np.take(np.asarray(values, np.float64), np.maximum(order, 0), axis=-2)
    converted[..., order < 0, :] = np.nan
    return converted


def bone_indices(skeleton: Skeleton, bones: Bones = MEASURED_BONES) -> NDArray[np.intp]:
    """(B, 2) joint indices of named bones.

    Raises:
        ValueError: The skeleton lacks one of the joints.
    """
    return np.array([[skeleton.index(first), skeleton.index(second)] for first, second in bones], np.intp)
