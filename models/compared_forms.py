"""Forms of one computation timed turn by turn, so that other programs on the machine disturb all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from torch import Tensor

Form = Callable[[], Tensor]
ROUND_S: Final = 0.03
"""What takes less is called several times in a round."""


@dataclass(frozen=True)
class FormSpeed:
    """One form of a network.

    Attributes:
        wall_ms: Median of the rounds.
        processor_ms: Time of all threads, median of the rounds.
        ratio: Median over rounds of the first form's wall time over this one's.
        processor_ratio: The same of processor time.
        largest_difference: To the first form's answer; of poses the distance of joints.
        mean_difference: The same on average.
        walls_ms: Of every round.
    """

    wall_ms: float
    processor_ms: float
    ratio: float
    processor_ratio: float
    largest_difference: float
    mean_difference: float
    walls_ms: tuple[float, ...]


def compare(
    forms: Mapping[str, Form], rounds: int, unit: float = 1.0, *, wait: Callable[[], None] = lambda: None
) -> dict[str, FormSpeed]:
    """Time forms turn by turn; the first is the one that others are held against.

    Args:
        forms: By name; each computes the same. Answers with three axes are poses, (N, J, 3).
        rounds: In each of which every form runs, so often that it takes some tens of milliseconds.
        unit: Factor on differences.
        wait: Returns when the device has done everything it was asked for.
    """
    names = list(forms)
    answers = {name: form().clone() for name, form in forms.items()}
    calls = {name: _calls(form, wait) for name, form in forms.items()}
    walls: dict[str, list[float]] = {name: [] for name in names}
    processors: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            wall, processor = time.perf_counter(), time.process_time()
            for _ in range(calls[name]):
                forms[name]()
                wait()
            walls[name].append((time.perf_counter() - wall) / calls[name] * 1e3)
            processors[name].append((time.process_time() - processor) / calls[name] * 1e3)
    first = names[0]
    found = {}
    for name in names:
        difference = (answers[name] - answers[first]).double() * unit
        if difference.ndim == 3:
            difference = difference.norm(dim=-1)
        found[name] = FormSpeed(
            statistics.median(walls[name]),
            statistics.median(processors[name]),
            _ratio(walls[first], walls[name]),
            _ratio(processors[first], processors[name]),
            float(difference.abs().max()),
            float(difference.abs().mean()),
            tuple(walls[name]),
        )
    return found


def _ratio(theirs: Sequence[float], mine: Sequence[float]) -> float:
    return statistics.median(first / max(second, 1e-6) for first, second in zip(theirs, mine, strict=True))


def _calls(form: Form, wait: Callable[[], None]) -> int:
    form()
    wait()
    begun = time.perf_counter()
    form()
    wait()
    return max(1, round(ROUND_S / max(time.perf_counter() - begun, 1e-6)))
