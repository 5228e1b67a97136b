"""Names, splits and known faults of Human3.6M (Ionescu et al. 2014), as the multi-view protocols use them."""

from __future__ import annotations

from typing import Final

SUBJECTS: Final = ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
TRAIN_SUBJECTS: Final = ("S1", "S5", "S6", "S7", "S8")
TEST_SUBJECTS: Final = ("S9", "S11")
CAMERAS: Final = ("54138969", "55011271", "58860488", "60457274")

_ACTIONS: Final = (
    "Directions",
    "Discussion",
    "Eating",
    "Greeting",
    "Phoning",
    "Posing",
    "Purchases",
    "Sitting",
    "SittingDown",
    "Smoking",
    "TakingPhoto",
    "Waiting",
    "Walking",
    "WalkingDog",
    "WalkingTogether",
)
ACTION_TRIALS: Final = tuple(f"{action}-{trial}" for action in _ACTIONS for trial in (1, 2))
"""The thirty recordings of each subject, ``<action>-<trial>``."""

DAMAGED: Final = frozenset({("S9", "Greeting-2"), ("S9", "SittingDown-2"), ("S9", "Waiting-1")})
"""Test recordings whose ground truth is displaced; published absolute errors leave them out."""

ROOT: Final = 6
"""Pelvis in ``human36m_lt17``."""

RAW_JOINTS: Final = (3, 2, 1, 6, 7, 8, 0, 12, 13, 15, 27, 26, 25, 17, 18, 19, 14)
"""Which of the archive's 32 joints are the seventeen of ``human36m_lt17``."""

# File stems in the archive of 3D joints, one column per subject in the order of SUBJECTS; "." stands for
# the canonical name with a blank in place of the hyphen.
_EXCEPTIONS: Final = """
Directions-2      | Directions | . | Directions | Directions | Directions | Directions | Directions
Discussion-1      | . | Discussion 2 | Discussion 1 | . | . | . | .
Discussion-2      | Discussion | Discussion 3 | Discussion | Discussion | Discussion | Discussion 2 | Discussion 2
Eating-1          | Eating 2 | Eating 1 | Eating 1 | . | . | . | .
Eating-2          | Eating | Eating | Eating 2 | Eating | Eating | Eating | Eating
Greeting-1        | . | . | . | . | . | . | Greeting 2
Greeting-2        | Greeting | . | Greeting | Greeting | Greeting | Greeting | Greeting
Phoning-1         | . | . | . | Phoning 2 | Phoning 1 | Phoning 1 | Phoning 3
Phoning-2         | Phoning | Phoning | Phoning | Phoning | Phoning | Phoning | Phoning 2
Posing-1          | . | . | Posing 2 | . | . | . | .
Posing-2          | Posing | Posing | Posing | Posing | Posing | Posing | Posing
Purchases-2       | Purchases | Purchases | Purchases | Purchases | Purchases | Purchases | Purchases
Sitting-2         | . | Sitting | . | Sitting | Sitting | Sitting | Sitting
SittingDown-1     | SittingDown 2 | SittingDown | SittingDown 1 | SittingDown | SittingDown | SittingDown | SittingDown
SittingDown-2     | SittingDown | SittingDown 1 | SittingDown | SittingDown 1 | SittingDown 1 | SittingDown 1 | SittingDown 1
Smoking-1         | . | . | . | . | . | . | Smoking 2
Smoking-2         | Smoking | Smoking | Smoking | Smoking | Smoking | Smoking | Smoking
TakingPhoto-1     | Photo 1 | Photo | Photo | Photo | Photo 1 | Photo 1 | Photo 1
TakingPhoto-2     | Photo | Photo 2 | Photo 1 | Photo 1 | Photo | Photo | Photo
Waiting-1         | . | . | Waiting 3 | . | . | . | .
Waiting-2         | Waiting | Waiting 2 | Waiting | . | Waiting | Waiting | Waiting
Walking-2         | Walking | Walking | Walking | . | Walking | Walking | Walking
WalkingDog-1      | WalkDog 1 | WalkDog 1 | WalkDog 1 | WalkDog 1 | WalkDog 1 | WalkDog 1 | WalkDog 1
WalkingDog-2      | WalkDog | WalkDog | WalkDog | WalkDog | WalkDog | WalkDog | WalkDog
WalkingTogether-1 | WalkTogether 1 | WalkTogether 1 | WalkTogether 1 | WalkTogether 1 | WalkTogether 1 | WalkTogether 1 | WalkTogether 1
WalkingTogether-2 | WalkTogether | WalkTogether | WalkTogether | WalkTogether | WalkTogether 2 | WalkTogether | WalkTogether
"""  # noqa: E501 - a table is read by its columns

_BOX_EXCEPTIONS: Final = {
    ("S1", "TakingPhoto-1"): "TakingPhoto 1",
    ("S1", "TakingPhoto-2"): "TakingPhoto",
    ("S1", "WalkingDog-1"): "WalkingDog 1",
    ("S1", "WalkingDog-2"): "WalkingDog",
}


def _pose_stems() -> dict[tuple[str, str], str]:
    stems = {(s, a): a.replace("-", " ") for s in SUBJECTS for a in ACTION_TRIALS}
    for line in _EXCEPTIONS.strip().splitlines():
        action, *cells = (cell.strip() for cell in line.split("|"))
        for subject, cell in zip(SUBJECTS, cells, strict=True):
            if cell != ".":
                stems[subject, action] = cell
    return stems


POSE_STEMS: Final = _pose_stems()
"""(subject, action-trial) to the stem of its file in the archive of 3D joints."""

BOX_STEMS: Final = POSE_STEMS | _BOX_EXCEPTIONS
"""The same for the archive of ground-truth boxes."""


def action_of(action_trial: str) -> str:
    """``Directions`` of ``Directions-1``: results join the two trials of an action."""
    return action_trial.rpartition("-")[0] or action_trial
