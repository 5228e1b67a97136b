"""What a command promises to the command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, Protocol

from app.cli.console import Console

Result = dict[str, Any]


class Command(Protocol):
    """One word after ``launch.py``. Built without arguments, used once.

    ``configs/registry.py`` style tables name it: see ``app/cli/table.py``.
    """

    description: str
    """What it does, for ``--help``: one or more sentences."""

    example: str
    """One or more complete command lines, for ``--help``."""

    configurable: bool
    """Whether it reads ``args.config`` and ``args.set``; where not, giving them is an error."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's own options. Import nothing heavy here: it also runs for ``--help``."""
        ...

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Do the work.

        Args:
            args: Own options, and of the common ones ``config`` (Path or None), ``set`` (list of str),
                ``log_level`` (str).
            console: For progress bars and remarks while the work goes on.

        Returns:
            What ``--json`` prints: plain data, numpy values and paths allowed, NaN becomes null. A key
            ``exit_code`` ends the process with that code: a command that was interrupted, saved its
            work and still has figures to show returns them with 130.

        Raises:
            PosestageError: What went wrong, as a sentence for people; its ``exit_code`` is used.
        """
        ...

    def summary(self, result: Mapping[str, Any]) -> str:
        """The result for people, printed where ``--json`` is not asked for; "" prints nothing."""
        ...
