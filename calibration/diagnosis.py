"""What is wrong with a calibration, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from calibration.board import Board
from configs.errors import BadInputError

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Diagnosis:
    """One thing about a recording or its calibration that its owner should know.

    Attributes:
        kind: Stable short name, such as ``moved_camera``.
        severity: ``error``: do not use the result; ``warning``: it is worse than it could be; ``note``:
            noticed and taken care of.
        sentence: What is wrong and what to do.
        cameras: Those it is about; empty where it is about the board or all cameras.
        board: The board as the pictures show it, where that is the remedy.
    """

    kind: str
    severity: Severity
    sentence: str
    cameras: tuple[str, ...] = ()
    board: Board | None = None


class CalibrationFailedError(BadInputError):
    """The recording gives no calibration.

    Attributes:
        diagnoses: Why, the gravest first; at least one.
    """

    def __init__(self, diagnoses: Sequence[Diagnosis]) -> None:
        self.diagnoses = by_gravity(diagnoses)
        reasons = [one.sentence for one in self.diagnoses if one.severity == "error"]
        super().__init__("; ".join(reasons or [one.sentence for one in self.diagnoses]))


def by_gravity(diagnoses: Sequence[Diagnosis]) -> tuple[Diagnosis, ...]:
    """Errors before warnings before notes, otherwise in the given order, each only once."""
    return tuple(sorted(dict.fromkeys(diagnoses), key=lambda one: SEVERITIES.index(one.severity)))
