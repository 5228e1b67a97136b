"""What one check of the machine found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One line of ``doctor``.

    Attributes:
        name: What was looked at.
        state: ``fail`` when Posestage cannot work here, ``warn`` when a part of it cannot or is slow.
        found: What there is, with its numbers.
        next_step: The one thing to do; empty when all is well.
    """

    name: str
    state: State
    found: str
    next_step: str = ""

    def __post_init__(self) -> None:
        assert (self.state == "ok") == (not self.next_step), (
            f"{self.name}: a next step for trouble, and only then"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)
