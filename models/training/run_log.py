"""Figures of a run: one JSON object per line, and TensorBoard's files where its package is installed."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.atomic_file import write_atomic

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

log = logging.getLogger(__name__)

FIGURES = "figures.jsonl"


class RunLog:
    """Appends figures.

    Args:
        folder: Of the run.
        from_step: Lines of later steps are removed: a resumed run writes them again.
    """

    def __init__(self, folder: Path, from_step: int) -> None:
        self._path = folder / FIGURES
        kept = [line for line in read_figures(folder) if line["step"] <= from_step]
        write_atomic(self._path, "".join(f"{json.dumps(line)}\n" for line in kept))
        self._file = self._path.open("a", encoding="utf-8")
        self._board: SummaryWriter | None = None
        if find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=from_step + 1)
        else:
            log.info("TensorBoard is not installed; figures go to %s alone", self._path)

    def write(self, kind: str, step: int, figures: Mapping[str, float]) -> None:
        """Write the figures of a step.

        Args:
            kind: ``train`` or ``val``.
            step: Steps done.
            figures: By name; NaN becomes null.
        """
        plain = {name: value if math.isfinite(value) else None for name, value in figures.items()}
        self._file.write(json.dumps({"step": step, "kind": kind, **plain}) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(f"{kind}/{name}", value, step)
            self._board.flush()

    def close(self) -> None:
        """Finish the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def read_figures(folder: Path) -> list[dict[str, Any]]:
    """Complete lines of a run's log; a kill may have left half a line."""
    path = folder / FIGURES
    if not path.is_file():
        return []
    found = []
    for line in path.read_bytes().splitlines():
        try:
            figures = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(figures, dict):
            found.append(figures)
    return found
