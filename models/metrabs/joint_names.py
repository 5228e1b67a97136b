"""What published MeTRAbs models call the joints that we know: ``lsho`` is the left shoulder."""

from __future__ import annotations

from typing import Final

from configs.errors import bad_input
from models.skeleton import Skeleton

_SIDES: Final = (
    ("shoulder", "sho"),
    ("elbow", "elb"),
    ("wrist", "wri"),
    ("hip", "hip"),
    ("knee", "kne"),
    ("ankle", "ank"),
    ("ear", "ear"),
    ("eye", "eye"),
    ("big_toe", "toe"),
    ("small_toe", "sto"),
    ("heel", "hee"),
)

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "pelvis": ("pelv", "spinebase"),
    "spine": ("spin", "bell", "spi1", "spinemid"),
    "neck": ("neck", "thor", "spineshoulder"),
    "nose": ("nose",),
    "head_top": ("htop",),
    # Published models call these ``spin`` and ``head``, as they call other places of other data sets.
    "lower_spine": ("spinlow",),
    "head_centre": ("headcen",),
    **{f"{side}_{joint}": (f"{side[0]}{short}",) for side in ("left", "right") for joint, short in _SIDES},
}
"""Our joints by the names in published models, the nearest first; a suffix such as ``_smpl`` is cut off."""


def short_names(skeleton: Skeleton) -> tuple[str, ...]:
    """The joints of one of our skeletons as published models call them.

    Raises:
        BadInputError: There is no such name for one of them.
    """
    unknown = [joint for joint in skeleton.joints if joint not in NAMES]
    if unknown:
        raise bad_input(
            f"has joints that MeTRAbs has no names for: {', '.join(unknown)}",
            value=skeleton.name,
            allowed="halpe_26, human36m_17, coco_17, ...",
        )
    return tuple(NAMES[joint][0] for joint in skeleton.joints)
