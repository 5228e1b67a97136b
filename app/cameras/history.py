"""Undo and redo of something that never changes in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

State = TypeVar("State")

_LONGEST: Final = 200


@dataclass(frozen=True)
class _Step(Generic[State]):
    state: State
    text: str
    merge: object


class History(Generic[State]):
    """States in order; each says what led to it.

    Args:
        state: The first one.
    """

    def __init__(self, state: State) -> None:
        self._steps = [_Step(state, "", None)]
        self._at = 0

    @property
    def state(self) -> State:
        """The present one."""
        return self._steps[self._at].state

    @property
    def undo_text(self) -> str:
        """What ``undo`` takes back; empty: nothing."""
        return self._steps[self._at].text if self._at else ""

    @property
    def redo_text(self) -> str:
        """What ``redo`` does again; empty: nothing."""
        return self._steps[self._at + 1].text if self._at + 1 < len(self._steps) else ""

    def do(self, state: State, text: str, merge: object = None) -> None:
        """Go to a new state; what was undone is forgotten.

        Args:
            state: The new one.
            text: What was done, such as "remove cam2".
            merge: Consecutive steps with the same value are one, such as the letters of a name.
        """
        del self._steps[self._at + 1 :]
        if merge is not None and self._at and self._steps[self._at].merge == merge:
            self._steps[self._at] = _Step(state, text, merge)
            return
        self._steps.append(_Step(state, text, merge))
        self._steps = self._steps[-_LONGEST:]
        self._at = len(self._steps) - 1

    def rest(self) -> None:
        """Let the next step be one of its own, whatever it is."""
        step = self._steps[self._at]
        self._steps[self._at] = _Step(step.state, step.text, None)

    def undo(self) -> bool:
        """Go back one step; whether there was one."""
        self._at -= 1 if (possible := self._at > 0) else 0
        return possible

    def redo(self) -> bool:
        """Go forward one step; whether there was one."""
        self._at += 1 if (possible := self._at + 1 < len(self._steps)) else 0
        return possible
