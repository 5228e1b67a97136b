"""Which function checks which case.

A module ``tests/parity/checks_<topic>.py`` declares its checks::

    @check("alg_*")
    def algebraic(case: Case) -> None:
        case.within("keypoints_3d", ours, case.arrays["keypoints_3d_float64"], 0.2, "mm")
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

from tests.parity.case import Case

Check = Callable[[Case], None]

_checks: list[tuple[str, Check]] = []


def check(*patterns: str) -> Callable[[Check], Check]:
    """Declare a function as the check of all cases whose name fits one of the patterns."""

    def declare(function: Check) -> Check:
        _checks.extend((pattern, function) for pattern in patterns)
        return function

    return declare


def checks_of(name: str) -> list[Check]:
    """The checks of a case; empty for a case that nobody knows."""
    if not _checks:
        for path in sorted(Path(__file__).parent.glob("checks_*.py")):
            importlib.import_module(f"tests.parity.{path.stem}")
    return [function for pattern, function in _checks if fnmatchcase(name, pattern)]
